"""Name → plugin: literal tables that are imported on first use, plus entry points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from llmroute.errors import InputError, SuiteError, UnknownName, did_you_mean

if TYPE_CHECKING:
    from llmroute.records import Plugin


@dataclass(frozen=True, slots=True)
class Registry:
    """One plugin room: the noun its plugins are called by, and where each is found."""

    kind: str
    table: Mapping[str, str]
    """name → "module:attribute", imported when the name is first asked for."""
    group: str
    """Entry-point group in which other packages offer plugins; they cannot replace ours."""

    def names(self) -> tuple[str, ...]:
        """Every known name, sorted."""
        return tuple(sorted({*self.table, *_entry_points(self.group)}))

    def load(self, name: str, *, where: str | None = None) -> Any:
        """The plugin's class or function.

        Raises:
            UnknownName: no plugin carries the name; the message proposes the closest.
        """
        target = self.table.get(name) or _entry_points(self.group).get(name)
        if target is None:
            raise UnknownName(self.kind, name, self.names(), where=where)
        module, _, attribute = target.partition(":")
        return getattr(import_module(module), attribute)

    def build(self, name: str, params: Mapping[str, Any], *, where: str | None = None) -> Any:
        """The plugin, a dataclass, constructed with `params`.

        Raises:
            UnknownName: no plugin carries the name.
            InputError: a parameter is unknown, missing or refused by the plugin.
        """
        plugin = self.load(name, where=where)
        if is_dataclass(plugin):
            self._check_params(name, plugin, params, where)
        try:
            return plugin(**params)
        except (TypeError, ValueError) as error:
            raise InputError(f"{self.kind} {name!r}: {error}", where=where) from error

    def labelled(
        self, plugin: Plugin, labels: Sequence[str], *, where: str | None = None
    ) -> Plugin:
        """The plugin with the suite's labels, where it takes labels and was given none.

        Raises:
            UnknownName: no plugin carries the name.
            SuiteError: it takes labels, and the suite has none.
        """
        kind = self.load(plugin.name, where=where)
        takes = is_dataclass(kind) and "labels" in {field.name for field in fields(kind)}
        if not takes or plugin.params.get("labels"):
            return plugin
        if not labels:
            raise SuiteError(
                f"{self.kind} {plugin.name!r} has no labels to choose from",
                where=where,
                fix="Add 'labels: [...]', the allowed answers, to the suite.",
            )
        return replace(plugin, params={**plugin.params, "labels": list(labels)})

    def _check_params(
        self, name: str, plugin: Any, params: Mapping[str, Any], where: str | None
    ) -> None:
        known = {field.name: field for field in fields(plugin) if field.init}
        for param in params:
            if param not in known:
                raise InputError(
                    f"{self.kind} {name!r} has no parameter {param!r}",
                    where=where,
                    fix=did_you_mean(param, known, kind="parameter"),
                )
        for field in known.values():
            required = field.default is MISSING and field.default_factory is MISSING
            if required and field.name not in params:
                raise InputError(
                    f"{self.kind} {name!r} needs the parameter {field.name!r}", where=where
                )


def numbered(names: Iterable[str]) -> list[str]:
    """The names, numbered from the second use of one on.

    >>> numbered(["contains", "exact", "contains"])
    ['contains', 'exact', 'contains#2']
    """
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return told


@cache
def _entry_points(group: str) -> Mapping[str, str]:
    return {point.name: point.value for point in entry_points(group=group)}

"""RoutingMap × outcomes → the map they give under the map's own rule; where the two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from llmroute.analysis.compare import TaskRules, compare
from llmroute.deciding import Decision
from llmroute.records import Outcomes, Price, RoutingMap
from llmroute.routing_map.choose import choose_routes

CLOSE = 1e-5
"""Relative difference that six written digits, of the figures and of the prices, may make."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first field of a map that is not what its outcomes give."""

    path: Path
    """In the file."""
    written: Any
    recomputed: Any

    @property
    def name(self) -> str:
        """The field as a person writes it.

        >>> Difference(("tasks", "gsm", "rejected", 0, "quality"), 0.9, 0.8).name
        'tasks.gsm.rejected[0].quality'
        """
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return "".join(parts).lstrip(".")


def map_prices(routing_map: RoutingMap) -> dict[str, Price]:
    """Candidate → the price the map was decided with."""
    known = {field.name for field in fields(Price)}
    return {
        name: Price(**{key: value for key, value in price.items() if key in known})
        for name, content in routing_map.provenance.candidates.items()
        if (price := content.get("price"))
    }


def recompute(routing_map: RoutingMap, outcomes: Outcomes) -> RoutingMap:
    """The map its outcomes give under its rule, bars, limits, weights, reference and prices.

    Raises:
        InputError: there are no outcomes, or none of the map's reference.
    """
    tasks = routing_map.tasks
    rules = TaskRules(
        thresholds={task.task: task.threshold_rule for task in tasks},
        weights={task.task: task.weight for task in tasks},
    )
    comparison = compare(
        outcomes,
        map_prices(routing_map),
        routing_map.rule,
        reference=routing_map.reference,
        task_rules=rules,
    )
    return choose_routes(
        comparison,
        limits={task.task: task.limits for task in tasks},
        matches=routing_map.matches,
        provenance=routing_map.provenance,
    )


def decision_of(routing_map: RoutingMap) -> Decision:
    """What a stored run has to be decided by to give this map."""
    rule = routing_map.rule
    one_bar = all(task.threshold_rule == rule.threshold for task in routing_map.tasks)
    return Decision(
        threshold=rule.threshold if one_bar else None,
        evidence=rule.evidence,
        confidence=rule.confidence,
        reference=routing_map.reference,
        prices=map_prices(routing_map),
    )


def first_difference(
    written: Mapping[str, Any],
    recomputed: Mapping[str, Any],
    sections: Sequence[str] = ("reference", "quality", "tasks", "savings"),
) -> Difference | None:
    """Where the file first says something else than what was recomputed, or None.

    What the recomputed map does not speak of, such as a section another command added, is passed
    over; so are `corrected_tasks`, and savings with them.

    Args:
        written: the file's values.
        recomputed: `map_to_dict` of the recomputed map.
        sections: what of it is compared.
    """
    skipped = corrected_tasks(written, recomputed)
    for name in sections:
        if name not in recomputed or (skipped and name == "savings"):
            continue
        for found in _differences((name,), written.get(name), recomputed[name]):
            if name != "tasks" or found.path[1] not in skipped:
                return found
    return None


def corrected_tasks(written: Mapping[str, Any], recomputed: Mapping[str, Any]) -> tuple[str, ...]:
    """Tasks whose figures people's labels corrected, where what was recomputed knew no labels."""
    tasks = written.get("tasks") or {}
    return tuple(
        name
        for name, task in tasks.items()
        if _corrected(task) and not _corrected(recomputed["tasks"].get(name, {}))
    )


def _corrected(task: Mapping[str, Any]) -> bool:
    return (task.get("evidence") or {}).get("judge") == "calibrated"


def _differences(path: Path, written: Any, recomputed: Any) -> Iterator[Difference]:
    if path[-1] == "tasks" and isinstance(written, Mapping):
        for task in written.keys() - recomputed.keys():
            yield Difference((*path, task), "a task", "no outcomes")
    if isinstance(written, Mapping) and isinstance(recomputed, Mapping):
        for key, value in recomputed.items():
            if (*path, key)[-1] not in _INPUTS:
                yield from _differences((*path, key), written.get(key), value)
    elif path[-1] == "rejected" and isinstance(written, list):
        yield from _rejected(path, written, recomputed)
    elif not _equal(written, recomputed):
        yield Difference(path, written, recomputed)


_INPUTS = frozenset({"checks", "match", "suite_hash", "judge", "judging"})
"""Fields of a task that are taken from the map itself, or that outcomes do not tell."""


def _rejected(path: Path, written: list[Any], recomputed: list[Any]) -> Iterator[Difference]:
    """Rejected candidates are compared by name: their order says nothing."""
    known = {item["candidate"]: item for item in recomputed}
    named = [item.get("candidate") for item in written]
    for index, name in enumerate(named):
        if name not in known:
            yield Difference((*path, index, "candidate"), name, "no such candidate")
        else:
            yield from _differences((*path, index), written[index], known[name])
    missing = [name for name in known if name not in named]
    if missing:
        yield Difference(path, f"nothing of {missing[0]}", f"{missing[0]} too")


def _equal(written: Any, recomputed: Any) -> bool:
    numbers = (int, float)
    if isinstance(written, numbers) and isinstance(recomputed, numbers):
        return abs(written - recomputed) <= CLOSE * max(abs(written), abs(recomputed), 1e-6)
    return bool(written == recomputed)

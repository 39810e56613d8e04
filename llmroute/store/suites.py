"""Suite ⇄ JSON, and a suite's content hash: what a run keeps so that maps need no suite files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from llmroute.digest import digest
from llmroute.errors import StoreError
from llmroute.records import (
    Criterion,
    Example,
    JudgeUse,
    Level,
    Match,
    Message,
    Plugin,
    QualityThreshold,
    Rubric,
    Sample,
    Suite,
)

T = TypeVar("T")


def suite_hash(suite: Suite) -> str:
    """The suite's identity: equal for equal content, wherever it was read from.

    Fields at their defaults have no part in it, so a field that a later version adds leaves the
    hashes of today's suites as they are.
    """
    return digest(suite_to_json(suite))


def suite_to_json(suite: Suite) -> dict[str, Any]:
    """The suite as plain JSON values, without `path` and without what is at its default."""
    content: dict[str, Any] = _written(_unplaced(suite))
    return content


def suite_from_json(content: Mapping[str, Any]) -> Suite:
    """The suite that `suite_to_json` was given, but for its `path`.

    Raises:
        StoreError: the content has fields this version does not know, or lacks some.
    """
    try:
        return _read(Suite, content, _SUITE)
    except (TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"a stored suite cannot be read: {error}",
            fix="It was written by another version of llmroute: upgrade, or run the bench again.",
        ) from error


def suite_hash_and_text(suite: Suite) -> tuple[str, str]:
    """`suite_hash`, and `suite_to_json` as ASCII: so broken surrogates in a sample survive."""
    content = suite_to_json(suite)
    return digest(content), json.dumps(content, sort_keys=True, separators=(",", ":"))


def _unplaced(suite: Suite) -> Suite:
    """The suite without the paths that it and its rubric were read from."""
    judge = suite.judge
    if judge is not None:
        judge = dataclasses.replace(judge, rubric=dataclasses.replace(judge.rubric, path=None))
    return dataclasses.replace(suite, path=None, judge=judge)


def _written(value: Any) -> Any:
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, tuple | list):
        return [_written(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    content = {}
    for name, default, is_made in _fields(type(value)):  # type: ignore[arg-type]
        item = getattr(value, name)
        if not (not item if is_made else _is_default(item, default)):
            content[name] = _written(item)
    return content


@cache
def _fields(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Name, default, and whether the default is made by a factory, of each field."""
    return tuple(
        (field.name, field.default, field.default_factory is not dataclasses.MISSING)
        for field in dataclasses.fields(kind)
    )


def _is_default(item: Any, default: Any) -> bool:
    # 1 and True equal 1.0, but are other values once they are written.
    return type(item) is type(default) and bool(item == default)


def _read(
    kind: type[T], content: Mapping[str, Any], parts: Mapping[str, Callable[[Any], Any]]
) -> T:
    return kind(
        **{name: parts[name](item) if name in parts else item for name, item in content.items()}
    )


def _each(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda items: tuple(read(item) for item in items)


def _plain(kind: Callable[..., T]) -> Callable[[Any], T]:
    return lambda content: kind(**content)


def _input(content: Any) -> str | tuple[Message, ...]:
    return content if isinstance(content, str) else _each(_plain(Message))(content)


def _sample(content: Any) -> Sample:
    return _read(Sample, content, {"input": _input, "tags": tuple})


def _criterion(content: Any) -> Criterion:
    return _read(Criterion, content, {"levels": _each(_plain(Level))})


def _rubric(content: Any) -> Rubric:
    return _read(Rubric, content, {"criteria": _each(_criterion), "fields": tuple})


def _judge(content: Any) -> JudgeUse:
    return _read(JudgeUse, content, {"rubric": _rubric, "judges": tuple})


def _match(content: Any) -> Match:
    return _read(Match, content, dict.fromkeys(MATCH_LISTS, tuple))


MATCH_LISTS = ("tags", "keywords", "patterns", "utterances")
_SUITE: Mapping[str, Callable[[Any], Any]] = {
    "samples": _each(_sample),
    "examples": _each(_plain(Example)),
    "labels": tuple,
    "metrics": _each(_plain(Plugin)),
    "judge": _judge,
    "extract": _each(_plain(Plugin)),
    "checks": _each(_plain(Plugin)),
    "quality_threshold": _plain(QualityThreshold),
    "match": _match,
}

"""Suite ⇄ JSON, and a suite's content hash: what a run keeps so that maps need no suite files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from llmroute.digest import digest
from llmroute.errors import StoreError
from llmroute.records import (
    Example,
    JudgeUse,
    Match,
    Message,
    Plugin,
    QualityThreshold,
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
    content: dict[str, Any] = _written(dataclasses.replace(suite, path=None))
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


def suite_text(suite: Suite) -> str:
    """`suite_to_json` as text; ASCII, so that broken surrogates in a sample survive."""
    return json.dumps(suite_to_json(suite), sort_keys=True, separators=(",", ":"))


def _written(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _written(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        }
    if isinstance(value, tuple | list):
        return [_written(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    return value


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default is not dataclasses.MISSING:
        # 1 and True equal 1.0, but are other values once they are written.
        return type(value) is type(field.default) and bool(value == field.default)
    return field.default_factory is not dataclasses.MISSING and not value


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


def _match(content: Any) -> Match:
    return Match(**{name: tuple(words) for name, words in content.items()})


_SUITE: Mapping[str, Callable[[Any], Any]] = {
    "samples": _each(_sample),
    "examples": _each(_plain(Example)),
    "labels": tuple,
    "metrics": _each(_plain(Plugin)),
    "judge": _plain(JudgeUse),
    "extract": _each(_plain(Plugin)),
    "quality_threshold": _plain(QualityThreshold),
    "match": _match,
}

"""Sample → what its target allows, as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.digest import canonical_json

if TYPE_CHECKING:
    from llmroute.records import Sample


def target_texts(sample: Sample) -> tuple[str, ...]:
    """Every alternative the target allows, as text; a list is a list of alternatives.

    >>> from llmroute.records import Sample
    >>> target_texts(Sample("q1", "", target=["Paris", 75]))
    ('Paris', '75')
    """
    if sample.target is None:
        return ()
    if isinstance(sample.target, (list, tuple)):
        return tuple(value_text(value) for value in sample.target)
    return (value_text(sample.target),)


def value_text(value: Any) -> str:
    """A JSON value as a model would write it; text stays as it is.

    >>> value_text("a"), value_text(True), value_text(18.0), value_text({"a": 1})
    ('a', 'true', '18', '{"a":1}')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return canonical_json(value)

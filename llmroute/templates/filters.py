"""The filters a template may use: each bounded before it makes its text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

MAX_OUTPUT_CHARACTERS = 1_000_000
MAX_STEPS = 100_000
"""Loop rounds of one rendering, all loops together."""
STEPS = "_steps"
"""The context's own variable: the rounds that are left, in a list of one."""


class TemplateRefusedError(Exception):
    """A template or a rendering that goes past what is allowed; never leaves this room."""

    def __init__(self, what: str, fix: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what, self.fix, self.line = what, fix, line


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        str(value)  # raises: the name is not known
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """The value as JSON.

    Raises:
        TemplateRefusedError: it is no JSON value, or too large.
    """
    if isinstance(value, Undefined):
        str(value)  # raises: the name is not known
    try:
        return sized(json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain))
    except (TypeError, ValueError, RecursionError) as cause:
        raise TemplateRefusedError(
            f"a value cannot be written as JSON: {cause}", "Use plain values."
        ) from cause


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def sized(text: str, size: int | None = None) -> str:
    """The text, where it (or one of that size) is within bounds.

    Raises:
        TemplateRefusedError: it is not.
    """
    if (len(text) if size is None else size) > MAX_OUTPUT_CHARACTERS:
        what = f"the text grows beyond {MAX_OUTPUT_CHARACTERS:,} characters"
        raise TemplateRefusedError(what, "Shorten the sample or the template.")
    return text


def _items(value: Any) -> list[Any]:
    if isinstance(value, Undefined):
        str(value)  # raises: the name is not known
    if isinstance(value, (str, list, tuple, Mapping)):
        return list(value)
    what = f"a list was expected, not {type(value).__name__}"
    raise TemplateRefusedError(what, "Use the filter or loop on a list.")


def _join(value: Any, separator: str = "") -> str:
    parts = [_text(item) for item in _items(value)]
    size = sum(map(len, parts)) + len(_text(separator)) * max(len(parts) - 1, 0)
    sized("", size)
    return _text(separator).join(parts)


def _replace(value: Any, old: str, new: str) -> str:
    text, old, new = _text(value), _text(old), _text(new)
    if not old:
        raise TemplateRefusedError(
            "replace needs a text to look for", "Write replace('old', 'new')."
        )
    sized("", len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _indent(value: Any, width: int = 4) -> str:
    if type(width) is not int or not 0 <= width <= 40:
        raise TemplateRefusedError("indent takes a width from 0 to 40", "Write indent(4).")
    text = _text(value)
    sized("", len(text) + width * text.count("\n"))
    return text.replace("\n", "\n" + " " * width)


def _default(value: Any, other: Any = "") -> Any:
    return other if isinstance(value, Undefined) or value is None else value


def _round(value: Any, digits: int = 0) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or type(digits) is not int or not 0 <= digits <= 15:
        raise TemplateRefusedError("round takes a number and 0 to 15 digits", "Write round(2).")
    number = float(value)
    return round(number, digits) if math.isfinite(number) else number


def _end(value: Any, index: int, name: str) -> Any:
    items = _items(value)
    if not items:
        raise TemplateRefusedError(f"{name} of an empty list", f"Ask 'if' before using {name}.")
    return items[index]


FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": lambda value: _text(value).capitalize(),
    "default": _default,
    "first": lambda value: _end(value, 0, "first"),
    "indent": _indent,
    "join": _join,
    "last": lambda value: _end(value, -1, "last"),
    "length": lambda value: len(_items(value)),
    "lower": lambda value: _text(value).lower(),
    "replace": _replace,
    "round": _round,
    "string": lambda value: _text(value),
    "title": lambda value: _text(value).title(),
    "tojson": lambda value: json_text(value),
    "trim": lambda value: _text(value).strip(),
    "upper": lambda value: _text(value).upper(),
    "wordcount": lambda value: len(_text(value).split()),
}


@pass_context
def bounded_items(context: Context, value: Any) -> list[Any]:
    """The list a loop runs over, its rounds taken from the rendering's allowance."""
    items = _items(value)
    steps = context[STEPS]
    steps[0] -= len(items)
    if steps[0] < 0:
        raise TemplateRefusedError(
            f"the loops run more than {MAX_STEPS:,} rounds", "Loop over shorter lists."
        )
    return items

"""Plain YAML text → value, by the core rules of YAML 1.2 (§10.3.2).

PyYAML follows YAML 1.1, in which `NO` is false, `1:30` is 90, `012` is 10, `1e3` is text and
2024-01-31 is a date. Here the first is text, as are times and dates; 012 is 12 and 1e3 is 1000.0.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float("inf") for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{"-" + word: float("-inf") for word in (".inf", ".Inf", ".INF")},
}
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NUMBER_STARTS = frozenset("0123456789+-.")


def plain_value(text: str) -> Scalar:
    """The value of an unquoted scalar.

    Raises:
        ValueError: an integer of more digits than Python converts (4,300).

    >>> [plain_value(t) for t in ("NO", "1:30", "012", "0o17", "0x1F", "1e3", "2024-01-31", "~")]
    ['NO', '1:30', 12, 15, 31, 1000.0, '2024-01-31', None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, base=0)
    return float(text) if _FLOAT.fullmatch(text) else text

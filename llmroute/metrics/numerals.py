"""Text → the last number written in it, in the ways people and models write numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

Decimal = Literal["auto", ".", ","]

_PLAIN = str.maketrans(
    {
        "−": "-", "‐": "-", "‑": "-", "–": "-", "﹣": "-", "－": "-",
        "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⅕": " 1/5",
        "⅛": " 1/8", "⅜": " 3/8", "⅝": " 5/8", "⅞": " 7/8", "⁄": "/", "％": "%",
        "\u00a0": "\u202f", "\u2009": "\u202f", "’": "'",
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    }
)  # fmt: skip
_SIGN = r"(?P<sign>(?<![\w)\]}.%])[-+](?=[\\$€£¥₹\d.]))?"
_CURRENCY = r"(?:\\?[$€£¥₹]\s?(?P<late_sign>-)?)?"
_UNNAMED = r"(?:(?<![A-Za-z_\d])|(?<=USD)|(?<=EUR)|(?<=GBP)|(?<=Rs)|(?<=\\n)|(?<=\\t))"
_FRACTION = (
    r"(?:(?P<whole>\d{1,15})\s+(?=\d+/))?"
    r"(?<!/)(?P<top>\d{1,15})\s?/\s?(?P<bottom>0{0,9}[1-9]\d{0,14})(?![\d.,]*\d|\s?/)"
)
_LATEX_FRACTION = (
    r"\\[dt]?frac\s?\{(?P<latex_top>-?\d{1,15})\}\s?\{(?P<latex_bottom>-?0{0,9}[1-9]\d{0,14})\}"
)
_RUN = r"(?P<run>(?:\d++|(?<![\d.])\.\d++)(?:[.,'\u202f]\d++)*+)"
_CLOCK = r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?![\d:])"
_POWER = (
    r"(?:[eE](?P<e>[-+]?\d{1,6})(?!\d)|\s?\^\s?\{?(?P<exponent>[-+]?\d{1,6})\}?"
    r"|\s?(?:×|x|\*|·|\\times|\\cdot)\s?10\s?\^\s?\{?(?P<ten>[-+]?\d{1,6})\}?)?"
)
_PERCENT = r"(?P<percent>\s?\\?%|\s?(?:percent|per cent)\b)?"
_NUMERAL = re.compile(
    rf"(?=[-+\\$€£¥₹.\d]){_SIGN}{_CURRENCY}(?:{_LATEX_FRACTION}|{_UNNAMED}(?:{_CLOCK}|{_FRACTION}|{_RUN}{_POWER})){_PERCENT}"
)
_WINDOW = 120
_RUN_CHARACTERS = frozenset("0123456789.,'\u202f")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as it stands in a text."""

    value: float
    """Infinite where it is beyond a float's range."""
    digits: str
    """What was read, without separators: tells numbers apart that a float cannot hold."""
    percent: bool = False


def last_number(text: str, decimal: Decimal = "auto") -> Numeral | None:
    """The last number in a text, or None.

    Reads thousands in both styles (1,234.5 and 1.234,5; also 1'234 and 1 234 with a hard space),
    fractions (3/4, 1 3/4, ½, \\frac{3}{4}), percent, powers of ten (1e6, 1.2 × 10^6), any minus
    sign and currencies. With decimal "auto" a single comma before three digits parts thousands
    ("1,234" is 1234) and any other is a decimal comma ("1,5" is 1.5); a single point is always
    decimal. A clock time counts hours (2:30 is 2.5). Digits that a letter precedes are a name, not
    a number ("CO2").

    >>> last_number("It costs $1,234.50 in all.").value
    1234.5
    >>> last_number("es sind −1.234,5 €").value
    -1234.5
    >>> last_number("about 3/4 of CO2").value
    0.75
    """
    if not text.isascii():
        text = text.translate(_PLAIN)
    end = max(map(text.rfind, "0123456789")) + 1
    if not end:
        return None
    tail = text[_window_start(text, end) : end + 12]
    if "{,}" in tail:
        tail = tail.replace("{,}", ",")
    last: Numeral | None = None
    for match in _NUMERAL.finditer(tail):
        last = _read(match, decimal)
    return last


def _window_start(text: str, end: int) -> int:
    """Where to start looking: far enough back that no number is cut in two."""
    start = max(0, end - _WINDOW)
    while start > 0 and text[start] in _RUN_CHARACTERS:
        start -= 1
    return start


def _read(match: re.Match[str], decimal: Decimal) -> Numeral:
    sign = "-" if (match["sign"] or "").startswith("-") or match["late_sign"] else ""
    percent = match["percent"] is not None
    if match["hour"]:
        return Numeral(int(match["hour"]) + int(match["minute"]) / 60, match[0])
    if match["latex_top"] or match["top"]:
        top, bottom = match["latex_top"] or match["top"], match["latex_bottom"] or match["bottom"]
        value = float(match["whole"] or 0) + float(top) / float(bottom)
        return Numeral(-value if sign else value, f"{sign}{match[0]}", percent)
    digits = f"{sign}{_plain_digits(match['run'], decimal)}"
    if power := match["e"] or match["ten"]:
        digits = f"{digits}e{power}"
    value = float(digits)
    if match["exponent"]:
        digits, value = f"{digits}^{match['exponent']}", _power(value, float(match["exponent"]))
    return Numeral(value, digits, percent)


def _power(base: float, exponent: float) -> float:
    try:
        value = float(abs(base) ** exponent)
    except (OverflowError, ZeroDivisionError):
        value = math.inf
    return -value if base < 0 else value


def _plain_digits(run: str, decimal: Decimal) -> str:
    """A run of digits and separators as Python writes the number.

    >>> [_plain_digits(run, "auto") for run in ("1,234", "1.234,5", "1,5", "1,2,3", "1.2.2024")]
    ['1234', '1234.5', '1.5', '3', '2024']
    """
    if run.isdecimal():
        return run
    for point in (".", ",") if decimal == "auto" else (decimal,):
        if (digits := _as_number(run, point, auto=decimal == "auto")) is not None:
            return digits
    return re.split(r"[.,'\u202f]", run)[-1]


def _as_number(run: str, point: str, *, auto: bool) -> str | None:
    whole, has_point, part = run.rpartition(point)
    if not has_point:
        whole, part = run, ""
    elif not part.isdecimal():
        whole, has_point, part = run, "", ""
    groups = re.split(r"[.,'\u202f]", whole)
    separators = {character for character in whole if not character.isdecimal()}
    if len(groups) > 1:
        if point in separators or len(separators) > 1 or not _are_thousands(groups):
            return None
    elif auto and point == "," and len(part) == 3 and whole.strip("0"):
        return whole + part
    return "".join(groups) + (f".{part}" if has_point else "")


def _are_thousands(groups: list[str]) -> bool:
    first, *middle, last = groups
    sizes = {len(group) for group in middle}
    indian = sizes == {2} and len(first) <= 2  # 1,23,456
    return 1 <= len(first) <= 3 and first[0] != "0" and len(last) == 3 and (sizes <= {3} or indian)

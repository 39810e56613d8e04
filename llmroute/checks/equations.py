"""Answer text → the sums written in it, each recomputed; nothing is executed.

A model says "16 eggs - 3 eggs = 13", "$<<9*2=18>>18", "20% of 80 is 16" or "\\frac{1}{2} \\cdot 6 =
3". Signs of all scripts, currencies, thousands, units after numbers and LaTeX are read away; what
holds a variable is left alone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_EQUATIONS = 200
_MAX_TOKENS = 60
_MAX_UNIT_WORDS = 4
_PLAIN = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "∙": "*", "✕": "*", "✖": "*", "＊": "*", "∗": "*",
        "÷": "/", "∕": "/", "⁄": "/", "−": "-", "–": "-", "‐": "-", "‑": "-", "－": "-", "﹣": "-",
        "＋": "+", "＝": "=", "≅": "≈", "≃": "≈", "（": "(", "）": ")", "％": "%",
        "²": "^2", "³": "^3",
        "½": "(1/2)", "¼": "(1/4)", "¾": "(3/4)", "⅓": "(1/3)", "⅔": "(2/3)", "⅛": "(1/8)",
        "\u00a0": " ", "\u2009": " ", "\u202f": " ",
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    }
)  # fmt: skip
_FRACTION = re.compile(r"\\[dt]?frac\s?\{([^{}]{1,60})\}\s?\{([^{}]{1,60})\}")
_REWRITES = (
    (re.compile(r"\\(?:times|cdot|ast)(?![A-Za-z])"), "*"),
    (re.compile(r"\\div(?![A-Za-z])"), "/"),
    (re.compile(r"\\approx(?![A-Za-z])"), "≈"),
    (re.compile(r"\\(?:text|mathrm|textbf)\s?\{([^{}]{0,60})\}"), r" \1 "),
    (re.compile(r"\\(?:left|right|,|;|!|quad)(?![A-Za-z])"), " "),
    (re.compile(r"\\[\[\]()]|\\n(?![a-z])|\$\$"), "\n"),
    (re.compile(r"\\([*$%+=_-])"), r"\1"),
    (re.compile(r"\^\s?\{([^{}]{1,20})\}"), r"^(\1)"),
    (re.compile(r"(?<=\d)\*\*(?=\d)"), "^"),
    (re.compile(r"\*\*|__"), " "),
    (re.compile(r"(?<=[\d)%])\s?[xX]\s?(?=[\d($])"), "*"),
    (re.compile(r"(?<=\d)-(?=[A-Za-z])"), " "),
)
_ANNOTATION = re.compile(r"=?[ \t]{0,3}\\?[$€£]?[ \t]?<<([^<>\n]{1,200})>>")
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d{1,40}(?:\.\d{1,40})?|\.\d{1,40}"
_NUMBER = re.compile(_DIGITS)
_TOKEN = re.compile(
    rf"(?P<number>{_DIGITS})(?P<percent>\s?%)?"
    r"|(?P<equals>={1,2}|≈)"
    r"|(?P<sign>[-+*/^()\[\]])"
    r"|(?P<word>[^\W\d_]+(?:'[a-z]+)?)"
    r"|(?P<currency>[$€£¥₹])"
    r"|(?P<other>\S)"
)
_BREAK = re.compile(r"\n|[.;:!?,](?=\s|$|\")|\||\"")
_SAYS_EQUAL = re.compile(
    r"\b(?:equals?|is|gives|makes)\s{1,3}[(\\$€£¥₹]{0,3}[-.]?\d", re.IGNORECASE
)
_WORD_SIGNS = {"times": "*", "plus": "+", "minus": "-", "x": "*", "over": "/"}
_WORD_EQUALS = frozenset({"equals", "equal", "is", "gives", "makes"})
_WORD_NUMBERS = {"half": 0.5, "third": 1 / 3, "quarter": 0.25}
_CONJUNCTIONS = frozenset(
    ("and", "but", "so", "then", "thus", "hence", "therefore", "which", "because", "since", "while")
)
_OPERATORS = frozenset("+-*/^")


@dataclass(frozen=True, slots=True)
class Equation:
    """One sum as it stands in a text."""

    operands: tuple[float, ...]
    """The numbers on the side that computes."""
    signs: str
    """Its operators, in order: "+-*/^"."""
    computed: float
    stated: float
    holds: bool
    """Whether they agree to the digits shown; percent may be written as a share."""
    rounded: bool
    """Whether they agree only to the digits shown."""
    start: int
    """Where it stands, in characters of the cleaned text."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """number, sign, word, equals, break or variable."""
    text: str
    value: float = 0.0
    decimals: int = 0
    percent: bool = False
    start: int = 0


@dataclass(frozen=True, slots=True)
class _Side:
    value: float
    operands: tuple[float, ...]
    signs: str
    decimals: int
    percent: bool
    start: int


def equations(text: str) -> list[Equation]:
    """The sums of a text in order, chains link by link, at most 200.

    >>> [(e.computed, e.stated, e.holds) for e in equations("3 + 4 = 7 eggs, and 9 * $2 = $19.")]
    [(7.0, 7.0, True), (18.0, 19.0, False)]
    >>> [e.holds for e in equations("2 hours x 60 = 120; 25% of 80 = 40 / 2 = 20; 10 / 3 = 3.33")]
    [True, True, True, True]
    """
    found: list[Equation] = []
    annotations = [match[1] for match in _ANNOTATION.finditer(text)]
    for part in (*annotations, _ANNOTATION.sub("; ", text)):
        for equation in _equations(_clean(part)):
            if not _is_repeat(equation, found):
                found.append(equation)
            if len(found) == MAX_EQUATIONS:
                return found
    return found


def numbers(text: str) -> list[float]:
    """Every number of a text in order, signs and units left away; percent as written.

    >>> numbers("Buy 3 for $1,200.50, 20% off; the 2/5 rest")
    [3.0, 1200.5, 20.0, 2.0, 5.0]
    """
    return [float(digits.replace(",", "")) for digits in _NUMBER.findall(_clean(text))]


def _is_repeat(equation: Equation, found: Sequence[Equation]) -> bool:
    """Whether a calculator's annotation says the same as the text around it."""
    key = (equation.operands, equation.signs, equation.stated)
    return any((other.operands, other.signs, other.stated) == key for other in found)


@lru_cache(maxsize=64)
def _clean(text: str) -> str:
    if not text.isascii():
        text = text.translate(_PLAIN)
    if "\\" in text:
        for _ in range(3):
            text = _FRACTION.sub(r"((\1)/(\2))", text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text


def _tokens(text: str, offset: int) -> Iterator[_Token]:
    end, glued = 0, False
    for match in _TOKEN.finditer(text):
        glued = match.start() == end and end > 0
        end = match.end()
        kind = match.lastgroup or "other"
        if match["number"]:
            digits = match["number"].replace(",", "")
            decimals = len(digits.partition(".")[2])
            percent = match["percent"] is not None
            at = offset + match.start()
            yield _Token("number", digits, float(digits), decimals, percent, at)
        elif kind == "word":
            yield _word(match[0], glued and text[match.start() - 1].isdigit())
        elif kind in ("equals", "sign"):
            text_of = match[0].replace("[", "(").replace("]", ")")
            yield _Token(kind, text_of, start=offset + match.start())
        elif kind == "other":
            yield _Token("variable", match[0])


def _word(word: str, after_digit: bool) -> _Token:
    lower = word.lower()
    if after_digit and len(word) == 1:
        return _Token("variable", word)
    if lower in _WORD_SIGNS:
        return _Token("word_sign", _WORD_SIGNS[lower])
    if lower in _WORD_EQUALS:
        return _Token("word_equals", lower)
    if lower in _CONJUNCTIONS:
        return _Token("break", lower)
    if lower in _WORD_NUMBERS:
        return _Token("word_number", lower, _WORD_NUMBERS[lower])
    return _Token("word", lower)


def _equations(text: str) -> Iterator[Equation]:
    start = 0
    for end in (*_BREAK.finditer(text), None):
        stop = len(text) if end is None else end.start()
        clause = text[start:stop]
        if "=" in clause or "≈" in clause or _SAYS_EQUAL.search(clause):
            yield from _clause_equations(clause, start)
        start = stop if end is None else end.end()


def _clause_equations(clause: str, start: int) -> Iterator[Equation]:
    left: list[_Token] = []
    pending: list[_Token] | None = None
    in_words = False
    for token in (*_settled(list(_tokens(clause, start))), _Token("break", "")):
        if token.kind not in ("equals", "break"):
            left.append(token)
            continue
        if pending is not None and (equation := _equation(pending, left, in_words)):
            yield equation
        pending = left if token.kind == "equals" else None
        left, in_words = [], token.text.isalpha()


def _settled(tokens: list[_Token]) -> list[_Token]:
    """Words that may be signs decided by their neighbours; unit slashes ("$3/hour") dropped."""
    settled: list[_Token] = []
    for position, token in enumerate(tokens):
        before = settled[-1] if settled else None
        after = tokens[position + 1] if position + 1 < len(tokens) else None
        starts = after is not None and (after.kind == "number" or after.text == "(")
        if token.kind == "word_sign":
            kind = "sign" if starts and before is not None and before.kind != "sign" else "word"
            settled.append(_Token(kind, token.text if kind == "sign" else "x"))
        elif token.kind == "word_equals":
            kind = "equals" if starts else "word"
            settled.append(_Token(kind, token.text))
        elif token.kind == "word_number":
            of = after is not None and after.text == "of"
            settled.append(_Token("number" if of else "word", "", token.value, 9))
        elif token.text == "of" and starts and before is not None and _may_be_part(before):
            settled.append(_Token("sign", "*"))
        elif token.text == "/" and after is not None and after.kind.startswith("word"):
            settled.append(_Token("word", "per"))
        elif token.kind == "word" and len(token.text) == 1 and _touches_sign(before, after):
            settled.append(_Token("variable", token.text))
        else:
            settled.append(token)
    return settled


def _may_be_part(token: _Token) -> bool:
    return (token.kind == "number" and (token.percent or token.value < 1)) or token.text == ")"


def _touches_sign(before: _Token | None, after: _Token | None) -> bool:
    signs = "+-*/^="
    return (before is not None and before.text in signs and bool(before.text)) or (
        after is not None and after.text in signs and bool(after.text)
    )


def _equation(left: list[_Token], right: list[_Token], in_words: bool) -> Equation | None:
    ours, theirs = _side(_tail(left)), _side(_head(right))
    if ours is None or theirs is None or not (ours.signs or theirs.signs):
        return None
    if (in_words and theirs.signs) or (not ours.signs and len(left) > 1):
        return None  # "the cost of 3 pens is 3 * 2": a heading, not a sum
    computed, stated = (ours, theirs) if ours.signs else (theirs, ours)
    gap = _gap(computed, stated)
    if theirs.signs and ours.signs:  # "5 + 3 = 8 * 2 = 16" runs on
        gap = min(gap, abs(computed.value - stated.operands[0]))
    noise = 1e-9 * max(1.0, abs(stated.value))
    exact = gap <= (min(noise, 0.4) if _is_whole(computed) else noise)
    near = gap <= 0.5001 * 10.0 ** -min(stated.decimals, 15) and not _is_whole(computed)
    return Equation(
        computed.operands, computed.signs, computed.value, stated.value,
        exact or near, near and not exact, ours.start,
    )  # fmt: skip


def _is_whole(side: _Side) -> bool:
    """Whether whole numbers were added, subtracted or multiplied: then nothing is rounded."""
    whole = all(operand == math.floor(operand) for operand in side.operands)
    return whole and "/" not in side.signs and not side.percent


def _gap(computed: _Side, stated: _Side) -> float:
    gaps = [abs(computed.value - stated.value)]
    if computed.percent or stated.percent or 100.0 in computed.operands:
        gaps += [
            abs(computed.value * 100 - stated.value), abs(computed.value - stated.value * 100),
        ]  # fmt: skip
    return min(gaps)


def _tail(tokens: list[_Token]) -> list[_Token]:
    """The longest stretch at the end that can be an expression, units dropped."""
    taken: list[_Token] = []
    wants_operand, depth, n_words = True, 0, 0
    for token in reversed(tokens[-2 * _MAX_TOKENS :]):
        if token.kind == "word":
            n_words += 1
            if n_words > _MAX_UNIT_WORDS or not (wants_operand or depth):
                break
        elif token.kind == "number" or token.text == ")":
            if not wants_operand:
                break
            depth += token.text == ")"
            taken.append(token)
            wants_operand, n_words = token.text == ")", 0
        elif token.text == "(":
            if depth == 0:
                break
            depth -= 1
            if taken[-1].text == ")":
                taken.pop()  # "(chicken meal)": a remark
                wants_operand = True
            else:
                taken.append(token)
        elif token.kind == "sign":
            if wants_operand and not (taken and taken[-1].text == "-"):
                break
            taken.append(token)
            wants_operand, n_words = True, 0
        else:
            return []
    return _trimmed(taken[::-1])


def _head(tokens: list[_Token]) -> list[_Token]:
    """The longest stretch at the start that can be an expression, units dropped."""
    taken: list[_Token] = []
    wants_operand, depth, n_words = True, 0, 0
    for token in tokens[: 2 * _MAX_TOKENS]:
        if token.kind == "word":
            n_words += 1
            if n_words > _MAX_UNIT_WORDS or (not taken and n_words > 1):
                break
        elif token.kind == "number" or token.text == "(":
            if not wants_operand:
                break
            depth += token.text == "("
            taken.append(token)
            wants_operand, n_words = token.text == "(", 0
        elif token.text == ")":
            if depth == 0:
                break
            depth -= 1
            if taken[-1].text == "(":
                taken.pop()
                wants_operand = False
            else:
                taken.append(token)
        elif token.kind == "sign":
            if wants_operand and token.text != "-":
                break
            taken.append(token)
            wants_operand, n_words = True, 0
        elif taken and not depth and not wants_operand:
            break
        else:
            return []
    return [] if _goes_on(tokens, taken) else _trimmed(taken)


def _goes_on(tokens: list[_Token], taken: list[_Token]) -> bool:
    """Whether a part that was not understood computes further: then nothing is known."""
    n_signs = sum(token.kind == "sign" and token.text in _OPERATORS for token in tokens)
    n_taken = sum(token.kind == "sign" and token.text in _OPERATORS for token in taken)
    return n_signs > n_taken


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].text and tokens[start].text in "+*/^)":
        start += 1
    while end > start and tokens[end - 1].text and tokens[end - 1].text in "+-*/^(":
        end -= 1
    return tokens[start:end]


def _side(tokens: list[_Token]) -> _Side | None:
    if not tokens or len(tokens) > _MAX_TOKENS:
        return None
    try:
        value = _Sum(tokens).value()
    except (ValueError, ArithmeticError, IndexError):
        return None
    if not math.isfinite(value):
        return None
    told = [token for token in tokens if token.kind == "number"]
    signs = "".join(
        token.text
        for before, token in pairwise(tokens)
        if token.text in _OPERATORS and (before.kind == "number" or before.text == ")")
    )
    return _Side(
        value,
        tuple(token.value for token in told),
        signs,
        max(token.decimals for token in told),
        any(token.percent for token in told),
        tokens[0].start,
    )


class _Sum:
    """Evaluates: sum of products, product of powers; beside others a percent is a hundredth."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._alone = sum(token.kind == "number" for token in tokens) == 1
        self._next = 0

    def value(self) -> float:
        value = self._sum()
        if self._next < len(self._tokens):
            raise ValueError("more than one expression")
        return value

    def _take(self, wanted: str) -> str | None:
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.kind == "sign" and token.text in wanted:
                self._next += 1
                return token.text
        return None

    def _sum(self) -> float:
        value = self._product()
        while sign := self._take("+-"):
            value += self._product() if sign == "+" else -self._product()
        return value

    def _product(self) -> float:
        value = self._power()
        while sign := self._take("*/"):
            value = value * self._power() if sign == "*" else value / self._power()
        return value

    def _power(self) -> float:
        if self._take("-"):
            return -self._power()
        base = self._atom()
        if not self._take("^"):
            return base
        exponent = self._power()
        if abs(exponent) > 64 or (base < 0 and exponent != int(exponent)):
            raise ValueError("a power too large")
        return float(base**exponent)

    def _atom(self) -> float:
        token = self._tokens[self._next]
        self._next += 1
        if token.text == "(":
            value = self._sum()
            if not self._take(")"):
                raise ValueError("a parenthesis is open")
            return value
        if token.kind != "number":
            raise ValueError("no number")
        return token.value / 100 if token.percent and not self._alone else token.value

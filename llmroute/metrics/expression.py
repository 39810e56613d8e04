"""Plain expression → value, by a small parser of its own: nothing a model writes is executed."""

from __future__ import annotations

import cmath
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_TOKENS = 300
_MAX_DEPTH = 40
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([a-zA-Z]+)|(.))", re.DOTALL)
_WORD = re.compile(r"(?!\s*pi\s*$)\s*[a-zA-Z](?:[a-zA-Z]|\s)+")
_FUNCTIONS: Mapping[str, Callable[[complex], complex]] = {
    "sqrt": cmath.sqrt, "sin": cmath.sin, "cos": cmath.cos, "tan": cmath.tan,
    "arcsin": cmath.asin, "arccos": cmath.acos, "arctan": cmath.atan,
    "ln": cmath.log, "log": cmath.log, "exp": cmath.exp, "abs": abs,
}  # fmt: skip
_CONSTANTS: Mapping[str, complex] = {"pi": math.pi, "i": 1j, "e": math.e}
# Where variables are evaluated: irrational, so that different expressions do not meet by chance.
_POINTS = (math.sqrt(2) - 0.3, math.sqrt(7) + 0.21)
_REL_TOLERANCE = 1e-9


def same_value(one: str, other: str) -> bool:
    """Whether two plain expressions compute to the same value at every point tried.

    >>> same_value("2(x+1)", "2x + 2"), same_value("sqrt(8)", "2sqrt(2)"), same_value("x", "y")
    (True, True, False)
    """
    if _WORD.fullmatch(one) or _WORD.fullmatch(other):
        return False  # "on" is not "no", though o·n = n·o
    ours, theirs = values_of(one), values_of(other)
    if ours is None or theirs is None:
        return False
    return all(_close(a, b) for a, b in zip(ours, theirs, strict=True))


@lru_cache(maxsize=16384)
def values_of(text: str) -> tuple[complex, ...] | None:
    """The value at each of two fixed points of the variables; None where it is no expression."""
    tokens = _tokens(text)
    if not tokens or len(tokens) > _MAX_TOKENS:
        return None
    try:
        values = tuple(_Parser(tokens, point).value() for point in _POINTS)
    except (ValueError, ArithmeticError):
        return None
    return values if all(cmath.isfinite(value) for value in values) else None


def _close(one: complex, other: complex) -> bool:
    return abs(one - other) <= _REL_TOLERANCE * max(abs(one), abs(other))


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for number, name, sign in _TOKEN.findall(text[: 4 * _MAX_TOKENS]):
        if name and name not in _FUNCTIONS and name not in _CONSTANTS:
            tokens.extend(name)
        else:
            tokens.append(number or name or sign)
    return [token for token in tokens if token.strip()]


class _Parser:
    """Evaluates: sum of products, product of powers (* may be left out), power of an atom."""

    def __init__(self, tokens: list[str], point: float) -> None:
        self._tokens = tokens
        self._point = point
        self._next = 0
        self._depth = 0

    def value(self) -> complex:
        value = self._sum()
        if self._next < len(self._tokens):
            raise ValueError("more than one expression")
        return value

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str | None:
        token = self._peek()
        if token not in wanted or not token:
            return None
        self._next += 1
        return token

    def _nested(self, parse: Callable[[], complex]) -> complex:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deep")
        value = parse()
        self._depth -= 1
        return value

    def _sum(self) -> complex:
        value = self._product()
        while sign := self._take("+", "-"):
            value += self._product() if sign == "+" else -self._product()
        return value

    def _product(self) -> complex:
        value = self._signed()
        while True:
            if self._take("*"):
                value *= self._signed()
            elif self._take("/"):
                value /= self._signed()
            elif self._starts_atom(self._peek()):
                value *= self._power()
            else:
                return value

    def _signed(self) -> complex:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign == "-"
        value = self._power()
        return -value if negative else value

    def _power(self) -> complex:
        base = self._atom()
        while self._take("!"):
            base = _factorial(base)
        if not self._take("^"):
            return base
        return _raised(base, self._nested(self._signed))

    def _atom(self) -> complex:
        token = self._peek()
        self._next += 1
        if token[:1].isdigit() or token[:1] == ".":
            return float(token)
        if token == "(":  # noqa: S105 - no password
            value = self._nested(self._sum)
            if not self._take(")"):
                raise ValueError("a parenthesis is open")
            return value
        if token in _FUNCTIONS:
            return _FUNCTIONS[token](self._nested(self._power))
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        if len(token) == 1 and token.isascii() and token.isalpha():
            return self._point + ord(token) / 97  # each variable its own value
        raise ValueError(f"{token!r} starts no value")

    @staticmethod
    def _starts_atom(token: str) -> bool:
        return bool(token) and (token[0].isalnum() or token[0] in "(.") and token.isascii()


def _raised(base: complex, exponent: complex) -> complex:
    if base.imag == 0 and exponent.imag == 0 and base.real >= 0:
        return complex(base.real**exponent.real)
    if exponent.imag == 0 and exponent.real == 1 / 3 and base.imag == 0:
        return complex(math.copysign(abs(base.real) ** (1 / 3), base.real))
    return base**exponent


def _factorial(value: complex) -> complex:
    number = value.real
    if value.imag or number != int(number) or not 0 <= number <= 170:
        raise ValueError("factorial of what has none")
    return complex(math.factorial(int(number)))

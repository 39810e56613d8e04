"""What the code under test said → whether a check expects that."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from llmroute.sandbox.python import Said
from llmroute.sandbox.values import Other


class Expected(Protocol):
    """What a check must give."""

    def met_by(self, said: Said) -> bool:
        """Whether what the code said is that; said is plain data, and hostile."""
        ...


_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "is": operator.is_,
        "is not": operator.is_not,
        "in": lambda said, values: said in values,
        "not in": lambda said, values: said not in values,
        "contains": operator.contains,
    }
)


@dataclass(frozen=True, slots=True)
class Compares:
    """The value stands in this relation to another, by Python's own operators on plain values.

    One that is not plain is in no relation, but for not being None.
    """

    sign: str
    value: Any

    def met_by(self, said: Said) -> bool:
        """Whether it does; what cannot be compared does not."""
        if said.raised or (isinstance(said.value, Other) and not self.sign.startswith("is")):
            return False
        try:
            return bool(_SIGNS[self.sign](said.value, self.value))
        except (TypeError, ValueError, ArithmeticError):
            return False


@dataclass(frozen=True, slots=True)
class Close:
    """A number, or a list or tuple of numbers, near another: `math.isclose`."""

    value: Any
    rel_tolerance: float
    abs_tolerance: float

    def met_by(self, said: Said) -> bool:
        """Whether it is."""
        return not said.raised and self._is_close(said.value, self.value)

    def _is_close(self, said: Any, value: Any) -> bool:
        if isinstance(value, (list, tuple)):
            alike = type(said) is type(value) and len(said) == len(value)
            return alike and all(map(self._is_close, said, value))
        try:
            return math.isclose(said, value, rel_tol=self.rel_tolerance, abs_tol=self.abs_tolerance)
        except (TypeError, ValueError, OverflowError):
            return False


@dataclass(frozen=True, slots=True)
class Raises:
    """An exception of one of these types, or of one derived from them."""

    names: tuple[str, ...]

    def met_by(self, said: Said) -> bool:
        """Whether there was one."""
        return any(name in said.raised for name in self.names)


def refuse_constant(expected: Sequence[Expected]) -> None:
    """Raises ValueError where code without thought passes every check."""
    values = [one.value for one in expected if isinstance(one, (Compares, Close))]
    members = [item for value in values if isinstance(value, (list, tuple)) for item in value]
    answers = [Said(value) for value in (True, False, None, *values, *members)]
    answers += [Said(raised=one.names) for one in expected if isinstance(one, Raises)]
    for answer in answers:
        if all(one.met_by(answer) for one in expected):
            said = f"raising {answer.raised[0]}" if answer.raised else f"{answer.value!r:.40}"
            raise ValueError(f"{said} to every call passes all of them; expect different values")

"""Whether the number an answer ends in is the target."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.metrics import Unscorable
from llmroute.metrics.json_text import loose_field
from llmroute.metrics.latex import last_boxed
from llmroute.metrics.numerals import Decimal, Numeral, last_number
from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from llmroute.records import Sample

_AFTER_HASHES = re.compile(r"####\s*+((?:\\?[$€£¥₹−-])*+\d[^\n]*)")


@dataclass(frozen=True, slots=True)
class Numeric:
    """1.0 where the final number equals a target's, else 0.0.

    The final number is the last one in, by order of preference: the JSON field "answer", what
    follows `####`, `\\boxed{}`, the prediction. How numbers are read: `numerals.last_number`.
    Equal: |p − t| ≤ max(abs_tolerance, rel_tolerance·|t|); where one side is written in percent
    and the other is not, 45% equals 45 and 0.45. A list target is a list of alternatives.
    """

    needs_target: ClassVar[bool] = True
    right_or_wrong: ClassVar[bool] = True

    abs_tolerance: float = 0.0
    rel_tolerance: float = 1e-9
    decimal: Decimal = "auto"
    """The decimal sign: ".", "," or "auto", which tells by the digits' grouping."""

    def __post_init__(self) -> None:
        if not (self.abs_tolerance >= 0 and self.rel_tolerance >= 0):
            raise ValueError("abs_tolerance and rel_tolerance must be 0 or more")
        if self.decimal not in ("auto", ".", ","):
            raise ValueError(f'decimal must be ".", "," or "auto", not {self.decimal!r}')

    def lacks(self, sample: Sample) -> str | None:
        """What the sample must have for this metric, or None."""
        texts = target_texts(sample)
        if not texts:
            return "no target"
        return (
            None
            if any(_target_number(t, self.decimal) for t in texts)
            else "no number in its target"
        )

    def score(self, sample: Sample, prediction: str) -> float:
        """1.0 or 0.0.

        Raises:
            Unscorable: the target holds no number.
        """
        read = (_target_number(text, self.decimal) for text in target_texts(sample))
        wanted = [number for number in read if number is not None]
        if not wanted:
            raise Unscorable("the target holds no number")
        found = final_number(prediction, self.decimal)
        return float(found is not None and any(self._equal(found, one) for one in wanted))

    def _equal(self, found: Numeral, wanted: Numeral) -> bool:
        if not (math.isfinite(found.value) and math.isfinite(wanted.value)):
            return found.digits == wanted.digits
        if self._close(found.value, wanted.value):
            return True
        if found.percent and not wanted.percent:
            return self._close(found.value / 100, wanted.value)
        return wanted.percent and not found.percent and self._close(found.value * 100, wanted.value)

    def _close(self, found: float, wanted: float) -> bool:
        return abs(found - wanted) <= max(self.abs_tolerance, self.rel_tolerance * abs(wanted))


def final_number(text: str, decimal: Decimal = "auto") -> Numeral | None:
    """The number an answer ends in, or None.

    >>> final_number("Half of 8 is 4.\\n#### 4\\n(I checked it 2 times.)").value
    4.0
    """
    return last_number(_final_part(text), decimal)


def _final_part(text: str) -> str:
    part = loose_field(text, "answer")
    if part is not None and any(character.isdigit() for character in part):
        return part
    if "####" in text:
        for match in reversed(list(_AFTER_HASHES.finditer(text))):
            return match[1]
    boxed = last_boxed(text)
    return text if boxed is None else boxed


@lru_cache(maxsize=4096)
def _target_number(text: str, decimal: Decimal) -> Numeral | None:
    return last_number(text, decimal)

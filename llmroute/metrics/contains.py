"""Whether the prediction mentions what it must."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from llmroute.metrics import Unscorable
from llmroute.metrics.targets import value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class Contains:
    """How many of the wanted values stand in the prediction, as whole words.

    The values are the target's, or those of the sample field that `field` names; each is a text,
    or a list of alternatives of which one is enough. `all`: 1.0 if every value is there;
    `any`: 1.0 if one is; `share`: values found / values wanted. In [0, 1].

    A value is found only where no letter or digit continues it: "14" is not in "2014", "3.14" or
    "1,140", and "art" is not in "party".
    """

    needs_target: ClassVar[bool] = False

    field: str = "target"
    mode: Literal["all", "any", "share"] = "all"
    ignore_case: bool = True

    def __post_init__(self) -> None:
        if self.mode not in ("all", "any", "share"):
            raise ValueError(f"mode must be all, any or share, not {self.mode!r}")

    @property
    def right_or_wrong(self) -> bool:
        """Whether every score is 0 or 1."""
        return self.mode != "share"

    def lacks(self, sample: Sample) -> str | None:
        """What the sample must have for this metric, or None."""
        if self._wanted(sample):
            return None
        return "no target" if self.field == "target" else f"no values in field {self.field!r}"

    def score(self, sample: Sample, prediction: str) -> float:
        """The share of wanted values found, or 1.0/0.0 for `all` and `any`."""
        wanted = self._wanted(sample)
        if not wanted:
            raise Unscorable(f"the sample has no values in {self.field!r}")
        text = self._normal(prediction)
        n_found = sum(self._finds(text, value) for value in wanted)
        if self.mode == "any":
            return float(n_found > 0)
        return n_found / len(wanted) if self.mode == "share" else float(n_found == len(wanted))

    def _wanted(self, sample: Sample) -> Sequence[Any]:
        values = sample.target if self.field == "target" else sample.fields.get(self.field)
        if values is None:
            return ()
        return values if isinstance(values, (list, tuple)) else (values,)

    def _finds(self, text: str, value: Any) -> bool:
        alternatives = value if isinstance(value, (list, tuple)) else (value,)
        return any(_mentions(text, self._normal(value_text(one))) for one in alternatives)

    def _normal(self, text: str) -> str:
        return " ".join((text.casefold() if self.ignore_case else text).split())


def _mentions(text: str, value: str) -> bool:
    if not value:
        return False
    start = text.find(value)
    while start >= 0:
        if _stands_alone(text, start, start + len(value)):
            return True
        start = text.find(value, start + 1)
    return False


def _stands_alone(text: str, start: int, end: int) -> bool:
    first, last = text[start], text[end - 1]
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if _is_word(first) and before and _is_word(before[-1]):
        return False
    if _is_word(last) and after and _is_word(after[0]):
        return False
    if first.isdigit() and len(before) == 2 and before[0].isdigit() and before[1] in ".,":
        return False
    return not (last.isdigit() and len(after) == 2 and after[1].isdigit() and after[0] in ".,")


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"

"""Whether an answer doubts or corrects itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_SIGNS = {
    "corrects": r"\b(?:wait|actually|correction|let'?s (?:re-?\w+|try again|correct|check again)|"
    r"(?:this|that|which) is (?:not (?:correct|right|possible)|incorrect|wrong|impossible)|mistake|"
    r"apologi[sz]e|re-?evaluate|re-?consider|re-?calculate|not the (?:correct|right) answer)\b",
    "contrasts": r"\b(?:however|but|although|instead|nevertheless)\b",
    "unsure": r"\b(?:i(?:'m| am) not (?:sure|certain)|uncertain|unclear|not (?:clear|specified|"
    r"given|stated|enough information)|maybe|perhaps|possibly|might|could be|i think|i believe|"
    r"it seems|seems to|likely|cannot (?:be )?determin\w+|ambiguous|missing information)\b",
    "assumes": r"\b(?:assum\w+|suppos\w+|let'?s say|presum\w+|if we consider)\b",
    "approximates": r"(?:≈|\b(?:approximately|about|roughly|around|nearly|rounded|rounding|closest|"
    r"nearest)\b)",
    "algebra": r"\b(?:let(?:'s)? (?:denote|call|[a-z] (?:be|=))|equation|solve for|variables?|"
    r"unknown)\b",
    "enumerates": r"\b(?:and so on|continu(?:e|ing) (?:this|in this)|pattern|until|eventually|"
    r"et cetera|etc)\b",
}


@dataclass(frozen=True, slots=True)
class Hedging:
    """How often an answer corrects itself, doubts, assumes, rounds or sets up unknowns (English).

    In [0, 1): 0.5 where a sign is there twice; `corrects_late` counts the last third only.
    """

    features: ClassVar[tuple[str, ...]] = (*_SIGNS, "corrects_late")
    fails: ClassVar[tuple[str, ...]] = ()

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:  # noqa: ARG002
        """The features by name."""
        text = output.replace("’", "'").lower()
        values = {name: squashed(_count(name, text), 2) for name in _SIGNS}
        values["corrects_late"] = squashed(_count("corrects", text[len(text) * 2 // 3 :]), 2)
        return values


_PATTERNS = {name: re.compile(pattern) for name, pattern in _SIGNS.items()}


def _count(name: str, text: str) -> int:
    return sum(1 for _ in _PATTERNS[name].finditer(text))

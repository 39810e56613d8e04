"""Whether an answer speaks of what was asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.builtin.words import read_stems
from llmroute.checks.asked import last_question, prompt_text, question_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from llmroute.records import Sample

_CUES = (
    ("each", r"\b(?:each|every|per|apiece)\b"),
    ("left", r"\b(?:left|remain\w*|rest)\b"),
    ("total", r"\b(?:total|altogether|in all|combined|sum)\b"),
    ("more", r"\b(?:more|fewer|less|older|younger|taller|longer)\b"),
    ("percent", r"(?:%|\bpercent|\bdiscount|\bincrease[sd]?\b|\bdecrease[sd]?\b)"),
    ("parts", r"\b(?:half|third|quarter|fourth|twice|double|triple|times)\b|\d/\d"),
    ("time", r"\b(?:minutes?|hours?|days?|weeks?|months?|years?|ago|until|after|before)\b"),
    ("if", r"\b(?:if|unless|except|only|other|another|both|either)\b"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _CUES)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of the question's words that come up in the answer, and cues it does not take up.

    In [0, 1]. `question`: the words of all that was asked; `last`: of its last question, in the
    last fifth of the answer; `asks_…` and `missed_…`: a cue ("each", "left", "%", …) is in the
    question, and is there while the answer never uses it.
    """

    features: ClassVar[tuple[str, ...]] = (
        "question", "last", "new_words",
        *(f"asks_{name}" for name, _ in _CUES),
        *(f"missed_{name}" for name, _ in _CUES),
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ()

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        prompt = prompt_text(sample)
        question = question_of(prompt)[:8000]
        asked, written = _stems_of(question), set(read_stems(output))
        last = _stems_of(last_question(prompt))
        ending = set(read_stems(output[len(output) * 4 // 5 :]))
        asks = [pattern.search(question) is not None for _, pattern in _PATTERNS]
        takes_up = [pattern.search(output) is not None for _, pattern in _PATTERNS]
        values = (
            _share(asked, written),
            _share(last, ending),
            1 - _share(written, asked) if written else 0.0,
            *map(float, asks),
            *(float(a and not t) for a, t in zip(asks, takes_up, strict=True)),
        )
        return dict(zip(self.features, values, strict=True))


@lru_cache(maxsize=256)
def _stems_of(question: str) -> frozenset[str]:
    return frozenset(read_stems(question))


def _share(wanted: Set[str], there: Set[str]) -> float:
    return len(wanted & there) / len(wanted) if wanted else 1.0

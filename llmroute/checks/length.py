"""How long an answer is, alone and beside its prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed
from llmroute.checks.asked import prompt_text, question_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_STEP = re.compile(r"^\s*(?:\d+[.)]|[-*•]|#{1,6}\s|step\b)|\bstep \d", re.IGNORECASE | re.MULTILINE)
_SENTENCE = re.compile(r"[.!?](?:\s|$)")


@dataclass(frozen=True, slots=True)
class Length:
    """Words, lines, sentences and listed steps of the answer; `beside_prompt`: its share of both.

    In [0, 1): 0.5 at 100 words, 8 lines, 8 sentences, 4 steps. With `min_words` or `max_words`,
    `outside` is 1 where the answer does not keep to them.
    """

    features: ClassVar[tuple[str, ...]] = (
        "words", "lines", "sentences", "steps", "beside_prompt", "question", "digits", "outside",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ("outside",)

    min_words: int | None = None
    max_words: int | None = None

    def __post_init__(self) -> None:
        low, high = self.min_words or 0, self.max_words
        if low < 0 or (high is not None and high < max(1, low)):
            raise ValueError("bounds must be 0 <= min_words <= max_words, and max_words >= 1")

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        n_words, n_asked = len(output.split()), len(question_of(prompt_text(sample)).split())
        low, high = self.min_words or 0, self.max_words
        outside = n_words < low or (high is not None and n_words > high)
        values = (
            squashed(n_words, 100),
            squashed(output.count("\n"), 8),
            squashed(sum(1 for _ in _SENTENCE.finditer(output)), 8),
            squashed(sum(1 for _ in _STEP.finditer(output)), 4),
            n_words / (n_words + n_asked + 1),
            squashed(n_asked, 50),
            sum(map(str.isdigit, output)) / len(output) if output else 0.0,
            float(outside),
        )
        return dict(zip(self.features, values, strict=True))

"""Whether an answer says the same again and again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from llmroute.records import Sample

_MAX_WORDS = 4000


@dataclass(frozen=True, slots=True)
class Repetition:
    """Share of lines and of five-word stretches that stood before; `loops`: the end repeats itself.

    In [0, 1].
    """

    features: ClassVar[tuple[str, ...]] = ("lines", "phrases", "words", "loops", "echoes_prompt")
    fails: ClassVar[tuple[str, ...]] = ("loops",)

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        from llmroute.checks.asked import prompt_text, question_of

        lines = [line.strip() for line in output.splitlines() if len(line.strip()) > 3]
        words = output.lower().split(maxsplit=_MAX_WORDS)[:_MAX_WORDS]
        phrases = list(zip(*(words[i:] for i in range(5)), strict=False))
        asked = question_of(prompt_text(sample)).lower().split()
        known = set(zip(*(asked[i:] for i in range(5)), strict=False))
        echoed = sum(phrase in known for phrase in phrases)
        return {
            "lines": _repeated(lines),
            "phrases": _repeated(phrases),
            "words": _repeated(words),
            "loops": float(_repeated(phrases[-40:]) > 0.5),
            "echoes_prompt": echoed / len(phrases) if phrases else 0.0,
        }


def _repeated(items: Sequence[Hashable]) -> float:
    return 1 - len(Counter(items)) / len(items) if items else 0.0

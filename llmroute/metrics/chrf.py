"""chrF of one answer, by sacrebleu."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.metrics.bleu import beginning, require_sacrebleu
from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class Chrf:
    """Sentence chrF2 / 100: F2 of the 1- to 6-gram character overlap (`word_order` 2: chrF++).

    A list target is a list of references: the best one counts. A runaway prediction is
    cut as for bleu. In [0, 1].
    Source: Popović 2015, W15-3049; sacrebleu's defaults.
    """

    needs_target: ClassVar[bool] = True

    lowercase: bool = False
    word_order: int = 0

    def __post_init__(self) -> None:
        require_sacrebleu("chrf")
        if self.word_order not in (0, 1, 2):
            raise ValueError(f"word_order must be 0, 1 or 2, not {self.word_order!r}")

    def score(self, sample: Sample, prediction: str) -> float:
        """Sentence chrF, in [0, 1]."""
        if not prediction.strip():
            return 0.0
        references = list(target_texts(sample))
        chrf = _chrf(self.lowercase, self.word_order)
        value: float = chrf.sentence_score(beginning(prediction, references), references).score
        return min(1.0, value / 100)


@lru_cache(maxsize=6)
def _chrf(lowercase: bool, word_order: int) -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(lowercase=lowercase, word_order=word_order)

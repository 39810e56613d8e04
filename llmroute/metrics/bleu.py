"""BLEU of one answer, by sacrebleu."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.errors import InputError
from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from llmroute.records import Sample

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Bleu:
    """Sentence BLEU / 100: geometric mean of the 1- to 4-gram precisions × brevity penalty.

    Smoothing "exp" and effective order, as sacrebleu does for single sentences; a list target
    is a list of references. Of a prediction the first 20,000 characters count, or twice the
    longest reference. In [0, 1]. Source: Papineni et al. 2002; Post, arXiv 1804.08771.
    """

    needs_target: ClassVar[bool] = True

    lowercase: bool = False

    def __post_init__(self) -> None:
        require_sacrebleu("bleu")

    def score(self, sample: Sample, prediction: str) -> float:
        """Sentence BLEU, in [0, 1]."""
        if not prediction.strip():
            return 0.0
        references = list(target_texts(sample))
        text = beginning(prediction, references)
        value: float = _bleu(self.lowercase).sentence_score(text, references).score
        return min(1.0, value / 100)


def beginning(prediction: str, references: list[str]) -> str:
    """The part of a prediction that is compared: a runaway answer is cut, for n-grams are slow."""
    return prediction[: max(_LONGEST, 2 * max(map(len, references), default=0))]


def require_sacrebleu(metric: str) -> None:
    """Returns where sacrebleu is installed.

    Raises:
        InputError: it is not; the message has the line that installs it.
    """
    if find_spec("sacrebleu") is None:
        raise InputError(
            f"metric {metric!r} needs the package sacrebleu",
            fix="Install it: pip install 'llmroute[bleu]'",
        )


@lru_cache(maxsize=2)
def _bleu(lowercase: bool) -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(lowercase=lowercase, effective_order=True)

"""Whether the prediction keeps to a length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class Length:
    """1.0 within the bounds, falling in proportion outside: max_words/n above, n/min_words below.

    n counts words between white space. In [0, 1]; an empty prediction scores 0.0 whatever the
    bounds, since nothing was written.
    """

    needs_target: ClassVar[bool] = False

    max_words: int | None = None
    min_words: int | None = None

    def __post_init__(self) -> None:
        if self.max_words is None and self.min_words is None:
            raise ValueError("give max_words, min_words or both")
        low, high = self.min_words or 0, self.max_words
        if low < 0 or (high is not None and high < max(1, low)):
            raise ValueError("bounds must be 0 <= min_words <= max_words, and max_words >= 1")

    def score(self, sample: Sample, prediction: str) -> float:  # noqa: ARG002 - no target needed
        """A value in [0, 1]."""
        n_words = len(prediction.split())
        if n_words == 0:
            return 0.0
        if self.max_words is not None and n_words > self.max_words:
            return self.max_words / n_words
        if self.min_words is not None and n_words < self.min_words:
            return n_words / self.min_words
        return 1.0

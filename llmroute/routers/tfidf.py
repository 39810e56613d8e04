"""`tfidf`: a ridge on the gap, over word and letter n-grams, counts and the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.routers.design import Reading
from llmroute.routers.scale import learnable_gaps, win_rates
from llmroute.routers.text_ridge import TextRidge


@dataclass
class Tfidf:
    """Strong minus weak score, predicted from the words, numbers, code and mathematics of a prompt.

    The ridge on the gap is, for scores of 0 and 1, the difference of two linear heads
    P(strong right) − P(weak right) that share their columns.
    """

    name: ClassVar[str] = "tfidf"

    penalty: float = 10.0
    """Prior ratio of noise to what a prompt explains; by principle, not tuned."""
    counts: bool = True
    tasks: bool = True

    def __post_init__(self) -> None:
        if not self.penalty > 0:
            raise ValueError("penalty must be above 0")

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Learn the vocabulary and the weights."""
        gaps = learnable_gaps(pair)
        reading = Reading(grams=True, counts=self.counts, tasks=self.tasks)
        self.ridge_ = TextRidge.learn(
            reading, pair.queries, gaps[:, None], penalty=self.penalty, seed=seed
        )
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]."""
        return win_rates(self.ridge_.predict(queries)[:, 0])

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters, vocabulary and weights."""
        values, arrays = self.ridge_.state()
        params = {"penalty": self.penalty, "counts": self.counts, "tasks": self.tasks}
        return {"params": params, "ridge": values}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        router = cls(**values["params"])
        router.ridge_ = TextRidge.from_state(values["ridge"], arrays)
        return router

"""`embedding`: a ridge on the gap, over a sentence vector beside what `tfidf` reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.routers.design import Reading
from llmroute.routers.scale import learnable_gaps, win_rates
from llmroute.routers.text_ridge import TextRidge


@dataclass
class Embedding:
    """Strong minus weak score, predicted from what a prompt means, counts and says."""

    name: ClassVar[str] = "embedding"

    embedding: str = "hashed"
    """As `llmroute.embeddings` names them: hashed, local:FOLDER or a LiteLLM model."""
    penalty: float = 10.0
    """Prior ratio of noise to what a prompt explains; by principle, not tuned."""
    grams: bool = True
    counts: bool = True
    tasks: bool = True

    def __post_init__(self) -> None:
        if not self.penalty > 0:
            raise ValueError("penalty must be above 0")

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Embed the prompts and learn the weights."""
        gaps = learnable_gaps(pair)
        reading = Reading(self.grams, self.counts, self.tasks, self.embedding)
        self.ridge_ = TextRidge.learn(
            reading, pair.queries, gaps[:, None], penalty=self.penalty, seed=seed
        )
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]."""
        return win_rates(self.ridge_.predict(queries)[:, 0])

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters, the embedder's name, vocabulary and weights."""
        values, arrays = self.ridge_.state()
        params = {
            "embedding": self.embedding,
            "penalty": self.penalty,
            "grams": self.grams,
            "counts": self.counts,
            "tasks": self.tasks,
        }
        return {"params": params, "ridge": values}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        router = cls(**values["params"])
        router.ridge_ = TextRidge.from_state(values["ridge"], arrays)
        return router

"""`sw_ranking`: RouteLLM's similarity-weighted Bradley–Terry ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.embeddings import build_embedder
from llmroute.routers.scale import learnable_gaps

CHUNK = 512


@dataclass
class SwRanking:
    """P(strong wins) under a Bradley–Terry model refitted to each query.

    Every training prompt is a battle, won by the strong model to (1 + gap) / 2; it weighs
    base^(1 + cosine / greatest cosine) for the query at hand (RouteLLM, arXiv 2406.18665, §4.1;
    base 10). Between two players the maximum-likelihood Bradley–Terry win probability is the
    weighted share of wins, so no refit is needed: RouteLLM's code runs a logistic regression a
    query for the same number.
    """

    name: ClassVar[str] = "sw_ranking"

    embedding: str = "hashed"
    """As `llmroute.embeddings` names them."""
    base: float = 10.0

    def __post_init__(self) -> None:
        if not 1 <= self.base <= 1e6:
            raise ValueError("base must be from 1 to 1,000,000")

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:  # noqa: ARG002
        """Keep the training prompts' vectors and who won."""
        self.wins_ = (1 + learnable_gaps(pair)) / 2
        embedder = build_embedder(self.embedding)
        self.vectors_ = embedder.embed([query.text for query in pair.queries])
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]."""
        if not queries:
            return np.zeros(0)
        vectors = build_embedder(self.embedding).embed([query.text for query in queries])
        parts = [self._rates(vectors[i : i + CHUNK]) for i in range(0, len(vectors), CHUNK)]
        return np.clip(np.concatenate(parts), 0.0, 1.0)

    def _rates(self, vectors: NDArray[np.float32]) -> Floats:
        cosines = (vectors @ self.vectors_.T).astype(np.float64)
        greatest = np.maximum(cosines.max(axis=1, keepdims=True), 1e-6)
        # Weights are relative: the greatest is 1, and a far one can't overflow.
        weights = self.base ** (np.clip(cosines / greatest, -1.0, 1.0) - 1.0)
        rates: Floats = weights @ self.wins_ / weights.sum(axis=1)
        return rates

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters, vectors and wins."""
        params = {"embedding": self.embedding, "base": self.base}
        return {"params": params}, {"vectors": self.vectors_, "wins": self.wins_}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        router = cls(**values["params"])
        router.vectors_, router.wins_ = arrays["vectors"], arrays["wins"]
        return router

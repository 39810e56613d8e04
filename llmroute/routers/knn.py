"""`knn`: what the most similar prompts gained, drawn towards the mean where they say little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.embeddings import build_embedder
from llmroute.routers.scale import learnable_gaps, win_rates

CHUNK = 512
SHOWN = 3
"""Neighbours named as reasons."""


@dataclass
class Knn:
    """The shrunk mean gap of up to `neighbours` prompts that are near enough to count.

    The guard: a neighbour counts where its cosine reaches `near` times that of the last of the
    nearest `neighbours`, and is above 0. The mean of m of them is drawn to the overall mean as if
    `prior` more prompts had shown it, so that two lucky neighbours decide nothing.
    """

    name: ClassVar[str] = "knn"

    embedding: str = "hashed"
    """As `llmroute.embeddings` names them."""
    neighbours: int = 50
    near: float = 0.95
    prior: float = 20.0

    def __post_init__(self) -> None:
        if self.neighbours < 1 or not 0 <= self.near <= 1 or not self.prior >= 0:
            raise ValueError("neighbours must be at least 1, near in [0, 1] and prior at least 0")

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:  # noqa: ARG002
        """Keep the training prompts' vectors and gaps."""
        gaps = learnable_gaps(pair)
        embedder = build_embedder(self.embedding)
        self.vectors_ = embedder.embed([query.text for query in pair.queries])
        self.gaps_ = gaps
        self.overall_ = float(gaps.mean())
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]."""
        if not queries:
            return np.zeros(0)
        vectors = build_embedder(self.embedding).embed([query.text for query in queries])
        parts = [self._gaps(vectors[i : i + CHUNK]) for i in range(0, len(vectors), CHUNK)]
        return win_rates(np.concatenate(parts))

    def reasons(self, text: str) -> tuple[str, ...]:
        """The most similar training prompts, by what the strong model gained on each."""
        cosines = (build_embedder(self.embedding).embed([text]) @ self.vectors_.T)[0]
        nearest = np.argsort(-cosines, kind="stable")[:SHOWN]
        return tuple(
            f"a prompt at cosine {cosines[row]:.2f}: strong − weak {self.gaps_[row]:+.2f}"
            for row in nearest
        )

    def _gaps(self, vectors: NDArray[np.float32]) -> Floats:
        cosines = vectors @ self.vectors_.T
        k = min(self.neighbours, cosines.shape[1])
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(cosines, nearest, axis=1)
        floor = np.maximum(self.near * near.min(axis=1, keepdims=True), 1e-6)
        counted = (near >= floor).astype(np.float64)
        sums = (counted * (self.gaps_[nearest] - self.overall_)).sum(axis=1)
        gaps: Floats = self.overall_ + sums / np.maximum(counted.sum(axis=1) + self.prior, 1.0)
        return gaps

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters, vectors and gaps."""
        params = {
            "embedding": self.embedding,
            "neighbours": self.neighbours,
            "near": self.near,
            "prior": self.prior,
        }
        arrays = {"vectors": self.vectors_, "gaps": self.gaps_}
        return {"params": params, "overall": self.overall_}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        router = cls(**values["params"])
        router.vectors_, router.gaps_ = arrays["vectors"], arrays["gaps"]
        router.overall_ = float(values["overall"])
        return router

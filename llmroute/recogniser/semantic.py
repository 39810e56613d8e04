"""Texts of known task → how like each task's texts a new one is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmroute.embeddings import build_embedder

Floats = NDArray[np.float64]

PENALTY = 0.003
"""λ, where the texts' weights sum to 1 and their vectors are of length 1. Of 0.0003 to 0.03, these
are the values around which out-of-fold accuracy on the shipped suites hardly changes."""


@dataclass(frozen=True, slots=True, eq=False)
class Semantic:
    """One linear score a task: the ridge regression of "is of this task" on a text's vector.

    Each task's weights are its texts' centroid, seen through the inverse covariance of all texts
    (Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", §4.2 and §4.3.1), which
    takes out what all tasks have in common. Plain centroids and nearest neighbours are worse at
    it (`benchmarks/recogniser.py`). With the score of "of no task" a text's scores sum to 1.
    """

    tasks: tuple[str, ...]
    embedding: str
    """As `llmroute.embeddings` names them."""
    weights: NDArray[np.int8]
    """Shape (n_tasks, dimensions), in units of `scales`."""
    scales: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    threshold: float = 0.0

    @classmethod
    def fit(cls, vectors: NDArray[np.float32], tasks: Sequence[str], embedding: str) -> Self:
        """The scores learned from the vectors of some texts and their tasks; "" is no task.

        Every task weighs the same, however many texts it has.
        """
        names = tuple(sorted(set(tasks)))
        labels = np.array([names.index(task) for task in tasks])
        share = 1 / (np.bincount(labels)[labels] * len(names))
        is_task = np.eye(len(names))[labels]
        mean, base = share @ vectors, share @ is_task
        root = np.sqrt(share)[:, None]
        weights = _ridge((vectors - mean) * root, (is_task - base) * root)
        kept = [column for column, name in enumerate(names) if name]
        weights, base = weights[:, kept], base[kept]
        scales = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127
        rounded = np.rint(weights / scales).T.astype(np.int8)
        intercepts = base - (rounded * scales[:, None]) @ mean
        return cls(
            tuple(filter(None, names)),
            embedding,
            rounded,
            scales.astype(np.float32),
            intercepts.astype(np.float32),
        )

    def similarities(self, texts: Sequence[str]) -> Floats:
        """Shape (n_texts, n_tasks): about 1 for a text like the task's, about 0 for another's."""
        return self.score(build_embedder(self.embedding).embed(texts))

    def score(self, vectors: NDArray[np.float32]) -> Floats:
        """The same of texts that are embedded already."""
        weights = self.weights * self.scales[:, None].astype(np.float64)
        scores: Floats = vectors.astype(np.float64) @ weights.T + self.intercepts
        return scores

    def packed(self) -> str:
        """Weights, scales and intercepts as one base64 text."""
        parts = (
            self.scales.astype("<f4").tobytes(),
            self.intercepts.astype("<f4").tobytes(),
            self.weights.tobytes(),
        )
        return base64.b64encode(b"".join(parts)).decode()

    @classmethod
    def unpacked(cls, text: str, tasks: Sequence[str], embedding: str, threshold: float) -> Self:
        """What `packed` was taken from.

        Raises:
            ValueError: the text is not base64, or not of this many tasks.
        """
        content = base64.b64decode(text, validate=True)
        n, head = len(tasks), 8 * len(tasks)
        if not n or len(content) <= head or (len(content) - head) % n:
            raise ValueError(f"its weights are not those of {n} tasks")
        scales, intercepts = np.frombuffer(content[:head], "<f4").reshape(2, n)
        if not np.isfinite([scales, intercepts]).all():
            raise ValueError("a weight is not a number")
        weights = np.frombuffer(content[head:], np.int8).reshape(n, -1)
        return cls(tuple(tasks), embedding, weights, scales, intercepts, threshold)


def _ridge(vectors: Floats, targets: Floats) -> Floats:
    """Shape (dimensions, n_targets): (XᵀX + λI)⁻¹XᵀY, by whichever of X's sides is shorter."""
    n, dimensions = vectors.shape
    if n < dimensions:
        inner = np.linalg.solve(vectors @ vectors.T + PENALTY * np.eye(n), targets)
        return vectors.T @ inner
    gram = vectors.T @ vectors + PENALTY * np.eye(dimensions)
    return np.asarray(np.linalg.solve(gram, vectors.T @ targets), np.float64)

"""Outcomes → Pair: who was right on which query, at which cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Query:
    """A request as a router sees it before any model has answered."""

    text: str
    task: str | None = None
    """Where it is known or was recognised."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The scored queries of two models, row by row."""

    weak: str
    strong: str
    ids: tuple[str, ...]
    queries: tuple[Query, ...]
    weak_scores: Floats
    """Shape (n,), in [0, 1]; every row has both scores."""
    strong_scores: Floats
    weak_costs_usd: Floats
    """Shape (n,); NaN where the cost is not known."""
    strong_costs_usd: Floats
    groups: Ints
    """Shape (n,): rows of one group are near-duplicates and never on both sides of a split."""
    weak_answers: tuple[str | None, ...] = ()
    """What the weak model said; empty where the outcomes keep no texts."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def gaps(self) -> Floats:
        """Strong minus weak score, shape (n,), in [−1, 1]: what a router learns to predict."""
        return self.strong_scores - self.weak_scores

    def rows(self, indices: Sequence[int] | Ints) -> Pair:
        """The pair with these rows only, in this order."""
        index = np.asarray(indices, dtype=np.int64)
        return Pair(
            weak=self.weak,
            strong=self.strong,
            ids=tuple(self.ids[i] for i in index),
            queries=tuple(self.queries[i] for i in index),
            weak_scores=self.weak_scores[index],
            strong_scores=self.strong_scores[index],
            weak_costs_usd=self.weak_costs_usd[index],
            strong_costs_usd=self.strong_costs_usd[index],
            groups=self.groups[index],
            weak_answers=tuple(self.weak_answers[i] for i in index) if self.weak_answers else (),
        )

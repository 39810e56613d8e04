"""Queries and their scores → a linear predictor of one or several targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from llmroute.calibration.pair import Floats, Query
from llmroute.routers.design import Design, Reading
from llmroute.routers.ridge import Weights, solve_ridge


@dataclass(frozen=True, slots=True, eq=False)
class TextRidge:
    """A design and one line a target over its columns."""

    design: Design
    intercepts: Floats
    sparse: Floats
    """Shape (n_targets, n_grams)."""
    dense: Floats
    """Shape (n_targets, n_dense)."""

    @classmethod
    def learn(
        cls,
        reading: Reading,
        queries: Sequence[Query],
        targets: Floats,
        *,
        penalty: float,
        seed: int,
    ) -> Self:
        """Fit each target on the rows that have it.

        Args:
            reading: what is looked at.
            queries: n of them.
            targets: shape (n, n_targets); NaN where a value is not known.
            penalty: as in `solve_ridge`.
            seed: of the random Fourier features.
        """
        design = Design.learn(reading, queries, seed)
        columns = design.columns(queries)
        fitted: list[Weights] = []
        for target in targets.T:
            known = np.flatnonzero(np.isfinite(target))
            some = columns if len(known) == len(target) else columns.take(known)
            fitted.append(solve_ridge(some, target[known], penalty))
        return cls(
            design,
            np.array([one.intercept for one in fitted]),
            np.stack([one.sparse for one in fitted]),
            np.stack([one.dense for one in fitted]),
        )

    def predict(self, queries: Sequence[Query]) -> Floats:
        """Shape (n, n_targets); unbounded."""
        columns = self.design.columns(queries)
        lines = zip(self.intercepts, self.sparse, self.dense, strict=True)
        return np.stack([b + columns.times(s, d) for b, s, d in lines], axis=1)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """JSON values and arrays."""
        values, arrays = self.design.state()
        lines = {"intercepts": self.intercepts, "gram_weights": self.sparse.astype(np.float32)}
        return values, arrays | lines | {"dense_weights": self.dense}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The predictor that `state` was taken from, its gram weights to seven digits."""
        return cls(
            Design.from_state(values, arrays),
            arrays["intercepts"],
            arrays["gram_weights"],
            arrays["dense_weights"],
        )

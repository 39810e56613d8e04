"""Ridge regression on sparse and dense columns side by side, solved without forming a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmroute.calibration.pair import Floats, Ints
from llmroute.routers.sparse import Rows

TOLERANCE = 1e-3
"""Relative; the scores then differ from the exact ones in the fourth digit."""
MAX_STEPS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The rows of some queries: sparse columns, then dense ones."""

    sparse: Rows
    dense: Floats
    """Shape (n, n_dense)."""

    def times(self, sparse: Floats, dense: Floats) -> Floats:
        """Matrix times the two parts of a weight vector: shape (n,)."""
        return self.sparse.times(sparse) + self.dense @ dense

    def transposed_times(self, amounts: Floats) -> tuple[Floats, Floats]:
        """Transpose times a vector of shape (n,), in two parts."""
        return self.sparse.transposed_times(amounts), amounts @ self.dense

    def take(self, index: Ints) -> Columns:
        """These rows only."""
        chosen = np.asarray(index)
        return Columns(self.sparse.take(chosen), self.dense[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A fitted line: `intercept + columns · (sparse, dense)`."""

    intercept: float
    sparse: Floats
    dense: Floats

    def predict(self, columns: Columns) -> Floats:
        """Shape (n,)."""
        return self.intercept + columns.times(self.sparse, self.dense)


def solve_ridge(columns: Columns, targets: Floats, penalty: float) -> Weights:
    """Weights that minimise Σ (target − prediction)² + penalty · |weights|².

    In the dual: (X Xᵀ + penalty·I) α = y − ȳ by conjugate gradients (Hestenes and Stiefel 1952),
    weights Xᵀ α. The mean of the targets is the intercept; columns are not centred.

    Args:
        columns: n rows.
        targets: shape (n,).
        penalty: above 0. With rows of length 1 it is the prior ratio of noise to what a prompt
            explains: 10 says a prompt explains about a tenth of the variance.
    """
    mean = float(targets.mean())
    residual = targets - mean
    alpha = np.zeros_like(residual)
    direction = residual.copy()
    squares = float(residual @ residual)
    stop = TOLERANCE**2 * max(squares, 1e-30)
    for _ in range(MAX_STEPS):
        if squares <= stop:
            break
        image = columns.times(*columns.transposed_times(direction)) + penalty * direction
        step = squares / float(direction @ image)
        alpha += step * direction
        residual = residual - step * image
        squares, before = float(residual @ residual), squares
        direction = residual + (squares / before) * direction
    return Weights(mean, *columns.transposed_times(alpha))

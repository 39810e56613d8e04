"""Sparse rows and the products a linear model needs, in numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A sparse matrix, row by row: row i is `values[starts[i]:starts[i + 1]]` at `columns[...]`."""

    values: Floats
    columns: Ints
    starts: Ints
    row_of: Ints
    """The row each stored value stands in."""
    n_columns: int

    @classmethod
    def of(cls, values: Floats, columns: Ints, row_of: Ints, n_rows: int, n_columns: int) -> Rows:
        """Rows from their stored values, sorted by row."""
        starts = np.searchsorted(row_of, np.arange(n_rows + 1))
        return cls(values, columns, starts, row_of, n_columns)

    @classmethod
    def empty(cls, n_rows: int, n_columns: int) -> Rows:
        """Rows of zeros."""
        nothing = np.zeros(0, np.int64)
        return cls.of(np.zeros(0), nothing, nothing, n_rows, n_columns)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, index: Ints) -> Rows:
        """These rows, in this order.

        >>> rows = Rows.of(np.array([1.0, 2.0]), np.array([0, 1]), np.array([0, 1]), 2, 2)
        >>> rows.take(np.array([1])).times(np.array([10.0, 1.0])).tolist()
        [2.0]
        """
        sizes = np.diff(self.starts)[index]
        ends = np.cumsum(sizes)
        flat = np.repeat(self.starts[index] - (ends - sizes), sizes) + np.arange(sizes.sum())
        row_of = np.repeat(np.arange(len(index)), sizes)
        return Rows.of(self.values[flat], self.columns[flat], row_of, len(index), self.n_columns)

    def times(self, weights: NDArray[np.floating]) -> Floats:
        """Matrix times a vector of shape (n_columns,): shape (n_rows,)."""
        products = self.values * weights[self.columns]
        return np.bincount(self.row_of, products, len(self)).astype(np.float64, copy=False)

    def transposed_times(self, amounts: Floats) -> Floats:
        """Transpose times a vector of shape (n_rows,): shape (n_columns,)."""
        products = self.values * amounts[self.row_of]
        return np.bincount(self.columns, products, self.n_columns).astype(np.float64, copy=False)

    def scaled_to_one(self) -> Rows:
        """Every row divided by its Euclidean length; a row of zeros stays one."""
        squares = np.bincount(self.row_of, self.values**2, len(self))
        scale = 1 / np.sqrt(np.where(squares > 0, squares, 1.0))
        values = self.values * scale[self.row_of]
        return Rows(values, self.columns, self.starts, self.row_of, self.n_columns)

"""Columns and targets → extremely randomised trees, fitted and read with numpy alone.

Source: Geurts, Ernst and Wehenkel, Extremely randomized trees, 2006. At each node some columns are
drawn, each is cut once at random, and the cut that leaves the least squared error is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Ints
from llmroute.errors import InputError

MAX_DEPTH = 24
_MAX_LEAVES = 400
_MIN_LEAF_ROWS = 5
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """A forest as flat arrays: node k goes left where column `columns[k]` <= `cuts[k]`."""

    roots: Ints
    columns: Ints
    """−1 at a leaf."""
    cuts: Floats
    children: Ints
    """The left child; the right one follows it."""
    values: Floats

    @classmethod
    def learn(
        cls,
        rows: Floats,
        targets: Floats,
        *,
        n_trees: int = 100,
        column_share: float = 0.3,
        seed: int = 0,
    ) -> Self:
        """Grow the forest.

        Args:
            rows: shape (n, n_columns).
            targets: shape (n,).
            n_trees: how many; all see all rows.
            column_share: of the columns, how many are tried at a node.
            seed: of the columns and cuts drawn.
        """
        grower = _Grower(rows, targets, column_share, np.random.default_rng(seed))
        roots = [grower.grow() for _ in range(n_trees)]
        return cls(
            np.array(roots, np.int64),
            np.array(grower.columns, np.int64),
            np.array(grower.cuts, np.float64),
            np.array(grower.children, np.int64),
            np.array(grower.values, np.float64),
        )

    def predict(self, rows: Floats) -> Floats:
        """The mean of the trees' leaves, shape (n,)."""
        parts = [
            self._predict(rows[start : start + _ROWS_AT_ONCE])
            for start in range(0, len(rows), _ROWS_AT_ONCE)
        ]
        return np.concatenate([np.zeros(0), *parts])

    def _predict(self, rows: Floats) -> Floats:
        nodes = np.repeat(self.roots[None, :], len(rows), axis=0)
        every = np.arange(len(rows))[:, None]
        for _ in range(MAX_DEPTH):
            columns = self.columns[nodes]
            inner = columns >= 0
            if not inner.any():
                break
            right = rows[every, np.maximum(columns, 0)] > self.cuts[nodes]
            nodes = np.where(inner, self.children[nodes] + right, nodes)
        mean: Floats = self.values[nodes].mean(axis=1)
        return mean

    def arrays(self) -> dict[str, Any]:
        """The forest as arrays by name."""
        return {
            "tree_roots": self.roots,
            "tree_columns": self.columns.astype(np.int32),
            "tree_cuts": self.cuts,
            "tree_children": self.children.astype(np.int32),
            "tree_values": self.values,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], n_columns: int) -> Self:
        """The forest that `arrays` was taken from.

        Raises:
            InputError: a node points outside the forest or back, or at a column that is not there.
        """
        roots = np.asarray(arrays["tree_roots"], np.int64)
        columns = np.asarray(arrays["tree_columns"], np.int64)
        children = np.asarray(arrays["tree_children"], np.int64)
        cuts, values = arrays["tree_cuts"], arrays["tree_values"]
        _check(roots, columns, children, n_columns, cuts.shape == values.shape == columns.shape)
        return cls(roots, columns, cuts, children, values)


def _check(roots: Ints, columns: Ints, children: Ints, n_columns: int, same: bool) -> None:
    n_nodes = len(columns)
    inner = columns >= 0
    ahead = children[inner] > np.flatnonzero(inner) if children.shape == columns.shape else inner
    sound = (
        same
        and children.shape == columns.shape
        and bool(((roots >= 0) & (roots < n_nodes)).all())
        and bool((columns < n_columns).all())
        and bool((ahead & (children[inner] + 1 < n_nodes)).all())
    )
    if not sound:
        raise InputError(
            "the trees of a cascade do not hold together",
            fix="Run `llmroute calibrate` again: the file was edited, or is of another version.",
        )


class _Grower:
    """The nodes grown so far; both children of a node stand side by side."""

    def __init__(
        self, rows: Floats, targets: Floats, column_share: float, random: np.random.Generator
    ) -> None:
        self._rows = rows
        self._targets = targets
        self._random = random
        self._varied = np.flatnonzero(np.ptp(rows, axis=0) > 0)
        self._n_tried = max(1, round(column_share * len(self._varied)))
        self._least = max(_MIN_LEAF_ROWS, len(rows) // _MAX_LEAVES)
        self.columns: list[int] = []
        self.cuts: list[float] = []
        self.children: list[int] = []
        self.values: list[float] = []

    def grow(self) -> int:
        """Grow one tree; where its root stands."""
        root = self._add(np.arange(len(self._rows)))
        open_nodes = [(root, np.arange(len(self._rows)), 1)]
        while open_nodes:
            node, members, depth = open_nodes.pop()
            split = self._split(members) if depth < MAX_DEPTH else None
            if split is None:
                continue
            self.columns[node], self.cuts[node], goes_left = split
            left, right = members[goes_left], members[~goes_left]
            self.children[node] = self._add(left)
            self._add(right)
            open_nodes.append((self.children[node], left, depth + 1))
            open_nodes.append((self.children[node] + 1, right, depth + 1))
        return root

    def _add(self, members: NDArray[np.intp]) -> int:
        self.columns.append(-1)
        self.cuts.append(0.0)
        self.children.append(0)
        self.values.append(float(self._targets[members].mean()))
        return len(self.columns) - 1

    def _split(self, members: NDArray[np.intp]) -> tuple[int, float, NDArray[np.bool_]] | None:
        n = len(members)
        targets = self._targets[members]
        if n < 2 * self._least or not len(self._varied) or float(np.ptp(targets)) == 0:
            return None
        tried = self._varied[self._random.integers(0, len(self._varied), self._n_tried)]
        values = self._rows[members[:, None], tried]
        low, high = values.min(axis=0), values.max(axis=0)
        cuts = low + self._random.random(len(tried)) * (high - low)
        left = values <= cuts
        n_left = left.sum(axis=0)
        sums = (targets - targets.mean()) @ left
        fits = (n_left >= self._least) & (n - n_left >= self._least)
        if not fits.any():
            return None
        gains = np.where(fits, sums**2 / np.maximum(n_left * (n - n_left), 1), -1.0)
        best = int(np.argmax(gains))
        return int(tried[best]), float(cuts[best]), left[:, best]

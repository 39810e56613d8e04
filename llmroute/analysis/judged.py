"""A judge's scores beside people's labels of some of the same answers, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmroute.analysis.intervals import Floats
from llmroute.records import Correction


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A judge's scores of answers, some of which people labelled."""

    scores: Floats
    """Shape (n,), in [0, 1]: the judge's."""
    labels: Floats
    """Shape (n,), in [0, 1]: people's mean; NaN where nobody labelled."""
    weights: Floats
    """Shape (n,), positive: each answer's share in the mean, repeats of a sample sharing its."""
    stands_for: Floats
    """Shape (n,), positive: how many answers a labelled one stands for, up to a factor."""
    clusters: NDArray[np.int64]
    """Shape (n,): answers of one cluster (repeats, groups) are not independent."""
    right_or_wrong: bool = False
    """Whether the judge, and each person, says 0 or 1 only."""

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which answers people labelled, shape (n,)."""
        return ~np.isnan(self.labels)

    @property
    def label_weights(self) -> Floats:
        """Share of each labelled answer in means over the labelled ones; 0 of the others."""
        return np.where(self.labelled, self.weights * self.stands_for, 0.0)


class Corrected(Protocol):
    """A quality that carries both the judge's errors and the sample's."""

    @property
    def method(self) -> Correction:
        """By which estimator."""

    @property
    def value(self) -> float:
        """The quality, in [0, 1]."""

    @property
    def n_labels(self) -> int:
        """Labelled answers it rests on."""

    def low(self, confidence: float) -> float:
        """One-sided lower bound, in [0, 1]."""

    def high(self, confidence: float) -> float:
        """One-sided upper bound, in [0, 1]."""


def sums(values: Floats, clusters: NDArray[np.int64]) -> Floats:
    """The values' sum in each cluster, shape (n_clusters,)."""
    return np.bincount(clusters, values).astype(np.float64)


def independent_of(weights: Floats, clusters: NDArray[np.int64]) -> float:
    """Kish's effective number of clusters, (Σw)² / Σw²; 0 where nothing has weight."""
    if not weights.any():
        return 0.0
    totals = sums(weights, clusters)
    return float(totals.sum() ** 2 / (totals**2).sum())

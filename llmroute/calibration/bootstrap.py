"""Groups of rows → resamples of them, and the intervals of whatever is computed under each.

The same groups, number and seed always give the same resamples: two routers' figures under them
are paired, and their difference can be bounded row by row (paired cluster bootstrap; Efron &
Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 8 and 13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from llmroute.calibration.pair import Floats, Ints
from llmroute.records import Interval

RESAMPLES = 2_000
CONFIDENCE = 0.95
CHUNK_CELLS = 500_000
"""Resamples × rows that are worked on at a time: bounds the memory, changes no figure."""

Figures = Callable[[Floats], Floats]
"""Counts of shape (b, n), how often each row stands in each resample → figures (b, k)."""


def resample_counts(groups: Ints, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Floats]:
    """Counts of shape (b, n): whole groups drawn with replacement, as many as there are.

    >>> groups = np.array([0, 0, 1])
    >>> [counts.shape for counts in resample_counts(groups, resamples=3)]
    [(3, 3)]
    """
    members = np.unique(groups, return_inverse=True)[1]
    n_groups = int(members.max()) + 1
    rng = np.random.default_rng(seed)
    chunk = max(1, CHUNK_CELLS // members.size)
    for start in range(0, resamples, chunk):
        b = min(chunk, resamples - start)
        drawn = rng.integers(0, n_groups, (b, n_groups)) + n_groups * np.arange(b)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=b * n_groups).reshape(b, n_groups)
        yield counts.astype(np.float64)[:, members]


def bootstrap(
    figures: Figures, groups: Ints, *, resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
    """The figures under every resample, shape (resamples, k)."""
    chunks = resample_counts(groups, resamples=resamples, seed=seed)
    return np.concatenate([figures(counts) for counts in chunks])


def estimate(figures: Figures, n_rows: int) -> Floats:
    """The figures of the rows as they are, shape (k,)."""
    values: Floats = figures(np.ones((1, n_rows)))[0]
    return values


def interval(value: float, draws: Floats, confidence: float = CONFIDENCE) -> Interval:
    """The estimate between the draws' quantiles, (1 − confidence)/2 cut off on either side.

    Draws that are not a number (a resample in which the figure is not defined) do not count, and
    the interval is widened to hold the estimate where the figure is biased upwards by resampling.
    """
    known = draws[~np.isnan(draws)]
    if not known.size:
        return Interval(value, value, value)
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(value, min(float(low), value), max(float(high), value))


def lower_quantile(draws: Floats, confidence: float) -> Floats:
    """One-sided lower bounds at this confidence, one a column; draws of shape (b, k)."""
    bounds: Floats = np.nanquantile(draws, 1 - confidence, axis=0)
    return bounds


def intervals(
    figures: Figures,
    groups: Ints,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> tuple[Interval, ...]:
    """Every figure with its two-sided interval."""
    values = estimate(figures, groups.size)
    draws = bootstrap(figures, groups, resamples=resamples, seed=seed)
    return tuple(interval(float(value), draws[:, k], confidence) for k, value in enumerate(values))

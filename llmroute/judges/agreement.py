"""Levels that raters gave to items → how far they agree, each figure with its interval.

Every figure here is one minus a ratio of disagreements, observed over expected by chance, and both
come from a k × k table to which each item adds its part. A bootstrap over items is therefore one
sum of tables under each resample's counts, and all figures of a resample read the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from llmroute.analysis.intervals import clopper_pearson_low
from llmroute.calibration.bootstrap import CONFIDENCE, RESAMPLES, bootstrap, estimate, interval
from llmroute.calibration.pair import Floats, Ints
from llmroute.records import Interval

MISSING = -1
"""The code of a level that a rater did not give."""

Weighting = Literal["nominal", "linear", "quadratic"]
Statistic = Callable[[Floats], Floats]
"""Tables of shape (b, k, k) → figures of shape (b,); NaN where one is not defined."""


# -- figures of tables ----------------------------------------------------------------------------


def accuracy(tables: Floats) -> Floats:
    """The share of items on which the two agree.

    >>> float(accuracy(np.array([[20.0, 5.0], [10.0, 15.0]])))
    0.7
    """
    return 1.0 - _share(tables, disagreement(tables.shape[-1], "nominal"))


def cohen_kappa(tables: Floats, weighting: Weighting = "nominal") -> Floats:
    """Agreement of two raters beyond what their own shares of levels give by chance.

    1 − Σ w·p / Σ w·(row share × column share). Cohen, "A coefficient of agreement for nominal
    scales", Educational and Psychological Measurement 20 (1960); weighted: Psychological Bulletin
    70 (1968). NaN where both gave one and the same level only: there chance explains everything.

    Args:
        tables: counts, shape (..., k, k): the first rater's level by the second's, in the order
            of the levels.
        weighting: how bad it is to be d levels apart: all alike, d, or d².

    >>> round(float(cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]]))), 9)
    0.4
    """
    weights = disagreement(tables.shape[-1], weighting)
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)
    by_chance = rows[..., :, None] * columns[..., None, :]
    return _beyond_chance(_share(tables, weights), _share(by_chance, weights))


def nominal_alpha(coincidences: Floats) -> Floats:
    """Krippendorff's α of levels without an order; see `ordinal_alpha`."""
    return _alpha(coincidences, disagreement(coincidences.shape[-1], "nominal"))


def ordinal_alpha(coincidences: Floats) -> Floats:
    """Krippendorff's α of levels in their order, for any number of raters with any gaps.

    1 − D_o / D_e over coincidences: every pair of values of one item counts 1/(m − 1), m being
    how many raters judged it. Two levels are as far apart as there are values from the middle of
    one to the middle of the other. Krippendorff, "Computing Krippendorff's Alpha-Reliability"
    (2011), §§ B–D. NaN where all values are one level.
    """
    totals = coincidences.sum(axis=-1)
    middles = np.cumsum(totals, axis=-1) - totals / 2
    return _alpha(coincidences, (middles[..., :, None] - middles[..., None, :]) ** 2)


def interval_alpha(values: Floats, counts: Floats) -> Floats:
    """Krippendorff's α of numbers: values are as far apart as their squared difference says.

    By sums instead of a table, since a scale may have as many levels as there are values.

    Args:
        values: shape (n_items, n_raters); NaN where a rater gave none.
        counts: shape (b, n_items): how often each item counts.

    Returns:
        Shape (b,).
    """
    rated = ~np.isnan(values)
    m = rated.sum(axis=1)
    x = np.where(rated & (m > 1)[:, None], values, 0.0)
    sums, squares = x.sum(axis=1), (x**2).sum(axis=1)
    pairs = np.where(m > 1, m, 0)
    within = 2 * (pairs * squares - sums**2) / np.maximum(m - 1, 1)
    n, total, total_squares, observed = (counts @ part for part in (pairs, sums, squares, within))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = 2 * (n * total_squares - total**2) / (n - 1)
        expected = np.where(expected > 1e-12 * n * np.maximum(total_squares, 1e-300), expected, 0.0)
    return _beyond_chance(observed, expected)


def disagreement(k: int, weighting: Weighting) -> Floats:
    """How bad it is to say one level for another, shape (k, k), at most 1.

    >>> disagreement(3, "quadratic").tolist()[0]
    [0.0, 0.25, 1.0]
    """
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    if weighting == "nominal":
        return (apart > 0).astype(np.float64)
    apart /= max(k - 1, 1)
    return apart if weighting == "linear" else apart**2


def _share(tables: Floats, weights: Floats) -> Floats:
    """Σ w·p, p being the table's shares."""
    with np.errstate(invalid="ignore"):
        share: Floats = (tables * weights).sum(axis=(-2, -1)) / tables.sum(axis=(-2, -1))
    return share


def _alpha(coincidences: Floats, distances: Floats) -> Floats:
    totals = coincidences.sum(axis=-1)
    n = totals.sum(axis=-1)
    by_chance = totals[..., :, None] * totals[..., None, :]
    observed = (coincidences * distances).sum(axis=(-2, -1))
    expected = (by_chance * distances).sum(axis=(-2, -1)) / np.maximum(n - 1, 1)
    return _beyond_chance(observed, expected)


def _beyond_chance(observed: Floats, expected: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond: Floats = np.where(expected > 0, 1.0 - observed / expected, np.nan)
    return beyond


# -- what each item adds --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What each item adds to a k × k table."""

    n_items: int
    k: int
    item: Ints
    """Shape (n_entries,)."""
    cell: Ints
    """Row × k + column, shape (n_entries,)."""
    share: Floats
    """How much of it, shape (n_entries,)."""

    def weighted(self, weights: Floats) -> Tally:
        """The same, each item counting in proportion to its weight, shape (n_items,)."""
        return replace(self, share=self.share * weights[self.item])

    def tables(self, counts: Floats) -> Floats:
        """The table under each row of counts: (b, n_items) → (b, k, k)."""
        b, cells = counts.shape[0], self.k * self.k
        at = self.cell + cells * np.arange(b)[:, None]
        weights = counts[:, self.item] * self.share
        flat = np.bincount(at.ravel(), weights.ravel(), minlength=b * cells)
        return flat.astype(np.float64).reshape(b, self.k, self.k)


def tally_pair(first: Ints, second: Ints, k: int) -> Tally:
    """Two raters' levels of the same items; an item that lacks one of them adds nothing.

    Args:
        first: codes of shape (n_items,), `MISSING` where there is none.
        second: the same of the other rater.
        k: how many levels there are.

    >>> tally_pair(np.array([0, 1, -1]), np.array([0, 0, 1]), 2).tables(np.ones((1, 3)))[0].tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    item = np.flatnonzero((first != MISSING) & (second != MISSING))
    return Tally(first.size, k, item, first[item] * k + second[item], np.ones(item.size))


def tally_raters(codes: Ints, k: int) -> Tally:
    """Krippendorff's coincidences of any number of raters.

    Args:
        codes: shape (n_items, n_raters), `MISSING` where a rater gave no level.
        k: how many levels there are.
    """
    item, cell, share = [], [], []
    m = (codes != MISSING).sum(axis=1)
    n_raters = codes.shape[1]
    for one in range(n_raters):
        for other in range(n_raters):
            both = np.flatnonzero((codes[:, one] != MISSING) & (codes[:, other] != MISSING))
            if one != other:
                item.append(both)
                cell.append(codes[both, one] * k + codes[both, other])
                share.append(1.0 / (m[both] - 1))
    return Tally(codes.shape[0], k, *(np.concatenate(parts) for parts in (item, cell, share)))


# -- intervals ------------------------------------------------------------------------------------


def bound(
    statistics: Mapping[str, Statistic],
    tallies: Sequence[Tally],
    groups: Ints,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval | None]:
    """Each figure with its two-sided interval from a bootstrap over groups of items.

    Percentiles (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, §13.3). Where
    nothing disagrees no resample does either, and the bootstrap would be certain; there the lower
    end is what the figure would be if disagreement were as frequent as n agreements in a row just
    allow (Clopper–Pearson).

    Args:
        statistics: figure's name → function of the tables.
        tallies: what each item adds. Of several, such as one for each pair of raters, a figure is
            their mean in proportion to their items (Light, Psychological Bulletin 76, 1971).
        groups: shape (n_items,): items of one group are not independent, and drawn together.
        resamples: how many.
        seed: of the draws.
        confidence: two-sided.

    Returns:
        Figure's name → interval, or None where the figure is not defined.
    """
    groups = np.asarray(groups)
    n = min((np.unique(groups[tally.item]).size for tally in tallies), default=0)
    surely = clopper_pearson_low(n, n, (1 + confidence) / 2) if n else 0.0

    def figures(counts: Floats, share: float = 1.0) -> Floats:
        tables = [_at_worst(tally.tables(counts), share) for tally in tallies]
        return np.stack([_mean(one, tables) for one in statistics.values()], axis=1)

    if not n:
        return dict.fromkeys(statistics)
    values = estimate(figures, groups.size)
    draws = bootstrap(figures, groups, resamples=resamples, seed=seed)
    at_worst = figures(np.ones((1, groups.size)), surely)[0]
    return {
        name: _interval(values[k], draws[:, k], at_worst[k], confidence)
        for k, name in enumerate(statistics)
    }


def bound_interval_alpha(
    values: Floats,
    groups: Ints,
    weights: Floats | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """`interval_alpha` with its interval; method and arguments as of `bound`."""
    each = 1.0 if weights is None else weights

    def figures(counts: Floats) -> Floats:
        return interval_alpha(values, counts * each)[:, None]

    value = float(estimate(figures, groups.size)[0])
    if np.isnan(value):
        return None
    return interval(value, bootstrap(figures, groups, resamples=resamples, seed=seed)[:, 0])


def _mean(statistic: Statistic, tables: Sequence[Floats]) -> Floats:
    """The figure's mean over the tables, each in proportion to what it holds."""
    figures = np.stack([statistic(one) for one in tables])
    weights = np.stack([one.sum(axis=(1, 2)) for one in tables]) * ~np.isnan(figures)
    with np.errstate(invalid="ignore"):
        mean: Floats = (np.nan_to_num(figures) * weights).sum(axis=0) / weights.sum(axis=0)
    return mean


def _at_worst(tables: Floats, share: float) -> Floats:
    """The tables, were only this share of items as seen and the rest as far apart as can be."""
    if share == 1.0:
        return tables
    worst = np.zeros_like(tables)
    worst[:, 0, -1] = worst[:, -1, 0] = tables.sum(axis=(1, 2)) / 2
    mixed: Floats = share * tables + (1 - share) * worst
    return mixed


def _interval(
    value: np.float64, draws: Floats, at_worst: np.float64, confidence: float
) -> Interval | None:
    if np.isnan(value):
        return None
    found = interval(float(value), draws, confidence)
    return found if value < 1.0 else Interval(1.0, min(found.low, float(at_worst)), 1.0)

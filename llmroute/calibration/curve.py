"""Scores × Pair → the curve of quality and cost over the share of strong calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Ints, Pair
from llmroute.calibration.split import checked_scores

NEVER_STRONG = 1.000001
"""A threshold no strong_win_rate reaches: every query goes to the weak model."""

FEW_CURVES = 8
"""Below so many, hulls are taken one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The places a threshold can stand, from "all weak" to "all strong", under b resamples."""

    shares: Floats
    """Shape (b, m): share of strong calls, from 0 to 1."""
    quality: Floats
    """Shape (b, m)."""
    cost_usd: Floats | None
    """Shape (b, m), mean of a request; None where a cost is not known."""
    strong_cost_usd: Floats | None
    """Shape (b,): what always asking the strong model costs."""
    regret: Floats
    """Shape (b, m): mean of (s − w)+ over all queries, counted where the weak model answers."""

    @property
    def pgr(self) -> Floats:
        """(r − w̄)/(s̄ − w̄), shape (b, m); not a number where s̄ ≤ w̄ (RouteLLM, 2406.18665, §2)."""
        gap = self.quality[:, -1:] - self.quality[:, :1]
        with np.errstate(divide="ignore", invalid="ignore"):
            pgr: Floats = np.where(gap > 0, (self.quality - self.quality[:, :1]) / gap, np.nan)
        return pgr

    def thinned(self, most: int) -> Points:
        """The same curves with at most so many of their points, both ends among them."""
        n = self.shares.shape[1]
        if n <= most:
            return self
        at = np.unique(np.linspace(0, n - 1, most).round().astype(np.int64))
        cost = None if self.cost_usd is None else self.cost_usd[:, at]
        return Points(
            self.shares[:, at], self.quality[:, at], cost, self.strong_cost_usd, self.regret[:, at]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """A pair in the order in which a falling threshold sends its queries to the strong model."""

    order: Ints
    starts: Ints
    """First row, in that order, of each block of equal scores."""
    thresholds: Floats
    """Shape (m,), falling: `strong_win_rate >= thresholds[k]` gives point k."""
    weak_scores: Floats
    strong_scores: Floats
    weak_costs_usd: Floats
    strong_costs_usd: Floats
    strong_alone_usd: Floats
    known_costs: bool

    @classmethod
    def of(cls, scores: Floats, pair: Pair, *, strong_alone_usd: Floats | None = None) -> Sweep:
        """Sort the pair by its scores.

        Args:
            scores: shape (n,), higher means strong.
            pair: the scored queries. Of a cascade, `strong_costs_usd` is the price of both calls.
            strong_alone_usd: what the strong model alone costs on each row, shape (n,), where that
                is not `pair.strong_costs_usd`: savings are against it.

        Raises:
            InputError: a score is missing.
        """
        values = checked_scores(scores, pair)
        order = np.argsort(-values, kind="stable")
        ranked = values[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        alone = pair.strong_costs_usd if strong_alone_usd is None else strong_alone_usd
        costs = (pair.weak_costs_usd, pair.strong_costs_usd, alone)
        return cls(
            order=order,
            starts=starts,
            thresholds=_thresholds(ranked[starts]),
            weak_scores=pair.weak_scores[order],
            strong_scores=pair.strong_scores[order],
            weak_costs_usd=pair.weak_costs_usd[order],
            strong_costs_usd=pair.strong_costs_usd[order],
            strong_alone_usd=np.asarray(alone, dtype=np.float64)[order],
            known_costs=not any(bool(np.isnan(column).any()) for column in costs),
        )

    def at(self, points: Sequence[int] | Ints) -> Sweep:
        """The same sweep with these points only, and with both its ends."""
        n_points = self.thresholds.size
        kept = np.unique(np.r_[0, np.asarray(points, dtype=np.int64), n_points - 1])
        starts = np.r_[self.starts, self.order.size][kept][:-1]
        return replace(self, starts=starts, thresholds=self.thresholds[kept])

    def coarse(self, most: int) -> Sweep:
        """The same sweep with about so many points, evenly spread over the queries."""
        if self.thresholds.size <= most:
            return self
        rows = np.r_[self.starts, self.order.size]
        return self.at(np.searchsorted(rows, np.linspace(0, self.order.size, most)))

    def under(self, counts: Floats) -> Points:
        """Every point when row i stands counts[b, i] times in resample b; counts (b, n)."""
        n = counts[:, self.order]
        total = n.sum(axis=1)
        gaps = self.strong_scores - self.weak_scores
        regret = self._running(n * np.maximum(gaps, 0.0))
        points = Points(
            shares=self._running(n) / total[:, None],
            quality=self._swept(n, self.weak_scores, gaps, total),
            cost_usd=None,
            strong_cost_usd=None,
            regret=(regret[:, -1:] - regret) / total[:, None],
        )
        return self._priced(points, n, total) if self.known_costs else points

    def apgr_under(self, counts: Floats) -> Floats:
        """`summary.apgr` of `under(counts)`, shape (b,), by the shorter way.

        The area under a sum of gaps counts each gap by the share of queries that stand behind it,
        those of its own block by half.
        """
        n = counts[:, self.order]
        behind = self._running(n)
        middle = (behind[:, 1:] + behind[:, :-1]) / 2
        gaps = np.diff(self._running(n * (self.strong_scores - self.weak_scores)), axis=1)
        total = gaps.sum(axis=1)
        area = (gaps * (1 - middle / n.sum(axis=1, keepdims=True))).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            apgr: Floats = np.where(total > 0, area / total, np.nan)
        return apgr

    def whole(self) -> Points:
        """Every point of the rows as they are; arrays of shape (1, m)."""
        return self.under(np.ones((1, self.order.size)))

    def _priced(self, points: Points, n: Floats, total: Floats) -> Points:
        extra = self.strong_costs_usd - self.weak_costs_usd
        return Points(
            points.shares,
            points.quality,
            self._swept(n, self.weak_costs_usd, extra, total),
            n @ self.strong_alone_usd / total,
            points.regret,
        )

    def _swept(self, n: Floats, weak: Floats, extra: Floats, total: Floats) -> Floats:
        swept: Floats = ((n @ weak)[:, None] + self._running(n * extra)) / total[:, None]
        return swept

    def _running(self, values: Floats) -> Floats:
        """Sums over the rows before each point, shape (b, m): nothing, one block, two, ..."""
        blocks = values
        if self.starts.size < self.order.size:
            blocks = np.add.reduceat(values, self.starts, axis=1)
        running = np.zeros((values.shape[0], blocks.shape[1] + 1))
        np.cumsum(blocks, axis=1, out=running[:, 1:])
        return running


def _thresholds(levels: Floats) -> Floats:
    """Halfway between neighbouring scores, so that rounding moves no query; 0 sends all."""
    if levels.size == 0:
        return np.array([NEVER_STRONG])
    between = (levels[:-1] + levels[1:]) / 2
    never = max(NEVER_STRONG, float(np.nextafter(levels[0], np.inf)))
    thresholds: Floats = np.r_[never, between, min(0.0, float(levels[-1]))]
    return thresholds


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Quality and cost at each of the n + 1 shares of strong calls, for reading and drawing."""

    shares: Floats
    """Shape (n + 1,): k / n."""
    quality: Floats
    quality_hull: Floats
    """The upper concave hull over the shares, from its peak on flat: mixing two thresholds at
    random reaches every point of it."""
    cost_usd: Floats | None
    """Mean of a request; None where a cost is not known."""
    pgr: Floats
    thresholds: Floats
    """Of the points a threshold can reach; falling."""
    threshold_shares: Floats
    """The share of strong calls at each of those thresholds."""


def threshold_curve(scores: Floats, pair: Pair, *, strong_alone_usd: Floats | None = None) -> Curve:
    """The exact curve over the share of strong calls, highest scores first.

    Queries of one score cannot be told apart by a threshold: within such a block they are sent in
    random order, and the curve holds the expectation, a straight line.
    """
    sweep = Sweep.of(scores, pair, strong_alone_usd=strong_alone_usd)
    points = sweep.whole()
    shares = np.arange(len(pair) + 1) / len(pair)
    quality = np.interp(shares, points.shares[0], points.quality[0])
    cost = points.cost_usd
    return Curve(
        shares=shares,
        quality=quality,
        quality_hull=hull_values(shares, quality),
        cost_usd=None if cost is None else np.interp(shares, points.shares[0], cost[0]),
        pgr=np.interp(shares, points.shares[0], points.pgr[0]),
        thresholds=sweep.thresholds,
        threshold_shares=points.shares[0],
    )


def upper_hull(x: Floats, y: Floats) -> Ints:
    """Numbers of the points on the upper concave hull, from left to right up to its peak.

    Andrew's monotone chain (Inf. Process. Lett. 9, 1979). Points of one x: the highest counts.

    >>> upper_hull(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 2.0, 1.0, 3.0])).tolist()
    [0, 1, 3]
    """
    order = np.lexsort((y, x))
    xs, ys = x[order].tolist(), y[order].tolist()
    kept: list[int] = []
    for i in range(len(xs)):
        while kept and xs[kept[-1]] == xs[i]:
            kept.pop()
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (ys[b] - ys[a]) * (xs[i] - xs[a]) > (ys[i] - ys[a]) * (xs[b] - xs[a]):
                break
            kept.pop()
        kept.append(i)
    peak = max(range(len(kept)), key=lambda k: ys[kept[k]])
    hull: Ints = order[np.array(kept[: peak + 1], dtype=np.int64)]
    return hull


def hull_values(x: Floats, y: Floats) -> Floats:
    """The non-decreasing upper concave hull's height at every x."""
    hull = upper_hull(x, y)
    values: Floats = np.interp(x, x[hull], y[hull])
    return values


def concave_majorants(x: Floats, y: Floats) -> Floats:
    """`hull_values` of many curves at once: x rising along each row, shapes (b, g).

    >>> x, y = np.array([[0.0, 1.0, 2.0, 3.0]]), np.array([[0.0, 2.0, 1.0, 3.0]])
    >>> concave_majorants(x, y).tolist()
    [[0.0, 2.0, 2.5, 3.0]]
    """
    if x.shape[0] < FEW_CURVES:
        return np.stack([hull_values(*curve) for curve in zip(x, y, strict=True)])
    kept = _corners(x, y)
    places = np.arange(x.shape[1])
    left = np.maximum.accumulate(np.where(kept, places, 0), axis=1)
    ahead = np.where(kept, places, places.size - 1)[:, ::-1]
    right = np.minimum.accumulate(ahead, axis=1)[:, ::-1]
    x0, x1 = np.take_along_axis(x, left, 1), np.take_along_axis(x, right, 1)
    y0, y1 = np.take_along_axis(y, left, 1), np.take_along_axis(y, right, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        heights = np.where(x1 > x0, y0 + (y1 - y0) * (x - x0) / (x1 - x0), np.maximum(y0, y1))
    majorants: Floats = np.maximum.accumulate(heights, axis=1)
    return majorants


def _corners(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Which points lie on each row's hull: the monotone chain, one step for all rows together."""
    b, g = x.shape
    stack = np.zeros((b, g), dtype=np.int64)
    top = np.full(b, -1)
    every = np.arange(b)
    for i in range(g):
        rows = every[top > 0]
        while rows.size:
            last, one = stack[rows, top[rows] - 1], stack[rows, top[rows]]
            dx, dy = x[rows, i] - x[rows, last], y[rows, i] - y[rows, last]
            below = (y[rows, one] - y[rows, last]) * dx <= dy * (x[rows, one] - x[rows, last])
            rows = rows[below]
            top[rows] -= 1
            rows = rows[top[rows] > 0]
        top += 1
        stack[every, top] = i
    kept = np.zeros((b, g), dtype=bool)
    on_stack = np.arange(g) <= top[:, None]
    kept[np.repeat(every, top + 1), stack[on_stack]] = True
    return kept

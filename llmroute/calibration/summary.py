"""Scores × Pair → PGR, APGR, CPT, AIQ, cost ratio, quality gap and knee, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, bootstrap, interval
from llmroute.calibration.curve import Points, Sweep, concave_majorants
from llmroute.calibration.pair import Floats, Pair
from llmroute.records import Interval

RESAMPLED_POINTS = 513
"""Thresholds that a resample's curve runs through; straight lines in between, as for ties."""
HULL_POINTS = 101
"""Of these, the ones its hull is taken over. Estimates use every point there is."""


@dataclass(frozen=True, slots=True)
class RouterSummary:
    """What a router is worth, whatever the threshold. Intervals are two-sided."""

    n: int
    n_groups: int
    weak_quality: Interval
    strong_quality: Interval
    apgr: Interval
    cpt50: Interval
    """On the hull."""
    cpt80: Interval
    cpt50_raw: Interval
    cpt80_raw: Interval
    aiq: Interval | None
    """None where costs are not known, or the strong model is not the dearer one."""
    aiq_lift: Interval | None
    """Never below 0: a hull hangs over its own chord. `dollar_lift` is the one to test."""
    dollar_lift: Interval | None
    knee_share: float


def summarise_router(
    scores: Floats,
    pair: Pair,
    *,
    strong_alone_usd: Floats | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> RouterSummary:
    """Every figure that needs no threshold, by the exact curve and a paired bootstrap.

    Args:
        scores: out-of-fold, shape (n,).
        pair: the scored queries.
        strong_alone_usd: cost of the strong model alone, where a strong call costs more than it.
        resamples: of the bootstrap, over groups.
        seed: of the bootstrap.
        confidence: of each two-sided interval.
    """
    sweep = Sweep.of(scores, pair, strong_alone_usd=strong_alone_usd)

    coarse = sweep.coarse(RESAMPLED_POINTS)
    values = _figures(sweep.whole())[0]
    draws = bootstrap(
        lambda counts: _figures(coarse.under(counts)), pair.groups, resamples=resamples, seed=seed
    )
    weak, strong, area, half, most, half_raw, most_raw, hull_area, lift, dollars = (
        interval(float(value), draws[:, k], confidence) for k, value in enumerate(values)
    )
    whole = sweep.whole()
    return RouterSummary(
        n=len(pair),
        n_groups=int(np.unique(pair.groups).size),
        weak_quality=weak,
        strong_quality=strong,
        apgr=area,
        cpt50=half,
        cpt80=most,
        cpt50_raw=half_raw,
        cpt80_raw=most_raw,
        aiq=_known(hull_area),
        aiq_lift=_known(lift),
        dollar_lift=_known(dollars),
        knee_share=float(whole.shares[0, knee_point(whole)]),
    )


def _known(figure: Interval) -> Interval | None:
    return None if np.isnan(figure.value) else figure


def _figures(points: Points) -> Floats:
    grid = points.thinned(HULL_POINTS) if points.shares.shape[0] > 1 else points
    hull = running_hull(grid)
    columns = [
        points.quality[:, 0],
        points.quality[:, -1],
        apgr(points),
        _first_crossing(grid.shares, hull, 0.5),
        _first_crossing(grid.shares, hull, 0.8),
        cpt(points, 0.5),
        cpt(points, 0.8),
        *aiq(grid),
        dollar_lift(points),
    ]
    return np.stack(columns, axis=1)


def apgr(points: Points) -> Floats:
    """∫ PGR d(share of strong calls) over the exact curve, shape (b,).

    RouteLLM (2406.18665, §2.2) defines the integral and takes ten points of it; here it is exact.
    Random: ½ in expectation. Above 1 only where the weak model is often right alone.
    """
    pgr = points.pgr
    area: Floats = ((pgr[:, 1:] + pgr[:, :-1]) / 2 * np.diff(points.shares, axis=1)).sum(axis=1)
    return area


def cpt(points: Points, pgr: float, *, on_hull: bool = False) -> Floats:
    """Least share of strong calls whose PGR reaches `pgr`, shape (b,); straight between points.

    RouteLLM's call-performance threshold (2406.18665, §2.2). Raw, or on the upper concave hull,
    which a random mix of two thresholds reaches.
    """
    return _first_crossing(points.shares, running_hull(points) if on_hull else points.pgr, pgr)


def _first_crossing(x: Floats, y: Floats, level: float) -> Floats:
    reached = y >= level
    at = np.argmax(reached, axis=1)
    rows = np.arange(x.shape[0])
    before = np.maximum(at - 1, 0)
    rise = y[rows, at] - y[rows, before]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(rise > 0, (level - y[rows, before]) / rise, 0.0)
    crossing = x[rows, before] + part * (x[rows, at] - x[rows, before])
    found: Floats = np.where(reached.any(axis=1), crossing, np.nan)
    return found


def aiq(points: Points) -> tuple[Floats, Floats]:
    """(AIQ, its lift over the hull of the single models), shape (b,) each.

    AIQ = ∫ R̃(c) dc / (c_s − c_w) over [c_w, c_s], R̃ the non-decreasing upper concave hull of the
    router's (cost, quality) points and the single models' (RouterBench, 2403.12031, §3). Its code
    divides by the greatest cost of all routers compared; here the range is the single models'.
    """
    if points.cost_usd is None or points.strong_cost_usd is None:
        return _nothing(points), _nothing(points)
    low, high = points.cost_usd[:, 0], points.strong_cost_usd
    cost = np.column_stack([points.cost_usd, high])
    quality = np.column_stack([points.quality, points.quality[:, -1]])
    cost, quality = _by_cost(cost, quality)
    areas = areas_between(cost, concave_majorants(cost, quality), low, high)
    ends = points.quality[:, [0, -1]]
    return areas, areas - (ends[:, 0] + ends.max(axis=1)) / 2


def dollar_lift(points: Points) -> Floats:
    """Mean height of the raw (cost, quality) curve over the straight line between the models.

    ∫ (r(c) − line(c)) dc / (c_s − c_w) over [c_w, c_s], without a hull, so that a router that
    knows nothing has 0 in expectation: the figure to test. The line is a random mix of the two
    models. AutoMix's lift (2310.12963) in another form.
    """
    if points.cost_usd is None or points.strong_cost_usd is None:
        return _nothing(points)
    cost, quality = _by_cost(points.cost_usd, points.quality)
    areas = areas_between(cost, quality, points.cost_usd[:, 0], points.strong_cost_usd)
    return areas - (points.quality[:, 0] + points.quality[:, -1]) / 2


def dollar_apgr(points: Points) -> Floats:
    """Mean PGR over budgets from "all weak" to the strong model alone, shape (b,).

    `apgr` at equal dollars: ½ for a random mix of the two models, and `dollar_lift` in units of
    their quality gap above it. A policy that pays for two calls can be set beside one that pays
    for one.
    """
    gap = points.quality[:, -1] - points.quality[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Floats = np.where(gap > 0, 0.5 + dollar_lift(points) / gap, np.nan)
    return mean


def _nothing(points: Points) -> Floats:
    return np.full(points.shares.shape[0], np.nan)


def _by_cost(cost: Floats, quality: Floats) -> tuple[Floats, Floats]:
    """Both in the order of rising cost: where strong is cheaper on a query, costs fall."""
    if bool((np.diff(cost, axis=1) >= 0).all()):
        return cost, quality
    order = np.argsort(cost, axis=1, kind="stable")
    return np.take_along_axis(cost, order, 1), np.take_along_axis(quality, order, 1)


def areas_between(x: Floats, y: Floats, low: Floats, high: Floats) -> Floats:
    """Mean height of each row's line over [low, high], flat beyond its ends; x rising.

    Shapes (b, g) and (b,) → (b,); not a number where high is not above low.

    >>> x, y = np.array([[0.0, 2.0]]), np.array([[0.0, 1.0]])
    >>> areas_between(x, y, np.array([0.0]), np.array([4.0])).tolist()
    [0.75]
    """
    start, end = low[:, None], high[:, None]
    left, right = np.clip(x[:, :-1], start, end), np.clip(x[:, 1:], start, end)
    width = np.diff(x, axis=1)
    middle = (left + right) / 2 - x[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(width > 0, np.diff(y, axis=1) / width, 0.0)
        area = ((y[:, :-1] + slope * middle) * (right - left)).sum(axis=1)
        area += y[:, 0] * np.clip(x[:, 0] - low, 0.0, None)
        area += y[:, -1] * np.clip(high - x[:, -1], 0.0, None)
        mean: Floats = np.where(high > low, area / (high - low), np.nan)
    return mean


def knee_point(points: Points) -> int:
    """Number of the point farthest above the chord from "all weak" to "all strong".

    Distance in quality, both axes scaled to [0, 1], over the hull's corners; shares stand for
    costs where these are not known. Of equals, the one with more strong calls.
    """
    x = points.shares[0]
    if points.cost_usd is not None and points.cost_usd[0, -1] > points.cost_usd[0, 0]:
        x = (points.cost_usd[0] - points.cost_usd[0, 0]) / np.ptp(points.cost_usd[0, [0, -1]])
    above = points.quality[0] - points.quality[0, 0]
    above = above - x * above[-1]
    return int(np.flatnonzero(above >= above.max() - 1e-12)[-1])


def cost_ratio(points: Points) -> Floats:
    """$ routed / $ all strong at each point, shape (b, m); the saving is 1 minus it."""
    if points.cost_usd is None or points.strong_cost_usd is None:
        return np.full_like(points.shares, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = points.cost_usd / points.strong_cost_usd[:, None]
    return np.where(np.isfinite(ratio), ratio, np.nan)


def quality_gap(points: Points) -> Floats:
    """(r − s̄)/s̄ at each point, shape (b, m): negative where quality is lost."""
    strong = points.quality[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap: Floats = np.where(strong > 0, (points.quality - strong) / strong, np.nan)
    return gap


def running_hull(points: Points) -> Floats:
    """PGR on the non-decreasing upper concave hull at each point, shape (b, m)."""
    return concave_majorants(points.shares, points.pgr)

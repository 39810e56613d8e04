"""Scores × Pair × target → OperatingPoint: the threshold, and what it does to cost and quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, bootstrap, intervals, lower_quantile
from llmroute.calibration.curve import Points, Sweep
from llmroute.calibration.pair import Floats, Ints, Pair
from llmroute.calibration.risk import Basis, Certificate, certify_threshold, least_certifiable_loss
from llmroute.calibration.summary import cost_ratio, knee_point
from llmroute.errors import InputError
from llmroute.records import Interval

TargetKind = Literal["target_strong", "max_quality_loss", "max_usd_per_1k", "min_pgr", "knee"]

ASYMMETRY = 19.0
"""By default a target that is missed is nineteen times as bad as calls that were not needed."""
NEIGHBOUR = 0.05
"""How far to either side the neighbours on the curve stand, in share of strong calls."""
FARTHEST = 0.05
"""How far from the share asked for a threshold may land before that is an error."""
CANDIDATES = 200
"""Places on the curve at which bounds are taken."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a person asks of the threshold."""

    kind: TargetKind
    value: float | None = None
    """A share, a loss of quality, dollars or a PGR; of `knee`, the quality to clear, or None for
    the point farthest above the chord."""
    confidence: float = 0.95
    """Of `max_quality_loss`."""
    horizon: int | None = None
    """Of `max_quality_loss`: the next queries the promise is of; None: all further ones."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what it gives: expected values with two-sided intervals.

    The intervals are of the threshold as it is, over queries like these; that it was picked on
    the same scores is not in them.
    """

    threshold: float
    strong_share: Interval
    quality: Interval
    quality_loss: Interval
    """Mean quality below always asking the strong model; negative where it is above."""
    regret: Interval
    """What is lost on queries the weak model answers, its lucky hits not set against it."""
    cost_usd_per_1k: Interval | None
    """None where a cost is not known."""
    saving: Interval | None
    """1 − cost / cost of always asking the strong model."""
    pgr: Interval
    neighbours: tuple[OperatingPoint, ...] = ()
    """What some fewer and some more strong calls would give, in this order."""
    certificate: Certificate | None = None


def pick_threshold(
    scores: Floats,
    pair: Pair,
    target: Target,
    *,
    asymmetry: float = ASYMMETRY,
    strong_alone_usd: Floats | None = None,
    basis: Basis = "out_of_fold",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> OperatingPoint:
    """The operating point that meets the target with the fewest strong calls.

    On doubt, strong: a PGR or quality to be reached must be cleared by a one-sided lower bound, at
    the critical fractile a/(1 + a) of the asymmetry a (the newsvendor's ratio; Arrow, Harris &
    Marschak, Econometrica 19, 1951): 19, the default, bounds at 95 %, 1 takes the estimate as it
    is. Thresholds are tested from "all strong" on and the first that does not clear ends it.

    Args:
        scores: out-of-fold, shape (n,).
        pair: the scored queries.
        target: what is asked.
        asymmetry: how many times worse a missed target is than an unneeded dollar; at least 1.
        strong_alone_usd: cost of the strong model alone, where a strong call costs more than it.
        basis: where the scores come from, for the certificate of a maximal loss.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        InputError: the target is out of range, needs costs that are not known, or is met by no
            threshold; then the message names the nearest that is.
    """
    check_target(target, asymmetry)
    sweep = Sweep.of(scores, pair, strong_alone_usd=strong_alone_usd)
    certificate = None
    if target.kind == "max_quality_loss":
        certificate = _certified(scores, pair, target, basis)
        point = int(np.flatnonzero(sweep.thresholds == certificate.threshold)[0])
    else:
        search = _Search(sweep, pair.groups, asymmetry / (1 + asymmetry), resamples, seed)
        point = _PICKS[target.kind](search, target)
    found = operating_points(
        sweep, _with_neighbours(sweep, point), pair.groups, resamples=resamples, seed=seed
    )
    neighbours = tuple(p for p in found if p.threshold != sweep.thresholds[point])
    chosen = next(p for p in found if p.threshold == sweep.thresholds[point])
    return replace(chosen, neighbours=neighbours, certificate=certificate)


def operating_points(
    sweep: Sweep,
    at: Sequence[int] | Ints,
    groups: Ints,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[OperatingPoint, ...]:
    """What the sweep gives at these of its points."""
    few = sweep.at(at)
    index = np.searchsorted(-few.thresholds, -sweep.thresholds[np.asarray(at, dtype=np.int64)])
    found = intervals(
        lambda counts: _figures(few.under(counts), index), groups, resamples=resamples, seed=seed
    )
    width = len(_FIGURES)
    return tuple(
        _operating_point(float(few.thresholds[k]), found[i * width : (i + 1) * width])
        for i, k in enumerate(index)
    )


_FIGURES: tuple[Callable[[Points], Floats], ...] = (
    lambda points: points.shares,
    lambda points: points.quality,
    lambda points: points.quality[:, -1:] - points.quality,
    lambda points: points.regret,
    lambda points: points.pgr,
    lambda points: 1000 * _costs(points),
    lambda points: 1 - cost_ratio(points),
)


def _costs(points: Points) -> Floats:
    return np.full_like(points.shares, np.nan) if points.cost_usd is None else points.cost_usd


def _figures(points: Points, at: Ints) -> Floats:
    """Shape (b, len(at) · 7): all figures of the first point, then of the next."""
    table = np.stack([figure(points)[:, at] for figure in _FIGURES], axis=2)
    return table.reshape(table.shape[0], -1)


def _operating_point(threshold: float, found: Sequence[Interval]) -> OperatingPoint:
    share, quality, loss, regret, pgr, cost, saving = found
    return OperatingPoint(
        threshold=threshold,
        strong_share=share,
        quality=quality,
        quality_loss=loss,
        regret=regret,
        cost_usd_per_1k=None if np.isnan(cost.value) else cost,
        saving=None if np.isnan(saving.value) else saving,
        pgr=pgr,
    )


def _with_neighbours(sweep: Sweep, point: int) -> list[int]:
    shares = sweep.whole().shares[0]
    wanted = (shares[point] - NEIGHBOUR, shares[point] + NEIGHBOUR)
    near = [_nearest(shares, share) for share in wanted]
    return sorted({point, *near})


def _nearest(shares: Floats, share: float) -> int:
    """Number of the point nearest to the share; of two, the one with more strong calls."""
    distance = np.abs(shares - share)
    return int(np.flatnonzero(distance <= distance.min() + 1e-12)[-1])


# -- one pick a target ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Search:
    sweep: Sweep
    groups: Ints
    fractile: float
    """Confidence of the one-sided bound that must clear."""
    resamples: int
    seed: int

    def cheapest_clearing(self, figure: Callable[[Points], Floats], bar: float) -> int | None:
        """From "all strong" on, the last point whose bound clears; None where that one fails."""
        points = self.sweep.whole()
        at = np.unique(
            [_nearest(points.shares[0], x) for x in np.linspace(0.0, 1.0, CANDIDATES + 1)]
        )
        bounds = figure(points)[0, at]
        if self.fractile > 0.5:
            few = self.sweep.at(at)
            draws = bootstrap(
                lambda counts: figure(few.under(counts)),
                self.groups,
                resamples=self.resamples,
                seed=self.seed,
            )
            bounds = np.minimum(bounds, lower_quantile(draws, self.fractile))
        clears = np.r_[False, bounds >= bar - 1e-12][::-1]
        steps = int(np.argmin(clears))
        return int(at[at.size - steps]) if steps else None


def _at_share(search: _Search, target: Target) -> int:
    share = _number(target)
    shares = search.sweep.whole().shares[0]
    point = _nearest(shares, share)
    if abs(shares[point] - share) > FARTHEST:
        below, above = shares[shares < share].max(), shares[shares > share].min()
        raise InputError(
            f"no threshold sends {share:.0%} of the queries to the strong model: this router gives"
            f" many of them the same score, and lands at {below:.1%} or {above:.1%}",
            where="--target-strong",
            fix=f"The nearest that can be met is --target-strong {shares[point]:.3f}; a router with"
            " finer scores (--router tfidf) can come closer.",
        )
    return point


def _within_budget(search: _Search, target: Target) -> int:
    budget = _number(target)
    points = search.sweep.whole()
    if points.cost_usd is None:
        raise InputError(
            "the cost of some queries is not known, so that no threshold can keep to a budget",
            where="--max-usd-per-1k",
            fix="Give both candidates a price in llmroute.yaml, or outcomes with tokens or costs.",
        )
    cost = 1000 * points.cost_usd[0]
    within = np.flatnonzero(cost <= budget * (1 + 1e-9))
    if not within.size:
        raise InputError(
            f"no threshold keeps 1,000 requests at or below ${budget:g}: even with all of them"
            f" sent to the weak model they cost ${cost[0]:.4g}",
            where="--max-usd-per-1k",
            fix=f"The nearest that can be met is --max-usd-per-1k {_rounded_up(cost.min())}.",
        )
    best = points.quality[0, within]  # on doubt, strong: the last of equals
    return int(within[np.flatnonzero(best >= best.max() - 1e-12)[-1]])


def _rounded_up(value: float) -> str:
    return f"{value * 1.0005:.4g}"


def _clearing_pgr(search: _Search, target: Target) -> int:
    point = search.cheapest_clearing(lambda points: points.pgr, _number(target))
    if point is None:
        raise InputError(
            "always asking the strong model recovers the whole gap only (PGR 1)",
            where="--min-pgr",
            fix="The nearest that can be met is --min-pgr 1.",
        )
    return point


def _at_knee(search: _Search, target: Target) -> int:
    if target.value is None:
        return knee_point(search.sweep.whole())
    point = search.cheapest_clearing(lambda points: points.quality, target.value)
    if point is None:
        quality = float(search.sweep.whole().quality[0, -1])
        raise InputError(
            f"not even the strong model surely reaches a quality of {target.value:g}: its mean is"
            f" {quality:.3f}, and its lower bound is below that",
            where="--knee",
            fix="Ask for less quality, or calibrate against a stronger model.",
        )
    return point


_PICKS: dict[TargetKind, Callable[[_Search, Target], int]] = {
    "target_strong": _at_share,
    "max_usd_per_1k": _within_budget,
    "min_pgr": _clearing_pgr,
    "knee": _at_knee,
}


def _certified(scores: Floats, pair: Pair, target: Target, basis: Basis) -> Certificate:
    loss = _number(target)
    confidence, horizon = target.confidence, target.horizon
    certificate = certify_threshold(
        scores, pair, loss, confidence=confidence, basis=basis, horizon=horizon
    )
    if certificate.saves:
        return certificate
    least = least_certifiable_loss(scores, pair, confidence=confidence, horizon=horizon)
    raise InputError(
        f"with {len(pair)} queries no threshold but 'everything to the strong model' is sure to"
        f" lose at most {loss:g} of quality at {target.confidence:.0%} confidence",
        where="--max-quality-loss",
        fix=f"The nearest that can be met is --max-quality-loss {least:.4f}; more queries, a lower"
        " --confidence or a better router allow less.",
    )


_RANGES: dict[TargetKind, tuple[float, float, str]] = {
    "target_strong": (0.0, 1.0, "a share of the queries in [0, 1]"),
    "max_quality_loss": (0.0, 1.0, "a loss of mean quality in (0, 1), 0.02 for two points"),
    "max_usd_per_1k": (0.0, float("inf"), "dollars for 1,000 requests, at least 0"),
    "min_pgr": (0.0, 1.0, "a share of the quality gap in [0, 1]"),
    "knee": (0.0, 1.0, "a quality in [0, 1]"),
}


def check_target(target: Target, asymmetry: float = ASYMMETRY) -> None:
    """Nothing, where the target can be asked for at all.

    Raises:
        InputError: a value is out of its range.
    """
    if not asymmetry >= 1:
        raise InputError(
            f"the asymmetry is {asymmetry:g}, and must be at least 1",
            fix="1 weighs a missed target and a wasted dollar alike; larger is more careful.",
        )
    low, high, meaning = _RANGES[target.kind]
    option = f"--{target.kind.replace('_', '-')}"
    open_range = target.kind == "max_quality_loss"
    if target.kind == "knee" and target.value is None:
        return
    value = _number(target)
    if not low <= value <= high or (open_range and value in (low, high)):
        raise InputError(f"{value:g} is not {meaning}", where=option, fix="Correct the value.")
    if not 0 < target.confidence < 1:
        raise InputError(
            f"a confidence of {target.confidence:g} is not between 0 and 1",
            where="--confidence",
            fix="Write 0.95 for 95 %.",
        )


def _number(target: Target) -> float:
    if target.value is None:
        raise InputError(
            "the target has no value", where=f"--{target.kind.replace('_', '-')}", fix="Add one."
        )
    return target.value

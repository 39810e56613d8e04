"""Predicted qualities of several models → each query's model, by argmax of quality − λ·cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, bootstrap, estimate, interval, intervals
from llmroute.calibration.curve import concave_majorants, upper_hull
from llmroute.calibration.pair import Floats, Ints, Query
from llmroute.calibration.summary import areas_between
from llmroute.errors import InputError
from llmroute.records import Interval

STEPS = 256
"""Values of λ on the curve, λ = 0 and "always the cheapest" among them."""

SeveralTarget = Literal["max_usd_per_1k", "max_quality_loss", "knee"]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The scored queries of several models: column j is `names[j]`."""

    names: tuple[str, ...]
    ids: tuple[str, ...]
    queries: tuple[Query, ...]
    scores: Floats
    """Shape (n, m), in [0, 1]."""
    costs_usd: Floats
    """Shape (n, m), all known."""
    groups: Ints
    """Shape (n,)."""

    def __post_init__(self) -> None:
        """Refuse what has holes: an argmax over unknown costs would prefer them or never see them.

        Raises:
            InputError: a score or a cost is missing, or shapes differ.
        """
        shape = (self.groups.size, len(self.names))
        if self.scores.shape != shape or self.costs_usd.shape != shape:
            raise InputError(
                f"scores {self.scores.shape} and costs {self.costs_usd.shape} of {shape[0]} queries"
                f" and {shape[1]} candidates",
                fix="Give one score and one cost for each query and candidate.",
            )
        for kind, values in (("score", self.scores), ("cost", self.costs_usd)):
            missing = np.isnan(values).sum(axis=0)
            if missing.any():
                name = self.names[int(np.argmax(missing))]
                raise InputError(
                    f"{int(missing.max())} queries have no {kind} of {name!r}",
                    fix=f"Leave {name!r} out of --candidates, or complete its outcomes and price.",
                )


@dataclass(frozen=True, slots=True, eq=False)
class LambdaCurve:
    """What argmax(quality − λ·cost) gives at each λ, from 0 to "always the cheapest"."""

    lambdas: Floats
    """Shape (k,), quality a dollar, rising."""
    chosen: Ints
    """Shape (n, k): column of the model chosen."""
    quality: Floats
    cost_usd: Floats
    """Mean of a request, as it was paid, not as it was expected."""


@dataclass(frozen=True, slots=True)
class SeveralPoint:
    """One λ and what it gives."""

    lambda_: float
    quality: Interval
    quality_loss: Interval
    """Mean quality below the best single model's."""
    cost_usd_per_1k: Interval
    saving: Interval
    """1 − cost / the best single model's cost."""
    shares: dict[str, float]
    """Candidate → share of the queries it gets."""


@dataclass(frozen=True, slots=True)
class SeveralSummary:
    """The router of several models beside the single models."""

    best_single: str
    single_hull: tuple[str, ...]
    """Models no mix of others beats, from cheap to dear: RouterBench's Zero router."""
    aiq: Interval
    aiq_single_hull: Interval
    lift: Interval
    """Mean height of the router's own curve, no hull, over the single models' hull."""
    oracle_aiq: float


def lambda_curve(
    candidates: Candidates, predicted: Floats, expected_usd: Floats | None = None
) -> LambdaCurve:
    """The curve over λ.

    Args:
        candidates: scores and costs as they came out.
        predicted: out-of-fold qualities, shape (n, m).
        expected_usd: cost of a request as known before it is sent, shape (m,) or (n, m); None: each
            model's mean. The cost of the very answer is not known when the choice is made.

    Source: RouterBench (2403.12031) §4 and CARROT (2502.03261): the plug-in rule.
    """
    usd = candidates.costs_usd.mean(axis=0) if expected_usd is None else expected_usd
    usd = np.broadcast_to(usd, candidates.scores.shape)
    lambdas = _lambdas(predicted, usd)
    chosen = np.stack([choose(predicted, usd, value) for value in lambdas], axis=1)
    rows = np.arange(chosen.shape[0])[:, None]
    return LambdaCurve(
        lambdas,
        chosen,
        candidates.scores[rows, chosen].mean(axis=0),
        candidates.costs_usd[rows, chosen].mean(axis=0),
    )


def choose(predicted: Floats, expected_usd: Floats, lambda_: float) -> Ints:
    """The column of the model chosen for each query, shape (n,); of equals the cheaper one.

    >>> choose(np.array([[0.5, 0.9]]), np.array([[0.001, 0.002]]), 500.0).tolist()
    [0]
    """
    worth = predicted - lambda_ * expected_usd
    best = worth >= worth.max(axis=1, keepdims=True) - 1e-12
    chosen: Ints = np.where(best, expected_usd, np.inf).argmin(axis=1)
    return chosen


def _lambdas(predicted: Floats, usd: Floats) -> Floats:
    """0, the quantiles of all λ at which some query changes its model, and a λ beyond them."""
    m = predicted.shape[1]
    turns = []
    for j in range(m):
        for k in range(j):
            cheaper = usd[:, j] - usd[:, k]
            with np.errstate(divide="ignore", invalid="ignore"):
                turns.append((predicted[:, j] - predicted[:, k]) / cheaper)
    found = np.concatenate(turns)
    found = found[np.isfinite(found) & (found > 0)]
    if not found.size:
        return np.array([0.0])
    inner = np.quantile(found, np.linspace(0.0, 1.0, STEPS - 1))
    return np.unique(np.r_[0.0, inner, inner[-1] * 1.01])


def summarise_several(
    candidates: Candidates,
    curve: LambdaCurve,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> SeveralSummary:
    """AIQ of the router beside the hull of the single models, over the single models' cost range.

    `aiq` is under the hull of the router's points and the single models (RouterBench, 2403.12031,
    §3), and never below the single models' hull. `lift` is under the router's own points, straight
    between them and without a hull: a router that knows nothing has no lift.
    """
    routed = _Table.routed(candidates, curve)
    singles = _Table(candidates.scores, candidates.costs_usd)

    def figures(counts: Floats) -> Floats:
        weights = counts / counts.sum(axis=1, keepdims=True)
        return _areas(*routed.means(weights), *singles.means(weights))

    values = estimate(figures, candidates.groups.size)
    draws = bootstrap(figures, candidates.groups, resamples=resamples, seed=seed)
    aiq, hull, lift = (interval(float(values[i]), draws[:, i], confidence) for i in range(3))
    quality, cost = candidates.scores.mean(axis=0), candidates.costs_usd.mean(axis=0)
    on_hull = upper_hull(cost, quality)
    return SeveralSummary(
        best_single=candidates.names[_best_single(quality, cost)],
        single_hull=tuple(candidates.names[j] for j in on_hull),
        aiq=aiq,
        aiq_single_hull=hull,
        lift=lift,
        oracle_aiq=_oracle_aiq(candidates),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    quality: Floats
    """Shape (n, k)."""
    cost_usd: Floats

    @classmethod
    def routed(cls, candidates: Candidates, curve: LambdaCurve) -> _Table:
        rows = np.arange(curve.chosen.shape[0])[:, None]
        return cls(candidates.scores[rows, curve.chosen], candidates.costs_usd[rows, curve.chosen])

    def means(self, weights: Floats) -> tuple[Floats, Floats]:
        return weights @ self.quality, weights @ self.cost_usd


def _areas(quality: Floats, cost: Floats, single_quality: Floats, single_cost: Floats) -> Floats:
    """(AIQ, the single models' AIQ, the raw curve's lift) of each row, shape (b, 3)."""
    low, high = single_cost.min(axis=1), single_cost.max(axis=1)
    zero = _hull_areas(single_quality, single_cost, low, high)
    together = np.hstack([quality, single_quality]), np.hstack([cost, single_cost])
    x, y = _rising(cost, quality)
    raw = areas_between(x, y, low, high)
    return np.stack([_hull_areas(*together, low, high), zero, raw - zero], axis=1)


def _hull_areas(quality: Floats, cost: Floats, low: Floats, high: Floats) -> Floats:
    x, y = _rising(cost, quality)
    return areas_between(x, concave_majorants(x, y), low, high)


def _rising(cost: Floats, quality: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(cost, axis=1, kind="stable")
    return np.take_along_axis(cost, order, 1), np.take_along_axis(quality, order, 1)


def _oracle_aiq(candidates: Candidates) -> float:
    """The AIQ of perfect foresight: true scores and the costs as they were paid."""
    curve = lambda_curve(candidates, candidates.scores, candidates.costs_usd)
    quality, cost = candidates.scores.mean(axis=0), candidates.costs_usd.mean(axis=0)
    areas = _areas(curve.quality[None], curve.cost_usd[None], quality[None], cost[None])
    return float(areas[0, 0])


def _best_single(quality: Floats, cost: Floats) -> int:
    """Column of the best mean quality; of equals, the cheaper."""
    return min(range(quality.size), key=lambda j: (-quality[j], cost[j]))


def pick_lambda(
    candidates: Candidates,
    curve: LambdaCurve,
    kind: SeveralTarget,
    value: float | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SeveralPoint:
    """The λ that meets the target, and what it gives.

    `max_usd_per_1k`: the best quality within the budget. `max_quality_loss`: λ is raised from 0 as
    long as the mean quality is surely at most so much below the best single model's (the paired
    bootstrap's one-sided bound at `confidence`). `knee`: farthest above the chord.

    Raises:
        InputError: the target is met by no λ; the message names the nearest that is.
    """
    if kind == "knee":
        at = _knee(curve)
    elif value is None:
        raise InputError("the target has no value", where=_option(kind), fix="Add it.")
    elif kind == "max_usd_per_1k":
        at = _within(curve, value)
    else:
        losses = _loss_bounds(candidates, curve, confidence, resamples, seed)
        at = _losing_at_most(losses, value)
    rows = np.arange(candidates.groups.size)
    best = _best_single(candidates.scores.mean(axis=0), candidates.costs_usd.mean(axis=0))
    columns = np.stack(
        [
            candidates.scores[rows, curve.chosen[:, at]],
            candidates.costs_usd[rows, curve.chosen[:, at]],
            candidates.scores[:, best],
            candidates.costs_usd[:, best],
        ],
        axis=1,
    )

    def figures(counts: Floats) -> Floats:
        quality, cost, top, top_cost = (counts @ columns / counts.sum(axis=1, keepdims=True)).T
        with np.errstate(divide="ignore", invalid="ignore"):
            saving = np.where(top_cost > 0, 1 - cost / top_cost, 0.0)
        return np.stack([quality, top - quality, 1000 * cost, saving], axis=1)

    quality, loss, usd, saving = intervals(
        figures, candidates.groups, resamples=resamples, seed=seed
    )
    counts = np.bincount(curve.chosen[:, at], minlength=len(candidates.names)) / rows.size
    shares = {name: float(x) for name, x in zip(candidates.names, counts, strict=True)}
    return SeveralPoint(float(curve.lambdas[at]), quality, loss, usd, saving, shares)


def _option(kind: SeveralTarget) -> str:
    return f"--{kind.replace('_', '-')}"


def _loss_bounds(
    candidates: Candidates, curve: LambdaCurve, confidence: float, resamples: int, seed: int
) -> Floats:
    """Upper bounds of the mean quality below the best single model's, one a λ."""
    best = _best_single(candidates.scores.mean(axis=0), candidates.costs_usd.mean(axis=0))
    routed = _Table.routed(candidates, curve).quality
    losses = candidates.scores[:, [best]] - routed

    def figures(counts: Floats) -> Floats:
        means: Floats = counts @ losses / counts.sum(axis=1, keepdims=True)
        return means

    draws = bootstrap(figures, candidates.groups, resamples=resamples, seed=seed)
    bounds: Floats = np.quantile(draws, confidence, axis=0)
    return bounds


def _losing_at_most(bounds: Floats, loss: float) -> int:
    kept = int(np.argmin(np.r_[bounds <= loss + 1e-12, False]))
    if kept:
        return kept - 1
    raise InputError(
        f"no λ surely keeps the mean quality within {loss:g} of the best single model's",
        where="--max-quality-loss",
        fix=f"The nearest that can be met is --max-quality-loss {bounds[0] + 5e-5:.4f}.",
    )


def _within(curve: LambdaCurve, budget: float) -> int:
    cost = 1000 * curve.cost_usd
    within = np.flatnonzero(cost <= budget * (1 + 1e-9))
    if not within.size:
        raise InputError(
            f"no λ keeps 1,000 requests at or below ${budget:g}: the cheapest costs"
            f" ${cost.min():.4g}",
            where="--max-usd-per-1k",
            fix=f"The nearest that can be met is --max-usd-per-1k {cost.min() * 1.0005:.4g}.",
        )
    return int(within[np.argmax(curve.quality[within])])


def _knee(curve: LambdaCurve) -> int:
    cheap, dear = int(np.argmin(curve.cost_usd)), int(np.argmax(curve.cost_usd))
    span = float(curve.cost_usd[dear] - curve.cost_usd[cheap])
    if span <= 0:
        return 0
    x = (curve.cost_usd - curve.cost_usd[cheap]) / span
    chord = curve.quality[cheap] + x * (curve.quality[dear] - curve.quality[cheap])
    return int(np.argmax(curve.quality - chord))

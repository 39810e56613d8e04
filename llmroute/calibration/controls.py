"""Pair → the routers a query router must be set beside: what needs no learning, and no truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, bootstrap, interval
from llmroute.calibration.curve import Sweep
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.summary import RESAMPLED_POINTS
from llmroute.records import Interval

LEAST_TASK_ROWS = 20
"""Smaller tasks are taken together: their means would tell single queries apart."""
SHRINKAGE = 10.0
"""Queries of average gap that each task's mean is mixed with."""

Refit = Callable[[Pair], Floats]
"""A pair → its out-of-fold scores, everything learned anew."""


def control_scores(pair: Pair) -> dict[str, Floats]:
    """Scores of the controls that need no fit: random, length, task_map, oracle; shape (n,) each.

    Random is one score for all: its curve is the expectation of random routing, exactly.
    """
    return {
        "random": np.zeros(len(pair)),
        "length": np.array([len(query.text) for query in pair.queries], dtype=np.float64),
        "task_map": task_map_scores(pair),
        "oracle": pair.gaps,
    }


def task_map_scores(pair: Pair) -> Floats:
    """Each query's score is its task's mean gap: the static map, at every threshold.

    Taken over the very rows it is judged on, which favours it a little. Out-of-fold means would do
    worse than they should (the fold with the larger gap leaves the smaller mean), and a control
    that is too weak lets poor routers pass.
    """
    names = [query.task or "" for query in pair.queries]
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    mean = float(pair.gaps.mean())
    scores = np.full(len(pair), mean)
    for members in rows.values():
        if len(members) >= LEAST_TASK_ROWS:
            total = float(pair.gaps[members].sum()) + SHRINKAGE * mean
            scores[members] = total / (len(members) + SHRINKAGE)
    return scores


def shuffle_outcomes(pair: Pair, seed: int) -> Pair:
    """The same queries with the outcomes of others: nothing can be learned from them.

    Scores, costs and answers of a row move together; means stay what they are.
    """
    moved = np.random.default_rng(seed).permutation(len(pair))
    answers = tuple(pair.weak_answers[i] for i in moved) if pair.weak_answers else ()
    return replace(
        pair,
        weak_scores=pair.weak_scores[moved],
        strong_scores=pair.strong_scores[moved],
        weak_costs_usd=pair.weak_costs_usd[moved],
        strong_costs_usd=pair.strong_costs_usd[moved],
        weak_answers=answers,
    )


def compare_apgr(
    routers: Mapping[str, Floats],
    pair: Pair,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """APGR of each router with its two-sided interval, all under the same resamples."""
    draws = apgr_draws(routers, pair, resamples=resamples, seed=seed)
    return {name: interval(value, drawn, confidence) for name, (value, drawn) in draws.items()}


def apgr_draws(
    routers: Mapping[str, Floats], pair: Pair, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, tuple[float, Floats]]:
    """Each router's APGR, and its values under resamples, shape (resamples,).

    The resamples are the same for all, so that differences of draws are paired.
    """
    sweeps = [Sweep.of(scores, pair) for scores in routers.values()]
    coarse = [sweep.coarse(RESAMPLED_POINTS) for sweep in sweeps]
    ones = np.ones((1, len(pair)))

    def figures(counts: Floats) -> Floats:
        return np.stack([sweep.apgr_under(counts) for sweep in coarse], axis=1)

    draws = bootstrap(figures, pair.groups, resamples=resamples, seed=seed)
    return {
        name: (float(sweep.apgr_under(ones)[0]), draws[:, k])
        for k, (name, sweep) in enumerate(zip(routers, sweeps, strict=True))
    }


def shuffled_scores(refit: Refit, pair: Pair, seed: int = 0) -> tuple[Floats, Pair]:
    """What the router makes of shuffled outcomes, and the pair to judge it on: the shuffled one.

    An APGR above ½ there would come from the procedure, not from the prompts.
    """
    shuffled = shuffle_outcomes(pair, seed)
    return refit(shuffled), shuffled


# -- to ship or not to ship -----------------------------------------------------------------------

SHIP_CONFIDENCE = 0.975
"""One-sided: what a two-sided 95 % interval above zero says."""
NOTHING = 1e-9
"""Gains up to it are rounding."""


@dataclass(frozen=True, slots=True)
class Shipping:
    """Whether a router has earned its place, and why."""

    shipped: bool
    reason: str
    """One sentence for whoever decides."""
    over_random: Interval
    """APGR gained over random routing at the same share of strong calls; `low` is the bound."""
    over_task_map: Interval
    confidence: float
    """Of each bound, one-sided."""


def is_worth_shipping(
    scores: Floats,
    pair: Pair,
    *,
    confidence: float = SHIP_CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Shipping:
    """Whether the router surely beats both random routing and the task map, in APGR.

    Both lower bounds of the paired differences must be above zero; as both must, no correction
    is owed between them (Berger's intersection-union test, Technometrics 24, 1982).

    Args:
        scores: out-of-fold, shape (n,).
        pair: the scored queries.
        confidence: of each one-sided bound.
        resamples: of the paired bootstrap over groups.
        seed: of the bootstrap.
    """
    rivals = control_scores(pair)
    routers = {"router": scores, "random": rivals["random"], "task_map": rivals["task_map"]}
    drawn = apgr_draws(routers, pair, resamples=resamples, seed=seed)
    random, task_map = (
        difference(drawn["router"], drawn[name], 2 * confidence - 1)
        for name in ("random", "task_map")
    )
    beaten = min(random.low, task_map.low) > NOTHING
    reason = _why(beaten, random, task_map, len({query.task for query in pair.queries}))
    return Shipping(beaten, reason, random, task_map, confidence)


def difference(
    one: tuple[float, Floats], other: tuple[float, Floats], confidence: float
) -> Interval:
    """One figure less another under the same resamples.

    A resample in which the strong model is not the better one counts against the router.
    """
    draws = np.nan_to_num(one[1] - other[1], nan=-1.0)
    return interval(one[0] - other[0], draws, confidence)


def _why(beaten: bool, random: Interval, task_map: Interval, n_tasks: int) -> str:
    if beaten:
        rivals = "random routing" if n_tasks == 1 else "random routing and the static task map"
        least = min(random, task_map, key=lambda gain: gain.low)
        return (
            f"On prompts it had not seen, the router beats {rivals} at the same number of strong"
            f" calls; of the quality gap it recovers {gain_points(least)} more, averaged over all"
            " thresholds."
        )
    if random.low <= NOTHING:
        return (
            "The router does not surely beat sending the same number of queries to the strong model"
            f" at random (it recovers {gain_points(random)} more of the quality gap): it is not"
            " worth running, and the static map stays."
        )
    return (
        "The router does not surely beat the static task map, which needs no model at all (it"
        f" recovers {gain_points(task_map)} more of the quality gap): the static map stays."
    )


def gain_points(gain: Interval) -> str:
    """A gain in points of the quality gap, with its bounds.

    >>> gain_points(Interval(0.123, 0.08, 0.16))
    '+12.3 points (+8.0 to +16.0)'
    """
    return f"{100 * gain.value:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"

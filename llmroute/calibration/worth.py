"""Policies → whether looking at answers has earned its place, at equal shares and equal dollars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, bootstrap
from llmroute.calibration.controls import (
    NOTHING,
    SHIP_CONFIDENCE,
    Shipping,
    apgr_draws,
    difference,
    gain_points,
    task_map_scores,
)
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.policy import Policy
from llmroute.calibration.summary import RESAMPLED_POINTS, dollar_apgr
from llmroute.records import Interval

Rival = Literal["random", "task_map", "router"]
Draws = Mapping[str, tuple[float, Floats]]

_RIVALS: dict[Rival, str] = {
    "random": "random routing",
    "task_map": "the static task map",
    "router": "the query router",
}
MOST_RATIO = 1000.0
"""The largest price ratio at which a break-even is looked for."""


@dataclass(frozen=True, slots=True)
class CascadeShipping(Shipping):
    """Whether a cascade has earned its place; every gain is in units of the quality gap."""

    over_usd: Mapping[str, Interval] = field(default_factory=dict)
    """Gained at equal dollars, over random, task_map and router; empty where a cost is unknown."""


def dollar_draws(
    policies: Mapping[str, Policy], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, tuple[float, Floats]]:
    """Each policy's `dollar_apgr`, and its values under resamples, the same for all."""
    sweeps = [policy.sweep() for policy in policies.values()]
    coarse = [sweep.coarse(RESAMPLED_POINTS) for sweep in sweeps]
    groups = next(iter(policies.values())).pair.groups

    def figures(counts: Floats) -> Floats:
        return np.stack([dollar_apgr(sweep.under(counts)) for sweep in coarse], axis=1)

    draws = bootstrap(figures, groups, resamples=resamples, seed=seed)
    return {
        name: (float(dollar_apgr(sweep.whole())[0]), draws[:, k])
        for k, (name, sweep) in enumerate(zip(policies, sweeps, strict=True))
    }


def is_cascade_worth_shipping(
    policy: Policy,
    router: Floats,
    pair: Pair,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> CascadeShipping:
    """Whether a cascade surely beats random and the task map, and in dollars the query router too.

    At equal shares of strong calls, against random routing and the task map; at equal dollars,
    where the cascade pays for two calls, against both and the query router. All lower bounds must
    be above zero; as all must, no correction is owed between them (Berger's intersection-union
    test, Technometrics 24, 1982).

    Args:
        policy: the cascade, its scores out-of-fold.
        router: out-of-fold scores of the query router that would be used instead, shape (n,).
        pair: the scored queries, at the price of one call.
        resamples: of the paired bootstrap over groups.
        seed: of the bootstrap.
    """
    rivals = {"random": np.zeros(len(pair)), "task_map": task_map_scores(pair)}
    areas = apgr_draws({"own": policy.scores, **rivals}, pair, resamples=resamples, seed=seed)
    shares = {name: _gain(areas, name) for name in rivals}
    dollars: dict[str, Interval] = {}
    if policy.sweep().known_costs:
        routes = {name: Policy.route(s, pair) for name, s in {**rivals, "router": router}.items()}
        spent = dollar_draws({"own": policy, **routes}, resamples=resamples, seed=seed)
        dollars = {name: _gain(spent, name) for name in routes}
    n_tasks = len({query.task for query in pair.queries})
    beaten = bool(dollars) and min(g.low for g in (*shares.values(), *dollars.values())) > NOTHING
    return CascadeShipping(
        beaten,
        _why_shipped(shares, dollars, n_tasks) if beaten else _why_not(shares, dollars),
        shares["random"],
        shares["task_map"],
        SHIP_CONFIDENCE,
        dollars,
    )


def _gain(draws: Draws, rival: str) -> Interval:
    return difference(draws["own"], draws[rival], 2 * SHIP_CONFIDENCE - 1)


def _why_shipped(
    shares: Mapping[str, Interval], dollars: Mapping[str, Interval], n_tasks: int
) -> str:
    least_share = min(shares.values(), key=lambda gain: gain.low)
    least_usd = min(dollars.values(), key=lambda gain: gain.low)
    rivals = "random routing" if n_tasks == 1 else "random routing and the static task map"
    return (
        f"On prompts it had not seen, looking at the answers beats {rivals} at the same number of"
        f" strong calls: of the quality gap it recovers {gain_points(least_share)} more, averaged"
        " over all thresholds. At the same dollars, both calls counted, it beats the query router"
        f" as well, by {gain_points(least_usd)} or more, averaged over all budgets."
    )


def _why_not(shares: Mapping[str, Interval], dollars: Mapping[str, Interval]) -> str:
    ending = ": the static map stays."
    for name, rival in _RIVALS.items():
        if name in shares and shares[name].low <= NOTHING:
            return (
                f"Looking at the answers does not surely beat {rival} at the same number of strong"
                f" calls (it recovers {gain_points(shares[name])} more of the quality gap){ending}"
            )
    if not dollars:
        return (
            "What the calls cost is not known, and a cascade pays for two where a router pays for"
            " one: without prices nobody can say whether it is worth running, and the static map"
            " stays."
        )
    worst = min(dollars, key=lambda name: dollars[name].low)
    return (
        f"At the same dollars the cascade does not surely beat {_RIVALS[worst]}, which pays for"  # type: ignore[index]
        " one call where the cascade pays for two (it recovers"
        f" {gain_points(dollars[worst])} more of the quality gap){ending}"
    )


def break_even_ratio(pair: Pair, strong_win_rates: Floats, escalation_scores: Floats) -> float:
    """The price ratio, strong to weak, from which the cascade beats the router at equal dollars.

    At one price for all queries. Below it the weak calls cost more than looking at the answers is
    worth. 1 where the cascade is always ahead, infinite where it never is up to 1,000.
    """
    ones = np.ones(len(pair))

    def is_ahead(ratio: float) -> bool:
        part = replace(pair, weak_costs_usd=ones, strong_costs_usd=ratio * ones)
        policies = (Policy.cascade(escalation_scores, part), Policy.route(strong_win_rates, part))
        ours, theirs = (float(dollar_apgr(one.sweep().whole())[0]) for one in policies)
        return ours > theirs

    low, high = 1.01, MOST_RATIO
    if not is_ahead(high):
        return float("inf")
    if is_ahead(low):
        return 1.0
    while high / low > 1.001:
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if is_ahead(middle) else (middle, high)
    return high

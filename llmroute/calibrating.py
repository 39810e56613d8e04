"""Outcomes × wish → Calibration: a query router fitted, set to a threshold, proved or refused.

Cascades: `calibrating_cascade.py`; what is left on disk: `shipping.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.controls import (
    Shipping,
    compare_apgr,
    control_scores,
    is_worth_shipping,
    shuffled_scores,
)
from llmroute.calibration.outcomes import read_pair
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.policy import Direct, Policy, PolicyName
from llmroute.calibration.routellm_compat import CompatFigures, routellm_figures
from llmroute.calibration.split import grouped_folds, out_of_fold
from llmroute.calibration.summary import RouterSummary, summarise_router
from llmroute.calibration.threshold import (
    ASYMMETRY,
    OperatingPoint,
    Target,
    check_target,
    pick_threshold,
)
from llmroute.deciding import Result
from llmroute.errors import InputError, UnknownName
from llmroute.records import Comparison, Interval, RoutingMap
from llmroute.routers import ROUTERS, Router, build_router
from llmroute.routers.auto import WITH_EMBEDDING, WITHOUT_EMBEDDING, Auto
from llmroute.routers.remember import remembering_texts

if TYPE_CHECKING:
    from llmroute.cascades import Escalator

DEFAULT_TARGET = Target("target_strong", 0.3)
EMBEDDING_ROUTERS = ("embedding", "knn", "mf", "sw_ranking")
"""Those that read prompts with `--embeddings`."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks of a calibration."""

    target: Target = DEFAULT_TARGET
    weak: str | None = None
    """None: the map's cheapest route."""
    strong: str | None = None
    """None: the map's reference."""
    task: str | None = None
    """None: all tasks together."""
    policy: PolicyName = "router"
    """Whether the prompt decides, the weak model's answer, or both."""
    router: str = "auto"
    embedding: str | None = None
    """As `llmroute.embeddings` names them."""
    asymmetry: float = ASYMMETRY
    """How many times worse a missed target is than a strong call that was not needed."""
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What the router is worth on prompts it had not seen, beside what needs no learning."""

    summary: RouterSummary
    shipping: Shipping
    routers: Mapping[str, Interval]
    """Router → APGR; `auto` is the whole procedure, its choice made anew in each fold."""
    controls: Mapping[str, Interval]
    """random, length, task_map, oracle, shuffled → APGR."""
    compat: CompatFigures | None
    """By RouteLLM's arithmetic; None where its quantiles tie."""
    dollars: Mapping[str, Interval] = field(default_factory=dict)
    """Of a cascade: policy, router or control → mean PGR over budgets; empty: a cost is unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class AnswerSide:
    """What a calibration knows where answers are looked at."""

    escalator: Escalator
    """On all rows."""
    rates: Floats
    """Of the query router, out-of-fold, shape (n,)."""
    direct: Direct | None
    """What goes straight to the strong model; None: the plain cascade."""
    price_ratio: float | None
    """Mean cost of a strong call to that of a weak one; None: not known."""
    break_even_ratio: float
    """From which on the plain cascade beats the query router at equal dollars."""
    router_ships: bool
    """Whether the query router alone has earned its place."""
    n_without_answer: int
    """Scored prompts left out because no answer is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A calibrated pair: the router, its threshold, and whether it has earned its place."""

    wish: Wish
    pair: Pair
    router: str
    """The plugin that `auto` chose, or the one that was named."""
    fitted: Router
    """On all rows."""
    policy: Policy
    """Its out-of-fold scores are what the threshold stands on."""
    point: OperatingPoint | None
    """None: no threshold meets the target, and no router is shipped either."""
    unmet: str | None
    """Why there is no point."""
    proof: Proof
    routing_map: RoutingMap
    """The static map, without a query router."""
    answers: AnswerSide | None = None
    """Of a cascade; the router is what it is set beside, and what a combined policy asks first."""

    @property
    def scores(self) -> Floats:
        """Of the policy, shape (n,)."""
        return self.policy.scores

    @property
    def shipped(self) -> bool:
        """Whether the router goes into the map."""
        return self.proof.shipping.shipped


def calibrate_result(result: Result, wish: Wish) -> Calibration:
    """The calibration of a decided run.

    Raises:
        UnknownName: a candidate, task or router nobody knows.
        InputError: the outcomes can't carry a router, or no threshold meets the target.
    """
    pair, wish = read_wished_pair(result, wish)
    with remembering_texts():
        return _calibrate(pair, wish, result.routing_map)


def read_wished_pair(result: Result, wish: Wish) -> tuple[Pair, Wish]:
    """The pair that is wished for, and the wish with its names.

    Raises:
        UnknownName: a candidate, task or router nobody knows.
        InputError: the target is out of range, or the outcomes can't carry a router.
    """
    check_target(wish.target, wish.asymmetry)
    ROUTERS.load(wish.router)
    weak, strong = choose_pair(result.comparison, result.routing_map, wish)
    pair = read_pair(result.outcomes, weak, strong, prices=result.prices, task=wish.task)
    return pair, replace(wish, weak=weak, strong=strong)


def choose_pair(comparison: Comparison, routing_map: RoutingMap, wish: Wish) -> tuple[str, str]:
    """(weak, strong): as named, else the cheapest route and the reference.

    Where the reference is every task's route, or is the weak model, its cheapest rival stands in.

    Raises:
        InputError: there is nothing to tell who is cheaper by.
    """
    names = [task.task for task in routing_map.tasks]
    if wish.task is not None and wish.task not in names:
        raise UnknownName("task", wish.task, names, where="--task")
    if wish.weak and wish.strong:
        return wish.weak, wish.strong
    tasks = [task for task in routing_map.tasks if wish.task in (None, task.task)]
    strong = wish.strong or routing_map.reference
    if strong == wish.weak:
        strong = _best_quality(comparison, other_than=strong)
    if wish.weak:
        return wish.weak, strong
    routes = {task.route for task in tasks} - {strong}
    known = _mean_costs(comparison, wish.task)
    priced = {name: known[name] for name in routes if name in known}
    rivals = priced or {name: cost for name, cost in known.items() if name != strong}
    if not rivals:
        others = [name for name in comparison.candidates if name != strong]
        if len(others) == 1:
            return others[0], strong
        raise InputError(
            f"which candidate is the weak one beside {strong!r} is not known: none has a price",
            where="--weak",
            fix="Name the pair with --weak and --strong, or give prices with --prices.",
        )
    return min(rivals, key=lambda name: (rivals[name], name)), strong


def _mean_costs(comparison: Comparison, task: str | None) -> dict[str, float]:
    """Candidate → mean cost of 1,000 requests over the tasks that know it."""
    costs: dict[str, list[float]] = {}
    for one in comparison.tasks:
        for cell in one.cells:
            if task in (None, one.task) and cell.cost_usd_per_1k is not None and cell.n_scored:
                costs.setdefault(cell.candidate, []).append(cell.cost_usd_per_1k)
    return {name: float(np.mean(values)) for name, values in costs.items()}


def _best_quality(comparison: Comparison, *, other_than: str) -> str:
    qualities: dict[str, list[float]] = {}
    for task in comparison.tasks:
        for cell in task.cells:
            if cell.quality is not None and cell.candidate != other_than:
                qualities.setdefault(cell.candidate, []).append(cell.quality)
    if not qualities:
        raise InputError(
            f"{other_than!r} is the only candidate with scores",
            fix="A router chooses between two: bench another candidate on the same samples.",
        )
    return max(sorted(qualities), key=lambda name: float(np.mean(qualities[name])))


def _calibrate(pair: Pair, wish: Wish, routing_map: RoutingMap) -> Calibration:
    chosen = fit_router(pair, wish)
    scores = _all_scores(pair, wish)
    proof = _prove(pair, wish, scores)
    policy = Policy.route(scores[chosen.name], pair)
    point, unmet = operating_point(policy, wish, proof.shipping)
    return Calibration(wish, pair, chosen.name, chosen, policy, point, unmet, proof, routing_map)


def fit_router(pair: Pair, wish: Wish) -> Router:
    """The router on all rows; of `auto`, the one it chooses."""
    fitted = unfitted(wish.router, wish)().fit(pair, seed=wish.seed)
    return fitted.chosen_ if isinstance(fitted, Auto) else fitted


def unfitted(name: str, wish: Wish) -> Callable[[], Router]:
    """Makes unfitted routers of this name, with the embedder that was asked for."""
    reads = name == "auto" or name in EMBEDDING_ROUTERS
    params = {"embedding": wish.embedding} if wish.embedding and reads else {}
    return lambda: build_router(name, params)


def _all_scores(pair: Pair, wish: Wish) -> dict[str, Floats]:
    """Out-of-fold scores of the router, and of those that `auto` compares."""
    names: tuple[str, ...] = (wish.router,)
    if wish.router == "auto":
        names += WITHOUT_EMBEDDING + (WITH_EMBEDDING if wish.embedding else ())
    folds = grouped_folds(pair, seed=wish.seed)
    return {name: out_of_fold(unfitted(name, wish), pair, folds, wish.seed) for name in names}


def _prove(pair: Pair, wish: Wish, scores: Mapping[str, Floats]) -> Proof:
    """All figures of `wish.router`, judged as a procedure: its own choices are in them."""
    own, seed = scores[wish.router], wish.seed

    def refit(shuffled: Pair) -> Floats:
        folds = grouped_folds(shuffled, seed=seed)
        return out_of_fold(unfitted(wish.router, wish), shuffled, folds, seed)

    rivals = control_scores(pair)
    named = {f"router {name}": values for name, values in scores.items()}
    apgr = compare_apgr(named | rivals, pair, seed=seed)
    shuffled_own, shuffled_pair = shuffled_scores(refit, pair, seed)
    shuffled = compare_apgr({"shuffled": shuffled_own}, shuffled_pair, seed=seed)
    return Proof(
        summary=summarise_router(own, pair, seed=seed),
        shipping=is_worth_shipping(own, pair, seed=seed),
        routers={name: apgr[f"router {name}"] for name in scores},
        controls={name: apgr[name] for name in rivals} | shuffled,
        compat=routellm_figures(own, pair),
    )


def operating_point(
    policy: Policy, wish: Wish, shipping: Shipping
) -> tuple[OperatingPoint | None, str | None]:
    """The point that meets the target; what is not shipped anyway need not have one."""
    try:
        point = pick_threshold(
            policy.scores,
            policy.pair,
            wish.target,
            asymmetry=wish.asymmetry,
            strong_alone_usd=policy.strong_alone_usd,
            seed=wish.seed,
        )
    except InputError as error:
        if shipping.shipped:
            raise
        return None, error.what
    return point, None

"""Outcomes with answers × wish → Calibration of a cascade, or of router and cascade combined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from llmroute.calibrating import (
    AnswerSide,
    Calibration,
    Proof,
    Wish,
    fit_router,
    operating_point,
    read_wished_pair,
    unfitted,
)
from llmroute.calibration.bootstrap import interval
from llmroute.calibration.cascade import out_of_fold_escalation, shuffle_scores, with_answers
from llmroute.calibration.controls import compare_apgr, control_scores, is_worth_shipping
from llmroute.calibration.outcomes import check_pair
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.policy import Direct, Policy, choose_direct
from llmroute.calibration.routellm_compat import routellm_figures
from llmroute.calibration.split import grouped_folds, out_of_fold
from llmroute.calibration.summary import summarise_router
from llmroute.calibration.threshold import pick_threshold
from llmroute.calibration.worth import (
    break_even_ratio,
    dollar_draws,
    is_cascade_worth_shipping,
)
from llmroute.cascades import Escalator
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.deciding import Result
from llmroute.errors import InputError
from llmroute.records import Interval, Plugin, RoutingMap
from llmroute.routers.remember import remembering_texts


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """Everything that is out-of-fold."""

    rates: Mapping[str, Floats]
    """Query router → strong_win_rate: the one that was asked for, and the one it chose."""
    escalation: Floats
    shuffled: tuple[Floats, Pair]
    """A scorer of shuffled outcomes, and the pair to judge it on."""


def calibrate_cascade(result: Result, wish: Wish) -> Calibration:
    """The calibration of a decided run whose answers are kept.

    Raises:
        UnknownName: a candidate, task or router nobody knows.
        InputError: the outcomes can't carry a cascade, or no threshold meets the target.
    """
    whole, wish = read_wished_pair(result, wish)
    pair = with_answers(whole)
    check_pair(pair)
    if wish.policy == "combined":
        _check_costs(pair)
    with remembering_texts():
        return _calibrate(pair, wish, result.routing_map, len(whole) - len(pair))


def _check_costs(pair: Pair) -> None:
    if np.isnan(pair.weak_costs_usd).any() or np.isnan(pair.strong_costs_usd).any():
        raise InputError(
            "the cost of some queries is not known: which prompts should skip the weak model hangs"
            " on what its calls cost",
            where="--policy combined",
            fix="Give both candidates a price with --prices or in llmroute.yaml, or outcomes with"
            " tokens or costs; --policy cascade needs none to be measured.",
        )


def _calibrate(pair: Pair, wish: Wish, routing_map: RoutingMap, n_left_out: int) -> Calibration:
    factory = _scorers(routing_map.checks)
    router = fit_router(pair, wish)
    scored = _score(pair, wish, router.name, factory)
    direct = _choose_direct(pair, wish, scored.rates[router.name], scored.escalation)
    policy = Policy.cascade(scored.escalation, pair)
    if direct is not None:
        policy = Policy.combine(scored.rates[router.name], scored.escalation, direct.rows, pair)
    proof = _prove(pair, wish, policy, scored)
    point, unmet = operating_point(policy, wish, proof.shipping)
    answers = AnswerSide(
        escalator=factory().fit(pair, seed=wish.seed),
        rates=scored.rates[router.name],
        direct=direct,
        price_ratio=_price_ratio(pair),
        break_even_ratio=break_even_ratio(pair, scored.rates[wish.router], scored.escalation),
        router_ships=is_worth_shipping(scored.rates[wish.router], pair, seed=wish.seed).shipped,
        n_without_answer=n_left_out,
    )
    return Calibration(
        wish, pair, router.name, router, policy, point, unmet, proof, routing_map, answers
    )


def _scorers(task_checks: Mapping[str, tuple[Plugin, ...]]) -> Callable[[], Escalator]:
    """Makes unfitted scorers that see a task by the checks its suite names."""
    return lambda: AnswerScorer(task_checks=task_checks)


def _score(pair: Pair, wish: Wish, chosen: str, factory: Callable[[], Escalator]) -> _Scored:
    folds, seed = grouped_folds(pair, seed=wish.seed), wish.seed
    names = dict.fromkeys((wish.router, chosen))
    shuffled = shuffle_scores(pair, seed)
    others = grouped_folds(shuffled, seed=seed)
    return _Scored(
        rates={name: out_of_fold(unfitted(name, wish), pair, folds, seed) for name in names},
        escalation=out_of_fold_escalation(factory, pair, folds, seed),
        shuffled=(out_of_fold_escalation(factory, shuffled, others, seed), shuffled),
    )


def _choose_direct(pair: Pair, wish: Wish, rates: Floats, escalation: Floats) -> Direct | None:
    """Of a combined policy: what goes straight to strong, at the dollars the target comes to.

    Those are what the plain cascade spends where it meets the target; one that nothing meets
    leaves the plain cascade.
    """
    if wish.policy != "combined":
        return None
    cascade = Policy.cascade(escalation, pair)
    try:
        point = pick_threshold(
            escalation,
            cascade.pair,
            wish.target,
            asymmetry=wish.asymmetry,
            strong_alone_usd=cascade.strong_alone_usd,
            seed=wish.seed,
        )
    except InputError:
        return None
    assert point.cost_usd_per_1k is not None  # noqa: S101 - costs were checked
    folds = grouped_folds(pair, seed=wish.seed)
    return choose_direct(rates, escalation, pair, point.cost_usd_per_1k.value / 1000, folds)


def _prove(pair: Pair, wish: Wish, policy: Policy, scored: _Scored) -> Proof:
    router, seed = scored.rates[wish.router], wish.seed
    rivals = control_scores(pair)
    own: dict[str, Floats] = {"cascade": scored.escalation}
    own |= {wish.policy: policy.scores, wish.router: router}
    named = {f"policy {name}": values for name, values in own.items()}
    areas = compare_apgr(named | rivals, pair, seed=seed)
    shuffled_scores, shuffled = scored.shuffled
    return Proof(
        summary=summarise_router(
            policy.scores, policy.pair, strong_alone_usd=policy.strong_alone_usd, seed=seed
        ),
        shipping=is_cascade_worth_shipping(policy, router, pair, seed=seed),
        routers={name.removeprefix("policy "): areas[name] for name in named},
        controls={name: areas[name] for name in rivals}
        | compare_apgr({"shuffled": shuffled_scores}, shuffled, seed=seed),
        compat=routellm_figures(policy.scores, pair),
        dollars=_in_dollars(pair, wish, policy, scored),
    )


def _in_dollars(pair: Pair, wish: Wish, policy: Policy, scored: _Scored) -> dict[str, Interval]:
    """Mean PGR over budgets of everything the proof names; nothing where a cost is unknown."""
    if not policy.sweep().known_costs:
        return {}
    routes = {**control_scores(pair), wish.router: scored.rates[wish.router]}
    policies: dict[str, Policy] = {
        "cascade": Policy.cascade(scored.escalation, pair),
        str(wish.policy): policy,
        "random_escalation": Policy.cascade(np.zeros(len(pair)), pair),
    }
    policies |= {name: Policy.route(scores, pair) for name, scores in routes.items()}
    learned, shuffled = scored.shuffled
    draws = dollar_draws(policies, seed=wish.seed)
    draws |= dollar_draws({"shuffled": Policy.cascade(learned, shuffled)}, seed=wish.seed)
    return {name: interval(value, drawn, 0.95) for name, (value, drawn) in draws.items()}


def _price_ratio(pair: Pair) -> float | None:
    weak, strong = float(pair.weak_costs_usd.mean()), float(pair.strong_costs_usd.mean())
    if np.isnan(weak) or np.isnan(strong):
        return None
    return strong / weak if weak > 0 else float("inf")

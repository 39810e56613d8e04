from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.analysis.compare import compare
from llmroute.records import (
    Match,
    Outcome,
    Outcomes,
    Price,
    QualityRule,
    QualityThreshold,
    RoutingMap,
    TaskLimits,
    TaskRoute,
    Usage,
)
from llmroute.routing_map.choose import choose_routes

PRICES = {"cheap": Price(0.1, 0.1), "middle": Price(1.0, 1.0), "dear": Price(10.0, 10.0)}


def outcomes_of(right: dict[str, int], n: int = 200, task: str = "t") -> Outcomes:
    return Outcomes(
        tuple(
            Outcome(
                task=task,
                sample_id=f"s{i}",
                candidate=name,
                score=1.0 if i < k else 0.0,
                answered=True,
                usage=Usage(500 + i, 500),
                latency_s=0.1 * (i % 10 + 1),
            )
            for name, k in right.items()
            for i in range(n)
        )
    )


def map_of(
    right: dict[str, int],
    *,
    rule: QualityRule | None = None,
    prices: dict[str, Price] | None = None,
    limits: TaskLimits | None = None,
    reference: str | None = None,
    n: int = 200,
) -> RoutingMap:
    comparison = compare(
        outcomes_of(right, n),
        PRICES if prices is None else prices,
        rule or QualityRule(),
        reference=reference,
    )
    return choose_routes(comparison, limits={"t": limits} if limits else None)


def route_of(*args: object, **kwargs: object) -> TaskRoute:
    return map_of(*args, **kwargs).tasks[0]  # type: ignore[arg-type]


def test_the_cheapest_candidate_that_clears_is_the_route() -> None:
    route = route_of({"dear": 198, "middle": 190, "cheap": 150})
    assert (route.route, route.verdict, route.fallbacks) == ("middle", "proven", ("dear",))
    assert [r.candidate for r in route.rejected] == ["dear", "cheap"]


def test_every_rejected_candidate_has_a_reason() -> None:
    route = route_of({"dear": 198, "middle": 190, "cheap": 150})
    reasons = {r.candidate: r.reason for r in route.rejected}
    assert reasons["cheap"] == "quality 0.750 is below the bar 0.850"
    assert reasons["dear"] == "clears, but costs $10.99 per 1,000 requests, 10.0 × middle"


def test_unknown_price_is_never_the_cheapest() -> None:
    route = route_of({"dear": 198, "cheap": 198}, prices={"dear": PRICES["dear"]})
    assert route.route == "dear"
    assert route.rejected[0].reason == "clears, but is not priced: no price is known for it"


def test_free_is_cheaper_than_anything_priced() -> None:
    prices = PRICES | {"middle": Price(0.0, 0.0)}
    route = route_of({"cheap": 198, "middle": 198}, prices=prices)
    assert (route.route, route.evidence.cost_usd_per_1k) == ("middle", 0.0)


def test_without_a_clearing_candidate_the_reference_answers() -> None:
    route = route_of({"dear": 150, "cheap": 100}, reference="dear")
    assert (route.route, route.verdict, route.fallbacks) == ("dear", "fallback", ("cheap",))
    assert "no candidate clears" in route.reason
    assert [r.candidate for r in route.rejected] == ["dear", "cheap"]


def test_a_fallback_says_what_would_change_it() -> None:
    route = route_of({"dear": 18, "cheap": 10}, n=20, reference="dear")
    assert route.verdict == "fallback"
    assert "more samples would settle dear" in route.reason


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [("mean", "cheap"), ("likely", "middle"), ("proven", "dear")],
)
def test_evidence_decides_how_sure_a_route_must_be(evidence: str, expected: str) -> None:
    rule = QualityRule(evidence=evidence)  # type: ignore[arg-type]
    # n = 60: 51 right is at the bar, 55 right has a lower bound of 0.829, 60 right of 0.951.
    route = route_of({"dear": 60, "middle": 55, "cheap": 51}, rule=rule, n=60)
    assert route.route == expected


def test_the_naive_rule_is_labelled_so() -> None:
    rule = QualityRule(evidence="mean")
    assert "without evidence" in route_of({"cheap": 198}, rule=rule).reason


def test_limits_on_latency_and_cost_reject_with_a_reason() -> None:
    too_slow = route_of({"cheap": 198, "dear": 198}, limits=TaskLimits(max_latency_p95_s=0.5))
    assert too_slow.verdict == "fallback"
    assert "p95 latency 1.00 s is over the limit" in too_slow.rejected[0].reason
    too_dear = route_of({"dear": 198}, limits=TaskLimits(max_cost_usd_per_1k=1.0))
    assert "over the limit" in too_dear.rejected[0].reason


def test_an_excluded_candidate_is_neither_route_nor_fallback() -> None:
    limits = TaskLimits(excluded=("cheap",))
    route = route_of({"cheap": 198, "middle": 198, "dear": 198}, limits=limits)
    assert route.route == "middle"
    assert "cheap" not in route.fallbacks


def test_savings_are_the_weighted_difference_to_the_reference() -> None:
    savings = map_of({"cheap": 198, "dear": 199}, reference="dear").savings
    # 1,099.5 tokens a request on average, at $0.1 and $10 a million.
    assert savings.reference_usd_per_1k == pytest.approx(10.995)
    assert savings.routed_usd_per_1k == pytest.approx(0.10995)
    assert savings.saved_usd_per_1k is not None
    assert savings.saved_usd_per_1k.value == pytest.approx(10.88505)
    assert savings.saved_usd_per_1k.low < 10.88505 < savings.saved_usd_per_1k.high
    assert savings.saved_share is not None
    # Both costs move with the same tokens, so their ratio is not in doubt.
    assert savings.saved_share.low == pytest.approx(0.99)
    assert savings.saved_share.high == pytest.approx(0.99)


def test_savings_against_an_unpriced_reference_are_unknown() -> None:
    prices = {"cheap": PRICES["cheap"]}
    savings = map_of({"cheap": 198, "dear": 199}, reference="dear", prices=prices).savings
    assert savings.saved_usd_per_1k is None
    assert savings.reason == "dear has no known cost on task t"


RIGHT = st.dictionaries(
    st.sampled_from(["cheap", "middle", "dear"]), st.integers(0, 50), min_size=1
)
BARS = st.floats(0.05, 0.95)


def cost_of(route: TaskRoute) -> float:
    """What the choice costs; a fallback counts as dearer than any choice."""
    if route.verdict == "fallback":
        return float("inf")
    assert route.evidence.cost_usd_per_1k is not None
    return route.evidence.cost_usd_per_1k


@given(RIGHT, BARS, BARS)
@settings(deadline=None, max_examples=40)
def test_raising_the_bar_never_makes_the_choice_cheaper(
    right: dict[str, int], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    costs = [
        cost_of(route_of(right, rule=QualityRule(QualityThreshold(bar)), n=50))
        for bar in (low, high)
    ]
    assert costs[0] <= costs[1]


@given(RIGHT, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_candidates_and_samples_never_matters(
    right: dict[str, int], random: st.randoms
) -> None:
    rows = list(outcomes_of(right, 50).rows)
    random.shuffle(rows)
    shuffled = choose_routes(compare(Outcomes(tuple(rows)), PRICES, QualityRule())).tasks[0]
    route = route_of(right, n=50)
    assert (shuffled.route, shuffled.verdict) == (route.route, route.verdict)
    assert shuffled.evidence.quality_low == route.evidence.quality_low


@given(RIGHT)
@settings(deadline=None, max_examples=40)
def test_a_dominated_candidate_changes_nothing_under_likely_evidence(right: dict[str, int]) -> None:
    prices = PRICES | {"worse": Price(11.0, 11.0)}
    dominated = right | {"worse": 0}
    before = route_of(right, prices=prices, n=50, reference=min(right))
    after = route_of(dominated, prices=prices, n=50, reference=min(right))
    assert (before.route, before.verdict == "fallback") == (
        after.route,
        after.verdict == "fallback",
    )


def test_matches_travel_with_the_map() -> None:
    comparison = compare(outcomes_of({"cheap": 198}), PRICES, QualityRule())
    routing_map = choose_routes(comparison, matches={"t": Match(keywords=("sum",))})
    assert routing_map.matches["t"].keywords == ("sum",)
    assert replace(routing_map, matches={}) == choose_routes(comparison)

"""The sums behind `shadow`, each against what it stands for."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from llmroute.records import Outcome, Price, Usage
from llmroute.shadow.costs import Costs
from llmroute.shadow.drift import measure_drift, wilson
from llmroute.shadow.lengths import Lengths
from llmroute.shadow.off_policy import OffPolicy
from llmroute.shadow.qualities import Qualities
from llmroute.shadow.served import Cost, Served, estimate_cost

SAME = Served(
    task="t",
    layer="tag",
    logged="big",
    name="big",
    routed="big",
    paid_usd=1.0,
    cost=Cost(1.0, "same"),
    unknown_cost=None,
    score=None,
    routed_score=None,
    propensity=None,
    bench_quality=None,
    bench_logged=None,
)
MOVED = replace(SAME, routed="small", cost=Cost(0.25, "measured"))


def outcomes(n: int, **tokens: tuple[int, int]) -> list[Outcome]:
    """Each candidate's answers: input tokens, and output tokens that grow with the sample."""
    return [
        Outcome("t", str(i), name, answered=True, usage=Usage(read, made + i))
        for name, (read, made) in tokens.items()
        for i in range(n)
    ]


# -- costs ----------------------------------------------------------------------------------------


def test_costs_are_summed_over_requests_whose_costs_are_both_known() -> None:
    costs = Costs()
    for served in (SAME, MOVED, replace(MOVED, paid_usd=None), replace(MOVED, cost=None,
                   unknown_cost="no price")):  # fmt: skip
        costs.add(served)
    found = costs.summary()
    assert found is not None
    assert (found.n, found.paid_usd, found.routed_usd.value) == (2, 2.0, 1.25)
    assert found.saved_share is not None
    assert found.saved_share.value == 0.375
    assert costs.unknown == {"what was paid is not known": 1, "routed: no price": 1}


def test_nothing_known_is_no_figure() -> None:
    costs = Costs()
    costs.add(replace(SAME, paid_usd=None, cost=None, unknown_cost="not counted"))
    assert costs.summary() is None


def test_a_cost_is_estimated_by_the_models_ratios() -> None:
    length = Lengths(outcomes(20, big=(100, 10), small=(80, 30))).of("t", "small", "big")
    assert length is not None
    cost = estimate_cost(Usage(1000, 50), Price(1.0, 10.0), length)
    assert cost is not None
    ratio = (20 * 30 + 190) / (20 * 10 + 190)  # output tokens of small, by those of big
    assert cost.usd == pytest.approx((1000 * 0.8 * 1.0 + 50 * ratio * 10.0) / 1e6)


def test_too_few_answers_give_no_estimate() -> None:
    assert Lengths(outcomes(19, big=(1, 1), small=(1, 1))).of("t", "small", "big") is None
    alone = Lengths(outcomes(20, small=(80, 30))).of("t", "small", "stranger")
    assert alone is not None
    assert (alone.basis, alone.output.value, alone.input_ratio) == ("mean", 39.5, None)


def test_estimates_hold_what_they_promise() -> None:
    """95 % intervals of the cost of 300 requests, ratio found on 60 samples: 500 draws."""
    rng, price, held = random.Random(0), Price(1.0, 10.0), 0
    for _ in range(500):

        def drawn(number: int) -> tuple[Usage, Usage]:
            read, made = rng.randrange(50, 500), rng.expovariate(1 / 100)
            return (
                Usage(read, 1 + int(made)),
                Usage(int(read * 0.9), 1 + int(made * rng.uniform(0.2, 1.8))),
            )

        bench = [drawn(number) for number in range(60)]
        rows = [Outcome("t", str(i), name, usage=usage)
                for i, pair in enumerate(bench) for name, usage in zip(("big", "small"), pair,
                                                                       strict=True)]  # fmt: skip
        length = Lengths(rows).of("t", "small", "big")
        costs, truth = Costs(), 0.0
        for number in range(300):
            big, small = drawn(number)
            costs.add(replace(MOVED, cost=estimate_cost(big, price, length)))
            truth += price.cost_usd(small) or 0.0
        found = costs.summary()
        assert found is not None
        held += found.routed_usd.low <= truth <= found.routed_usd.high
    assert held / 500 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 500)


def test_a_saving_carried_over_has_the_interval_of_a_mean() -> None:
    rng, costs = np.random.default_rng(0), Costs()
    paid, routed = rng.exponential(1.0, 500), rng.exponential(0.3, 500)
    for a, b in zip(paid, routed, strict=True):
        costs.add(replace(MOVED, paid_usd=float(a), cost=Cost(float(b), "measured")))
    found = costs.summary()
    assert found is not None
    expected = stats.norm.interval(0.95, (paid - routed).mean(), stats.sem(paid - routed))
    assert found.saved_usd_per_1k.low == pytest.approx(1000 * expected[0])
    assert found.saved_usd_per_1k.high == pytest.approx(1000 * expected[1])
    assert found.cost_cv == pytest.approx(paid.std(ddof=1) / paid.mean())


# -- quality --------------------------------------------------------------------------------------


def test_quality_is_compared_where_another_model_would_have_answered() -> None:
    qualities = Qualities()
    qualities.add(replace(SAME, score=1.0, routed_score=1.0))
    for score, other in ((1.0, 0.5), (0.0, 1.0), (1.0, None), (None, 1.0)):
        qualities.add(replace(MOVED, score=score, routed_score=other))
    found = qualities.summary()
    assert found is not None
    assert (found.n_changed, found.n) == (4, 2)
    assert (found.logged, found.routed, found.difference.value) == (0.5, 0.75, 0.25)


def test_five_equal_scores_are_not_surely_equal() -> None:
    qualities = Qualities()
    for _ in range(5):
        qualities.add(replace(MOVED, score=1.0, routed_score=1.0))
    found = qualities.summary()
    assert found is not None
    assert found.difference.low < -0.2


def test_paired_intervals_hold_what_they_promise() -> None:
    rng, held, draws = np.random.default_rng(1), 0, 2000
    for _ in range(draws):
        qualities = Qualities()
        pairs = rng.random((30, 2)) < (0.9, 0.8)
        for logged, routed in pairs.tolist():
            qualities.add(replace(MOVED, score=float(logged), routed_score=float(routed)))
        found = qualities.summary()
        assert found is not None
        held += found.difference.low <= -0.1 <= found.difference.high
    assert held / draws >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / draws)


# -- off policy -----------------------------------------------------------------------------------


def randomised(rng: random.Random, n: int, *, stated: float | None = None,
               guess: float | None = None) -> OffPolicy:  # fmt: skip
    """Small, right in 70 %, answers every fourth request; the map would send all there."""
    sums = OffPolicy()
    for _ in range(n):
        small = rng.random() < 0.25
        score = float(rng.random() < (0.7 if small else 0.9))
        sums.add(
            replace(
                MOVED,
                logged="small" if small else "big",
                score=score,
                propensity=stated or (0.25 if small else 0.75),
                bench_quality=guess,
            )
        )
    return sums


@pytest.mark.parametrize("guess", [None, 0.7, 0.2])
def test_randomised_requests_tell_the_maps_quality_whatever_was_guessed(
    guess: float | None,
) -> None:
    rng, held, values, draws = random.Random(2), 0, [], 400
    for _ in range(draws):
        found = randomised(rng, 600, guess=guess).summary()
        assert found is not None
        assert found.doubly_robust is not None
        values.append(found.doubly_robust.value)
        held += found.doubly_robust.low <= 0.7 <= found.doubly_robust.high
    assert np.mean(values) == pytest.approx(0.7, abs=0.006)
    assert held / draws >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / draws)


def test_a_good_guess_narrows_the_interval() -> None:
    widths = []
    for guess in (None, 0.7):
        found = randomised(random.Random(3), 2000, guess=guess).summary()
        assert found is not None
        assert found.doubly_robust is not None
        widths.append(found.doubly_robust.high - found.doubly_robust.low)
    assert widths[1] < 0.7 * widths[0]


def test_propensities_that_cannot_be_true_give_no_figure() -> None:
    found = randomised(random.Random(4), 2000, stated=0.75).summary()
    assert found is not None
    assert found.doubly_robust is None
    assert found.reason is not None
    assert found.reason.startswith("the weights average 0.3")


def test_a_model_that_was_never_drawn_gives_no_figure() -> None:
    sums = OffPolicy()
    for _ in range(100):
        sums.add(replace(MOVED, score=1.0, propensity=1.0))
    found = sums.summary()
    assert found is not None
    assert found.reason == "no randomised request went where the map would send it"


def test_few_matching_requests_give_no_figure() -> None:
    found = randomised(random.Random(5), 40).summary()
    assert found is not None
    assert found.reason is not None
    assert "equally weighted ones only" in found.reason


def test_without_propensities_nothing_is_pretended() -> None:
    sums = OffPolicy()
    sums.add(replace(MOVED, score=1.0))
    assert sums.summary() is None


# -- drift ----------------------------------------------------------------------------------------


def test_drift_is_pearsons_test_of_the_weights() -> None:
    found = measure_drift({"a": 70, "b": 20, "c": 10}, {"a": 1.0, "b": 0.5, "c": 0.5})
    assert found is not None
    assert found.p_value == pytest.approx(stats.chisquare([70, 20, 10], [50, 25, 25]).pvalue)
    assert found.distance == pytest.approx(0.2)
    assert [(share.task, share.planned) for share in found.shares] == [
        ("a", 0.5), ("b", 0.25), ("c", 0.25)
    ]  # fmt: skip


def test_a_log_drawn_with_the_weights_seldom_drifts() -> None:
    rng, found = np.random.default_rng(6), 0
    for counts in rng.multinomial(400, [0.6, 0.3, 0.1], 2000):
        drift = measure_drift(
            dict(zip("abc", counts.tolist(), strict=True)), {"a": 6, "b": 3, "c": 1}
        )
        assert drift is not None
        found += drift.p_value < 0.05
    assert found / 2000 == pytest.approx(0.05, abs=0.015)


def test_one_task_or_no_request_cannot_drift() -> None:
    assert measure_drift({"a": 5}, {"a": 1.0}) is None
    assert measure_drift({}, {"a": 1.0, "b": 1.0}) is None


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (3, 7), (500, 1000)])
def test_shares_have_wilsons_interval(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    found = wilson(k, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from llmroute.ab.analyse import Question, analyse
from llmroute.ab.critical import AnyTime, Once
from llmroute.ab.deltas import mean_delta, quantile_delta
from llmroute.ab.observations import Arm, Collector, Metric, Observations
from llmroute.analysis.distributions import (
    anytime_binomial_p_value,
    binomial_p_value,
    chi_square_tail,
    student_t_quantile,
)
from llmroute.errors import InputError

ONCE = Once(0.05)
Figure = Callable[[Any], Any]


def experiment(rng: np.random.Generator, n_keys: int, *, before: int = 0) -> Observations:
    """Keys with 1 to 9 requests each, whose quality and latency are their own."""
    ability, pace = rng.beta(6, 2, n_keys), rng.lognormal(0, 0.4, n_keys)

    def requests(name: str, keys: Any, cost_usd: float) -> Arm:
        quality = (rng.random(keys.size) < ability[keys]).astype(float)
        latency_s = pace[keys] * rng.lognormal(0, 0.3, keys.size)
        spent = rng.exponential(cost_usd, keys.size)
        return Arm(name, keys, {"quality": quality, "latency_s": latency_s, "cost_usd": spent})

    counts = rng.integers(1, 10, n_keys)
    own = [np.repeat(np.arange(first, n_keys, 2), counts[first::2]) for first in (0, 1)]
    past = np.repeat(np.arange(n_keys), before)
    return Observations(
        requests("control", own[0], 0.01),
        requests("treatment", own[1], 0.004),
        requests("before", past, 0.01),
        0,
    )


def requests_of(observations: Observations, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    arms = (observations.control, observations.treatment)
    return tuple(arm.values[metric] for arm in arms)  # type: ignore[return-value]


def test_the_difference_is_that_of_the_means_over_requests() -> None:
    observations = experiment(np.random.default_rng(0), 200)
    control, treatment = requests_of(observations, "cost_usd")
    delta = mean_delta(observations, "cost_usd", ONCE)
    assert delta is not None
    assert delta.difference.value == pytest.approx(treatment.mean() - control.mean(), rel=1e-12)
    assert delta.relative is not None
    assert delta.relative.value == pytest.approx(treatment.mean() / control.mean() - 1, rel=1e-12)
    assert (delta.n_control, delta.n_treatment) == (control.size, treatment.size)


def test_one_request_a_key_is_welchs_t() -> None:
    rng = np.random.default_rng(1)
    control, treatment = rng.exponential(1.0, 40), rng.exponential(0.7, 90)
    collector = Collector("a", "b")
    for arm, values in (("a", control), ("b", treatment)):
        for value in values:
            collector.add(arm, None, {"cost_usd": value})
    delta = mean_delta(collector.observations(), "cost_usd", ONCE)
    expected = stats.ttest_ind(treatment, control, equal_var=False).confidence_interval(0.90)
    assert delta is not None
    assert delta.difference.low == pytest.approx(expected.low, rel=1e-9)
    assert delta.difference.high == pytest.approx(expected.high, rel=1e-9)


def test_bounds_are_those_of_a_bootstrap_over_keys() -> None:
    rng = np.random.default_rng(2)
    observations = experiment(rng, 600)
    metrics: tuple[Metric, ...] = ("quality", "cost_usd")
    for metric in metrics:
        delta = mean_delta(observations, metric, ONCE)
        drawn = bootstrap(observations, metric, np.mean, rng)
        assert delta is not None
        low, high = np.quantile(drawn, [0.05, 0.95])
        width = high - low
        assert delta.difference.low == pytest.approx(low, abs=0.08 * width)
        assert delta.difference.high == pytest.approx(high, abs=0.08 * width)


def test_the_95th_percentiles_bounds_are_near_those_of_a_bootstrap_over_keys() -> None:
    rng = np.random.default_rng(3)
    observations = experiment(rng, 600)
    delta = quantile_delta(observations, "latency_s", 0.95, ONCE)
    drawn = bootstrap(observations, "latency_s", lambda values: np.quantile(values, 0.95), rng)
    assert delta is not None
    low, high = np.quantile(drawn, [0.05, 0.95])
    assert delta.difference.low == pytest.approx(low, abs=0.25 * (high - low))
    assert delta.difference.high == pytest.approx(high, abs=0.25 * (high - low))


def bootstrap(
    observations: Observations, metric: Metric, figure: Figure, rng: np.random.Generator
) -> list[float]:
    """Treatment's figure − control's, keys drawn with replacement within their arms."""
    groups = {
        arm.name: [arm.values[metric][arm.keys == key] for key in np.unique(arm.keys)]
        for arm in (observations.control, observations.treatment)
    }

    def once(name: str) -> float:
        own = groups[name]
        picked = rng.integers(0, len(own), len(own))
        return float(figure(np.concatenate([own[i] for i in picked])))

    return [once("treatment") - once("control") for _ in range(1000)]


def test_requests_of_one_user_are_no_independent_evidence() -> None:
    """Bounds by request would miss the truth more than twice as often as they promise."""
    rng = np.random.default_rng(4)
    missed = {"by key": 0, "by request": 0}
    for _ in range(200):
        clustered = Collector("control", "treatment")
        single = Collector("control", "treatment")
        for number in range(60):
            arm = ("control", "treatment")[number % 2]
            ability = rng.beta(1, 1)
            for _ in range(10):
                right = {"quality": float(rng.random() < ability)}
                clustered.add(arm, str(number), right)
                single.add(arm, None, right)
        for name, collector in (("by key", clustered), ("by request", single)):
            delta = mean_delta(collector.observations(), "quality", ONCE)
            assert delta is not None
            missed[name] += not delta.difference.low <= 0 <= delta.difference.high
    assert missed["by key"] / 200 <= 0.10 + 2 * math.sqrt(0.09 / 200)
    assert missed["by request"] / 200 > 0.25


def test_what_keys_did_before_narrows_the_bounds_and_keeps_them_right() -> None:
    rng, missed, ratio, draws = np.random.default_rng(5), 0, [], 1000
    for _ in range(draws):
        known = experiment(rng, 200, before=20)
        unknown = replace(known, before=experiment(rng, 200).before)
        delta = mean_delta(known, "quality", ONCE)
        plain = mean_delta(unknown, "quality", ONCE)
        assert delta is not None
        assert plain is not None
        assert plain.variance_removed is None
        missed += not delta.difference.low <= 0 <= delta.difference.high
        ratio.append(delta.standard_error / plain.standard_error)
    assert np.mean(ratio) < 0.9
    assert missed / draws <= 0.10 + 2 * math.sqrt(0.09 / draws)


def one_request_a_key(n: tuple[int, int], right: tuple[int, int]) -> Observations:
    collector = Collector("control", "treatment")
    for arm, size, good in zip(("control", "treatment"), n, right, strict=True):
        for number in range(size):
            collector.add(arm, None, {"quality": float(number < good)})
    return collector.observations()


@pytest.mark.parametrize(
    ("n", "right", "conclusion"),
    [
        ((2000, 2000), (1700, 1700), "non_inferior"),
        ((2000, 2000), (1700, 1560), "inferior"),
        ((200, 200), (170, 170), "undecided"),
        ((5, 5), (5, 5), "undecided"),  # five of five is not "surely right"
    ],
)
def test_the_verdict_is_read_from_the_bounds(
    n: tuple[int, int], right: tuple[int, int], conclusion: str
) -> None:
    found = analyse(one_request_a_key(n, right), Question(ONCE, margin=0.03))
    assert found.verdict.conclusion == conclusion


def test_so_many_more_keys_as_undecided_says_settle_it() -> None:
    found = analyse(one_request_a_key((400, 400), (340, 340)), Question(ONCE, margin=0.03))
    assert found.verdict.keys_needed is not None
    more = 400 + math.ceil(found.verdict.keys_needed / 2)
    assert more == pytest.approx(1753, rel=0.02)  # what `plan` gives beforehand
    on_the_margin = analyse(
        one_request_a_key((1000, 1000), (800, 770)), Question(ONCE, margin=0.03)
    )
    assert on_the_margin.verdict.keys_needed is None or on_the_margin.verdict.keys_needed > 10**6


def test_arms_not_as_large_as_planned_end_without_a_figure() -> None:
    observations = one_request_a_key((1000, 1200), (850, 1150))
    found = analyse(observations, Question(ONCE, margin=0.03))
    assert found.verdict.conclusion == "unsound"
    assert "54.55% of the keys were treated where 50.00% were planned" in found.verdict.reason
    assert found.deltas == ()
    as_planned = analyse(observations, Question(ONCE, margin=0.03, share=1200 / 2200))
    assert as_planned.verdict.conclusion == "non_inferior"


@pytest.mark.parametrize("looks", [ONCE, AnyTime(0.05, 1000)], ids=["once", "any time"])
def test_a_sound_split_is_called_a_mismatch_one_time_in_a_thousand(looks: Once | AnyTime) -> None:
    rng = np.random.default_rng(6)
    test = binomial_p_value if isinstance(looks, Once) else anytime_binomial_p_value
    treated = rng.binomial(5000, 0.1, 20_000)
    values = {int(k): test(int(k), 5000, 0.1) for k in np.unique(treated)}
    assert np.mean([values[int(k)] < 0.001 for k in treated]) <= 0.001


def test_keys_in_both_arms_are_left_out_and_too_many_end_it() -> None:
    collector = Collector("control", "treatment")
    for number in range(1000):
        collector.add(("control", "treatment")[number % 2], f"u{number}", {"quality": 1.0})
    collector.add("treatment", "u0", {"quality": 0.0})
    few = analyse(collector.observations(), Question(ONCE, margin=0.03))
    assert few.mixed_keys == 1
    assert few.control.n_keys == 499
    assert few.verdict.conclusion == "non_inferior"
    for number in range(0, 40, 2):
        collector = _again(collector, f"u{number}")
    many = analyse(collector.observations(), Question(ONCE, margin=0.03))
    assert many.verdict.conclusion == "unsound"
    assert "20 keys were seen in both arms" in many.verdict.reason


def _again(collector: Collector, key: str) -> Collector:
    collector.add("treatment", key, {"quality": 1.0})
    return collector


def test_an_arm_with_a_single_user_is_refused() -> None:
    collector = Collector("control", "treatment")
    for number in range(10):
        collector.add("control", f"u{number}", {"quality": 1.0})
        collector.add("treatment", "only", {"quality": 1.0})
    with pytest.raises(InputError, match=r"arm 'treatment' has a single key \(10 requests\)"):
        analyse(collector.observations(), Question(ONCE, margin=0.03))


def test_a_percentile_without_enough_requests_has_no_upper_bound() -> None:
    collector = Collector("control", "treatment")
    for number in range(12):
        collector.add(("control", "treatment")[number % 2], None, {"latency_s": float(number)})
    delta = quantile_delta(collector.observations(), "latency_s", 0.95, ONCE)
    assert delta is not None
    assert math.isinf(delta.difference.high)


def test_missing_values_are_no_zeros() -> None:
    collector = Collector("control", "treatment")
    for number in range(40):
        arm = ("control", "treatment")[number % 2]
        collector.add(arm, None, {"cost_usd": 1.0 if number < 20 else None, "quality": None})
    found = analyse(collector.observations(), Question(ONCE, margin=0.03))
    assert found.verdict.conclusion == "not_scored"
    (cost,) = (delta for delta in found.deltas if delta.name == "cost_usd")
    assert (cost.control, cost.n_control) == (1.0, 10)


@pytest.mark.parametrize("df", [1, 2, 3.5, 10, 300, 1e5, 1e8])
@pytest.mark.parametrize("p", [0.9, 0.95, 0.9995])
def test_t_quantiles_are_scipys(df: float, p: float) -> None:
    assert student_t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-6)


@pytest.mark.parametrize("df", [1, 2, 3, 8, 41])
@pytest.mark.parametrize("x", [0.0, 0.1, 3.0, 50.0, 500.0])
def test_chi_square_tails_are_scipys(df: int, x: float) -> None:
    assert chi_square_tail(x, df) == pytest.approx(stats.chi2.sf(x, df), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("k", "n", "p"), [(0, 10, 0.5), (10, 10, 0.5), (480, 1000, 0.5),
                                           (3, 50, 0.01), (501_500, 1_000_000, 0.5)])  # fmt: skip
def test_binomial_p_values_are_twice_scipys_smaller_tail(k: int, n: int, p: float) -> None:
    tails = (stats.binom.cdf(k, n, p), stats.binom.sf(k - 1, n, p))
    assert binomial_p_value(k, n, p) == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6)

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmroute.calibration.policy import Policy
from llmroute.calibration.summary import dollar_apgr
from llmroute.calibration.worth import break_even_ratio, dollar_draws, is_cascade_worth_shipping


def known_after(pair, noise: float = 0.2) -> np.ndarray:
    """What an answer tells of its own score."""
    drawn = np.random.default_rng(3).normal(0, noise, len(pair))
    return np.clip((1 + pair.gaps) / 2 + drawn, 0.0, 1.0)


def in_dollars(policy: Policy) -> float:
    return float(dollar_apgr(policy.sweep().whole())[0])


def test_at_equal_dollars_a_random_mix_has_one_half(noisy_pair) -> None:
    pair, _ = noisy_pair(200, strong_usd=10.0)
    assert in_dollars(Policy.route(np.zeros(200), pair)) == pytest.approx(0.5)


def test_strong_calls_at_random_on_top_of_weak_ones_have_less(noisy_pair) -> None:
    """$1 to $10 of a line that rises over $1 to $11: its mean height is 9/2/10."""
    pair, _ = noisy_pair(200, strong_usd=10.0)
    assert in_dollars(Policy.cascade(np.zeros(200), pair)) == pytest.approx(0.45)


def test_resamples_are_the_same_for_all_policies(noisy_pair) -> None:
    pair, hard = noisy_pair(100, strong_usd=10.0)
    drawn = dollar_draws(
        {"one": Policy.route(hard, pair), "two": Policy.route(hard, pair)}, resamples=20
    )
    assert (drawn["one"][1] == drawn["two"][1]).all()
    assert drawn["one"][0] == pytest.approx(in_dollars(Policy.route(hard, pair)))


def test_a_cascade_that_knows_more_than_the_router_is_shipped(noisy_pair) -> None:
    pair, hard = noisy_pair(400, strong_usd=20.0)
    found = is_cascade_worth_shipping(Policy.cascade(known_after(pair), pair), hard, pair)
    assert found.shipped
    assert set(found.over_usd) == {"random", "task_map", "router"}
    assert min(gain.low for gain in found.over_usd.values()) > 0
    assert "looking at the answers beats random routing at the same number" in found.reason
    assert "both calls counted" in found.reason


def test_a_cascade_of_dear_weak_calls_is_not(noisy_pair) -> None:
    pair, hard = noisy_pair(400, strong_usd=1.2)
    found = is_cascade_worth_shipping(Policy.cascade(known_after(pair), pair), hard, pair)
    assert not found.shipped
    assert found.over_random.low > 0
    assert found.reason.startswith("At the same dollars the cascade does not surely beat")
    assert found.reason.endswith("the static map stays.")


def test_a_cascade_that_knows_nothing_is_not(noisy_pair) -> None:
    pair, hard = noisy_pair(400, strong_usd=20.0)
    noise = np.random.default_rng(5).random(400)
    found = is_cascade_worth_shipping(Policy.cascade(noise, pair), hard, pair)
    assert not found.shipped
    assert "does not surely beat random routing" in found.reason


def test_without_prices_nobody_can_say(noisy_pair) -> None:
    pair, hard = noisy_pair(400)
    unpriced = replace(pair, weak_costs_usd=np.full(400, np.nan))
    found = is_cascade_worth_shipping(Policy.cascade(known_after(pair), unpriced), hard, unpriced)
    assert (found.shipped, dict(found.over_usd)) == (False, {})
    assert "without prices nobody can say" in found.reason


def test_a_cascade_no_better_than_the_router_pays_at_no_price(noisy_pair) -> None:
    pair, hard = noisy_pair(300)
    assert break_even_ratio(pair, hard, hard) == float("inf")


def test_from_the_break_even_ratio_on_the_cascade_is_ahead(noisy_pair) -> None:
    pair, hard = noisy_pair(300)
    after = known_after(pair)
    ratio = break_even_ratio(pair, hard, after)
    assert 1.0 < ratio < 10.0

    def lead(at: float) -> float:
        part = replace(pair, weak_costs_usd=np.ones(300), strong_costs_usd=at * np.ones(300))
        return in_dollars(Policy.cascade(after, part)) - in_dollars(Policy.route(hard, part))

    assert lead(ratio * 1.01) > 0 > lead(ratio * 0.98)

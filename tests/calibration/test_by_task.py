from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from llmroute.calibration.by_task import figures_by_task
from llmroute.calibration.pair import Pair
from llmroute.calibration.policy import Policy

MakePair = Callable[..., Pair]


def test_each_task_has_its_own_figures_worked_by_hand(make_pair: MakePair) -> None:
    pair = make_pair(
        [0, 1, 0, 1, 1, 0],
        [1, 1, 1, 1, 0, 1],
        tasks=["a", "a", "a", "a", "b", "b"],
        weak_usd=0.001,
        strong_usd=0.01,
    )
    scores = np.array([0.9, 0.1, 0.2, 0.3, 0.8, 0.1])
    first, second = figures_by_task(Policy.route(scores, pair), 0.5, resamples=50)
    assert (first.task, first.n, first.n_groups, first.is_small) == ("a", 4, 4, True)
    # Of a, the first query goes to strong: right, right, wrong, right.
    assert first.strong_share.value == 0.25
    assert (first.weak_quality.value, first.strong_quality.value) == (0.5, 1.0)
    assert (first.quality.value, first.quality_loss.value, first.pgr.value) == (0.75, 0.25, 0.5)
    assert first.cost_usd_per_1k is not None
    assert first.cost_usd_per_1k.value == pytest.approx((3 * 1 + 10) / 4)
    assert (first.weak_usd_per_1k, first.strong_usd_per_1k) == pytest.approx((1.0, 10.0))
    # Of b, a right weak answer was not asked for, and a wrong one was kept.
    assert (second.quality.value, second.quality_loss.value) == (0.0, 0.5)
    assert np.isnan(second.pgr.value)  # both models are right on one of two


def test_a_cascade_pays_both_calls_and_saves_against_the_strong_one(make_pair: MakePair) -> None:
    pair = make_pair([0, 1], [1, 1], weak_usd=0.001, strong_usd=0.01)
    policy = Policy.cascade(np.array([0.9, 0.1]), pair)
    (only,) = figures_by_task(policy, 0.5, resamples=50)
    assert only.cost_usd_per_1k is not None
    assert only.cost_usd_per_1k.value == pytest.approx((11 + 1) / 2)
    assert only.strong_usd_per_1k == pytest.approx(10.0)


def test_a_cost_that_is_not_known_is_none_and_not_zero(make_pair: MakePair) -> None:
    pair = make_pair([0, 1], [1, 1], strong_usd=float("nan"))
    (only,) = figures_by_task(Policy.route(np.array([0.9, 0.1]), pair), 0.5, resamples=50)
    assert (only.cost_usd_per_1k, only.strong_usd_per_1k) == (None, None)
    assert only.weak_usd_per_1k == 1000.0


def test_tasks_add_up_to_the_whole(noisy_pair: Callable[..., tuple[Pair, np.ndarray]]) -> None:
    pair, hard = noisy_pair(tasks=["x", "y", "z", "x"] * 100)
    found = figures_by_task(Policy.route(hard, pair), 0.6, resamples=50)
    routed = np.where(hard >= 0.6, pair.strong_scores, pair.weak_scores)
    assert sum(one.n * one.quality.value for one in found) / 400 == pytest.approx(routed.mean())
    assert sum(one.n for one in found) == 400


def test_copies_of_a_prompt_widen_an_interval(make_pair: MakePair) -> None:
    rng = np.random.default_rng(0)
    weak, strong = rng.integers(0, 2, 60).astype(float), np.ones(60)
    once = make_pair(np.repeat(weak, 4), np.repeat(strong, 4))
    scores = np.repeat(rng.random(60), 4)
    grouped = make_pair(
        np.repeat(weak, 4), np.repeat(strong, 4), groups=np.repeat(np.arange(60), 4)
    )
    wide, narrow = (
        figures_by_task(Policy.route(scores, one), 0.5, resamples=400)[0].quality
        for one in (grouped, once)
    )
    assert wide.high - wide.low > 1.6 * (narrow.high - narrow.low)  # √4 in the limit

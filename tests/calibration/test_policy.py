from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmroute.calibration.policy import DIRECT_SHARES, Policy, choose_direct
from llmroute.calibration.split import grouped_folds


@pytest.fixture
def pair(make_pair):
    """Weak right on one of four; a weak call costs $1 and a strong one $10."""
    return make_pair([1, 0, 0, 0], [1, 1, 1, 0], strong_usd=10.0)


def test_a_cascade_pays_both_calls_and_saves_against_the_strong_model_alone(pair) -> None:
    policy = Policy.cascade(np.array([0.1, 0.9, 0.8, 0.2]), pair)
    points = policy.sweep().whole()
    # Each escalation adds $10 / 4 to a mean of $1.
    assert points.cost_usd[0].tolist() == [1.0, 3.5, 6.0, 8.5, 11.0]
    assert points.quality[0].tolist() == [0.25, 0.5, 0.75, 0.75, 0.75]
    assert points.strong_cost_usd[0] == 10.0


def test_a_query_sent_straight_to_strong_pays_no_weak_call(pair) -> None:
    rates = np.array([0.0, 0.7, 0.9, 0.0])
    direct = np.array([False, True, True, False])
    policy = Policy.combine(rates, np.array([0.1, 1.0, 1.0, 0.2]), direct, pair)
    points = policy.sweep().whole()
    assert policy.scores.tolist() == [0.1, 1.7, 1.9, 0.2]
    # Two direct calls at $10 for $1 each, then two escalations at $10 more.
    assert points.cost_usd[0].tolist() == [1.0, 3.25, 5.5, 8.0, 10.5]
    assert points.shares[0].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert points.quality[0].tolist() == [0.25, 0.5, 0.75, 0.75, 0.75]


def test_nothing_direct_is_the_plain_cascade_and_everything_is_the_router(noisy_pair) -> None:
    pair, hard = noisy_pair(60)
    noise = np.random.default_rng(1).random(60)
    plain = Policy.combine(hard, noise, np.zeros(60, bool), pair).sweep().whole()
    cascade = Policy.cascade(noise, pair).sweep().whole()
    assert (plain.cost_usd == cascade.cost_usd).all()
    assert (plain.quality == cascade.quality).all()
    whole = Policy.combine(hard, noise, np.ones(60, bool), pair).sweep().whole()
    router = Policy.route(hard, pair).sweep().whole()
    assert whole.cost_usd[0].tolist() == pytest.approx(router.cost_usd[0].tolist())
    assert (whole.quality == router.quality).all()


def test_all_policies_begin_and_end_alike(noisy_pair) -> None:
    pair, hard = noisy_pair(60)
    direct = hard > 0.7
    points = [
        policy.sweep().whole()
        for policy in (
            Policy.route(hard, pair),
            Policy.cascade(hard, pair),
            Policy.combine(hard, hard, direct, pair),
        )
    ]
    for one in points:
        assert one.cost_usd[0, 0] == pytest.approx(1.0)
        assert one.strong_cost_usd[0] == pytest.approx(3.0)
        assert one.quality[0, [0, -1]].tolist() == pytest.approx(
            [pair.weak_scores.mean(), pair.strong_scores.mean()]
        )


def known_after(pair, seed: int = 0) -> np.ndarray:
    """What an answer tells: nearly everything."""
    noise = np.random.default_rng(seed).normal(0, 0.1, len(pair))
    return np.clip((1 + pair.gaps) / 2 + noise, 0.0, 1.0)


def test_where_weak_calls_cost_nothing_every_answer_is_looked_at(noisy_pair) -> None:
    pair, hard = noisy_pair(400, strong_usd=1000.0)
    folds = grouped_folds(pair)
    direct = choose_direct(hard, known_after(pair), pair, 300.0, folds)
    assert (direct.share, int(direct.rows.sum())) == (0.0, 0)
    assert direct.threshold > 1


def test_where_weak_calls_are_dear_hard_prompts_skip_them(noisy_pair) -> None:
    pair, hard = noisy_pair(400, strong_usd=1.5)
    direct = choose_direct(hard, known_after(pair), pair, 1.4, grouped_folds(pair))
    assert direct.share >= 0.3
    assert direct.share in DIRECT_SHARES
    assert direct.rows.mean() == pytest.approx(direct.share, abs=0.2)
    assert hard[direct.rows].min() > hard[~direct.rows].min()


def test_the_share_is_chosen_without_the_rows_it_is_judged_on(noisy_pair) -> None:
    pair, hard = noisy_pair(200, strong_usd=2.0)
    folds = grouped_folds(pair)
    after = known_after(pair)
    chosen = choose_direct(hard, after, pair, 1.6, folds)
    for fold in folds:
        weak, strong = pair.weak_scores.copy(), pair.strong_scores.copy()
        weak[fold.test], strong[fold.test] = 1.0, 0.0  # the worst that could be
        other = replace(pair, weak_scores=weak, strong_scores=strong)
        again = choose_direct(hard, after, other, 1.6, folds)
        assert (again.rows[fold.test] == chosen.rows[fold.test]).all()

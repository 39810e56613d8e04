from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from llmroute.calibration.pair import Pair
from llmroute.calibration.reliability import BINS, brier_score, reliability, strong_wins

MakePair = Callable[..., Pair]


def drawn_pair(make_pair: MakePair, chances: np.ndarray, seed: int = 0) -> Pair:
    """The strong model is right and the weak one wrong with these chances, else the reverse."""
    wins = (np.random.default_rng(seed).random(chances.size) < chances).astype(float)
    return make_pair(1 - wins, wins)


def test_the_brier_score_is_sklearns_where_a_tie_is_half_of_each() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    forecasts = rng.random(300)
    wins = rng.choice([0.0, 0.5, 1.0, 0.3], 300)
    twice = np.r_[np.ones(300), np.zeros(300)]
    oracle = sklearn.brier_score_loss(
        twice, np.r_[forecasts, forecasts], sample_weight=np.r_[wins, 1 - wins]
    )
    assert brier_score(forecasts, wins) == pytest.approx(oracle, abs=1e-12)


def test_a_tie_counts_as_half_a_win(make_pair: MakePair) -> None:
    pair = make_pair([0, 1, 1, 0.25], [1, 1, 0, 0.75])
    assert strong_wins(pair).tolist() == [1.0, 0.5, 0.0, 0.75]


def test_bins_and_ece_worked_by_hand(make_pair: MakePair) -> None:
    # 20 prompts of score 0.2, of which strong wins 5; 20 of 0.7, of which it wins 16.
    forecasts = np.repeat([0.2, 0.7], 20)
    wins = np.r_[np.ones(5), np.zeros(15), np.ones(16), np.zeros(4)]
    found = reliability(forecasts, make_pair(1 - wins, wins), resamples=200)
    assert [(one.n, one.forecast) for one in found.bins] == [
        (20, pytest.approx(0.2)),
        (20, pytest.approx(0.7)),
    ]
    assert [one.observed.value for one in found.bins] == pytest.approx([0.25, 0.8])
    assert found.ece == pytest.approx(0.5 * 0.05 + 0.5 * 0.1)
    assert found.brier_of_mean == pytest.approx(21 / 40 * 19 / 40)
    expected = (5 * 0.64 + 15 * 0.04 + 16 * 0.09 + 4 * 0.49) / 40
    assert found.brier == pytest.approx(expected)
    assert all(one.observed.low < one.observed.value < one.observed.high for one in found.bins)


def test_the_bins_are_sklearns_quantile_bins(make_pair: MakePair) -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    forecasts = np.random.default_rng(2).random(1000)
    pair = drawn_pair(make_pair, forecasts)
    found = reliability(forecasts, pair, resamples=20)
    observed, mean = calibration.calibration_curve(
        strong_wins(pair), forecasts, n_bins=BINS, strategy="quantile"
    )
    assert [one.observed.value for one in found.bins] == pytest.approx(observed)
    assert [one.forecast for one in found.bins] == pytest.approx(mean)


def test_true_forecasts_err_by_chance_alone_and_boasting_ones_by_more(make_pair: MakePair) -> None:
    chances = 0.3 + 0.4 * np.random.default_rng(3).random(800)
    true = [
        reliability(chances, drawn_pair(make_pair, chances, seed), resamples=200)
        for seed in range(100, 112)
    ]
    by_chance = np.mean([one.ece_by_chance for one in true])
    assert np.mean([one.ece for one in true]) == pytest.approx(by_chance, rel=0.25)
    boasting = np.clip(0.5 + 2.4 * (chances - 0.5), 0.01, 0.99)
    found = reliability(boasting, drawn_pair(make_pair, chances, 100), resamples=200)
    assert found.ece > 3 * found.ece_by_chance
    assert true[0].brier < found.brier


def test_equal_scores_share_a_bin_and_few_prompts_make_one(make_pair: MakePair) -> None:
    pair = drawn_pair(make_pair, np.full(100, 0.5))
    assert [one.n for one in reliability(np.full(100, 0.5), pair, resamples=20).bins] == [100]
    few = drawn_pair(make_pair, np.linspace(0.1, 0.9, 30))
    assert [one.n for one in reliability(np.linspace(0.1, 0.9, 30), few, resamples=20).bins] == [30]

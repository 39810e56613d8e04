from __future__ import annotations

import numpy as np
import pytest

from llmroute.calibration.pair import Query
from llmroute.calibration.several import (
    Candidates,
    choose,
    lambda_curve,
    pick_lambda,
    summarise_several,
)
from llmroute.errors import InputError


def candidates_of(scores, costs, names=("small", "middle", "large")) -> Candidates:
    scores = np.array(scores, dtype=float)
    n, m = scores.shape
    return Candidates(
        names=tuple(names[:m]),
        ids=tuple(map(str, range(n))),
        queries=tuple(Query(str(i)) for i in range(n)),
        scores=scores,
        costs_usd=np.broadcast_to(np.array(costs, dtype=float), (n, m)).copy(),
        groups=np.arange(n),
    )


TWO = [[1, 1], [0, 1], [1, 0], [0, 1]]


@pytest.fixture
def three():
    """Of three models each is the best somewhere, and a signal says half of where."""
    rng = np.random.default_rng(0)
    n = 600
    truth = np.clip(rng.normal([0.5, 0.6, 0.7], 0.3, (n, 3)), 0, 1)
    scores = (rng.random((n, 3)) < truth).astype(float)
    return candidates_of(scores, [0.001, 0.003, 0.01]), truth


def test_no_price_on_cost_takes_the_best_and_of_equals_the_cheaper():
    predicted = np.array([[0.5, 0.5], [0.2, 0.8]])
    usd = np.broadcast_to([0.002, 0.001], (2, 2))
    assert choose(predicted, usd, 0.0).tolist() == [1, 1]


def test_the_curve_runs_from_the_best_to_the_cheapest():
    """Perfect foresight: λ = 0 pays for the dear model twice; the last λ never."""
    curve = lambda_curve(candidates_of(TWO, [1, 3]), np.array(TWO, dtype=float))
    assert (curve.quality[0], curve.cost_usd[0]) == (1.0, 2.0)
    assert (curve.quality[-1], curve.cost_usd[-1]) == (0.5, 1.0)
    assert (np.diff(curve.cost_usd) <= 0).all()


def test_what_was_paid_and_not_what_was_expected_is_counted():
    candidates = candidates_of([[1, 1], [1, 1]], [1, 3])
    candidates.costs_usd[:, 0] = [1.0, 9.0]
    curve = lambda_curve(candidates, np.array([[0.9, 0.5], [0.9, 0.5]]), np.array([1.0, 3.0]))
    assert curve.cost_usd[0] == 5.0


def test_aiq_of_perfect_foresight_worked_by_hand():
    """Singles (1, ½) and (3, ¾) and the router's (2, 1): (¾ + 1)/2 against ⅝."""
    candidates = candidates_of(TWO, [1, 3], ("small", "large"))
    curve = lambda_curve(candidates, np.array(TWO, dtype=float))
    summary = summarise_several(candidates, curve, resamples=50)
    assert summary.aiq.value == pytest.approx(0.875)
    assert summary.aiq_single_hull.value == pytest.approx(0.625)
    assert summary.lift.value == pytest.approx(0.25)
    assert summary.oracle_aiq == pytest.approx(0.875)
    assert summary.best_single == "large"
    assert summary.single_hull == ("small", "large")


def test_a_dominated_model_is_on_no_hull():
    scores = [[1, 0, 1], [0, 0, 1], [1, 1, 1]]
    candidates = candidates_of(scores, [1, 2, 3])
    summary = summarise_several(candidates, lambda_curve(candidates, candidates.scores))
    assert summary.single_hull == ("small", "large")


def test_a_router_with_a_signal_lifts_surely_and_one_without_does_not(three):
    candidates, truth = three
    knows = summarise_several(candidates, lambda_curve(candidates, truth), resamples=300)
    noise = np.random.default_rng(1).random(truth.shape)
    guesses = summarise_several(candidates, lambda_curve(candidates, noise), resamples=300)
    assert knows.lift.low > 0
    assert guesses.lift.low < 0
    assert guesses.aiq.value >= guesses.aiq_single_hull.value  # a hull cannot fall below its chord
    assert knows.aiq.value < knows.oracle_aiq


def test_a_budget_is_kept_with_the_best_quality(three):
    candidates, truth = three
    point = pick_lambda(
        candidates, lambda_curve(candidates, truth), "max_usd_per_1k", 4.0, resamples=100
    )
    assert point.cost_usd_per_1k.value <= 4.0 + 1e-9
    assert sum(point.shares.values()) == pytest.approx(1.0)
    assert point.saving.value == pytest.approx(1 - point.cost_usd_per_1k.value / 10)


def test_a_budget_below_the_cheapest_names_the_nearest(three):
    candidates, truth = three
    with pytest.raises(InputError, match=r"--max-usd-per-1k 1\.00"):
        pick_lambda(candidates, lambda_curve(candidates, truth), "max_usd_per_1k", 0.5)


def test_a_maximal_loss_is_kept_surely(three):
    candidates, truth = three
    curve = lambda_curve(candidates, truth)
    point = pick_lambda(candidates, curve, "max_quality_loss", 0.05, resamples=300)
    assert point.quality_loss.value < 0.05
    assert point.lambda_ > 0
    bolder = pick_lambda(candidates, curve, "max_quality_loss", 0.15, resamples=300)
    assert bolder.cost_usd_per_1k.value < point.cost_usd_per_1k.value


def test_a_loss_no_lambda_keeps_names_the_nearest(three):
    candidates, truth = three
    curve = lambda_curve(candidates, 1 - truth)
    with pytest.raises(InputError, match="nearest that can be met is --max-quality-loss"):
        pick_lambda(candidates, curve, "max_quality_loss", 0.001, resamples=100)


def test_a_knee_is_neither_end(three):
    candidates, truth = three
    point = pick_lambda(candidates, lambda_curve(candidates, truth), "knee", resamples=50)
    assert 1 < point.cost_usd_per_1k.value < 10


def test_a_candidate_without_a_cost_is_named():
    with pytest.raises(InputError, match="2 queries have no cost of 'large'"):
        candidates_of([[1, 0], [0, 1]], [1.0, np.nan], ("small", "large"))


def test_a_target_without_a_value_is_refused(three):
    candidates, truth = three
    with pytest.raises(InputError, match="has no value"):
        pick_lambda(candidates, lambda_curve(candidates, truth), "max_usd_per_1k")

from __future__ import annotations

import numpy as np
import pytest

from llmroute.calibration.risk import (
    certify_threshold,
    fit_and_certify,
    in_words,
    least_certifiable_loss,
)
from llmroute.errors import InputError


def lossy_pair(make_pair, losses, **changes):
    """A pair whose regret is exactly these losses: the strong model is always right."""
    losses = np.asarray(losses, dtype=float)
    return make_pair(1 - losses, np.ones(losses.size), **changes)


def test_the_exact_test_allows_as_many_losses_as_the_binomial_says(make_pair):
    """P(Binomial(100, 0.1) ≤ 4) = 0.0237 and ≤ 5 is 0.0576: four losses pass at 95 %."""
    losses = np.zeros(100)
    losses[[10, 20, 30, 40, 50, 60]] = 1
    pair = lossy_pair(make_pair, losses)
    found = certify_threshold(np.arange(100) / 100, pair, 0.10)
    assert found.method == "binomial"
    assert found.regret == 0.04
    assert found.strong_share == 0.5
    assert found.threshold == pytest.approx(0.495)


def test_too_few_queries_certify_nothing_below_all_strong(make_pair):
    """0.98^148 > 0.05 ≥ 0.98^149: 149 queries without a loss are the least."""
    for n, saves in ((148, False), (149, True)):
        found = certify_threshold(np.arange(n) / n, lossy_pair(make_pair, np.zeros(n)), 0.02)
        assert found.saves is saves
    assert found.strong_share == 0.0
    assert found.threshold > 1


def test_nothing_certified_sends_all_to_strong(make_pair):
    pair = lossy_pair(make_pair, np.zeros(20))
    found = certify_threshold(np.arange(20) / 20, pair, 0.02)
    assert (found.threshold, found.strong_share, found.regret) == (0.0, 1.0, 0.0)


def test_lucky_hits_of_the_weak_model_do_not_pay_for_its_losses(make_pair):
    """Half the losses are made up for by queries only the weak model gets right."""
    weak = np.array([0, 1] * 100, dtype=float)
    pair = make_pair(weak, 1 - weak)
    assert not certify_threshold(np.zeros(200), pair, 0.1).saves


def test_a_block_of_equal_scores_is_certified_whole_or_not_at_all(make_pair):
    losses = np.zeros(200)
    losses[50:60] = 1
    scores = np.repeat([0.1, 0.5, 0.9], [50, 50, 100])
    found = certify_threshold(scores, lossy_pair(make_pair, losses), 0.05)
    assert found.strong_share == 0.75
    assert found.threshold == pytest.approx(0.3)


def test_the_first_threshold_that_fails_ends_the_search(make_pair):
    rng = np.random.default_rng(0)
    pair = lossy_pair(make_pair, rng.random(300) < 0.1)
    shares = [
        certify_threshold(np.arange(300) / 300, pair, loss).strong_share
        for loss in (0.03, 0.05, 0.08, 0.2)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0.0


def test_graded_scores_are_certified_by_bets(make_pair):
    rng = np.random.default_rng(0)
    pair = lossy_pair(make_pair, 0.1 * (rng.random(400) < 0.3))
    found = certify_threshold(rng.random(400), pair, 0.05)
    assert found.method == "betting"
    assert found.strong_share < 0.2


def test_many_near_duplicates_count_as_one(make_pair):
    """Forty distinct prompts said ten times each are forty, not four hundred."""
    groups = np.repeat(np.arange(40), 10)
    pair = lossy_pair(make_pair, np.zeros(400), groups=groups)
    found = certify_threshold(np.arange(400) / 400, pair, 0.02)
    assert found.method == "betting"
    assert not found.saves
    assert found.n_groups == 40


def test_a_few_near_duplicates_leave_the_exact_test(make_pair):
    groups = [0, 0, *range(1, 199)]
    pair = lossy_pair(make_pair, np.zeros(200), groups=groups)
    assert certify_threshold(np.arange(200) / 200, pair, 0.02).method == "binomial"


def simulated(make_pair, rng, kind):
    """R(t) = ∫₀ᵗ 0.2 x² dx: right-or-wrong, graded, or in groups of three."""
    n = 360
    if kind == "grouped":
        x = np.repeat(rng.random(n // 3), 3)
        losses = np.repeat(rng.random(n // 3) < 0.2 * x[::3] ** 2, 3).astype(float)
        return x, lossy_pair(make_pair, losses, groups=np.repeat(np.arange(n // 3), 3))
    x = rng.random(n)
    lost = rng.random(n) < (0.2 if kind == "binary" else 0.4) * x**2
    size = 1.0 if kind == "binary" else rng.random(n)
    return x, lossy_pair(make_pair, lost * size)


@pytest.mark.parametrize("kind", ["binary", "graded", "grouped"])
def test_the_promise_is_broken_no_more_often_than_it_may_be(make_pair, kind):
    """300 calibrations at 90 %: 30 broken promises are expected at most, 46 is three sigma."""
    broken, shares = 0, []
    for seed in range(300):
        scores, pair = simulated(make_pair, np.random.default_rng(seed), kind)
        found = certify_threshold(scores, pair, 0.03, confidence=0.9)
        truth = 0.2 * min(found.threshold, 1.0) ** 3 / 3
        broken += truth > 0.03
        shares.append(1 - found.strong_share)
    assert broken <= 46
    assert np.mean(shares) > 0.35  # of at most 0.77: the promise is not an empty one


def test_the_least_certifiable_loss_is_where_certifying_starts(make_pair):
    """One query without a loss: 1 − 0.05^(1/n)."""
    pair = lossy_pair(make_pair, [0] * 99 + [1])
    least = least_certifiable_loss(np.arange(100) / 100, pair)
    assert least == pytest.approx(1 - 0.05 ** (1 / 100), abs=1e-3)
    assert certify_threshold(np.arange(100) / 100, pair, least).saves


class Length:
    name = "length"

    def fit(self, pair, *, seed=0):
        self.ids_ = set(pair.ids)
        return self

    def strong_win_rate(self, queries):
        return np.array([len(query.text) / 100 for query in queries])


def test_fit_and_certify_uses_each_row_for_one_of_the_two(make_pair):
    pair = lossy_pair(make_pair, np.zeros(400), texts=["x" * (i % 90) for i in range(400)])
    router, certificate = fit_and_certify(Length, pair, 0.02)
    assert len(router.ids_) == 200
    assert certificate.n == 200
    assert certificate.basis == "held_out"
    assert certificate.strong_share == 0.0


def test_the_promise_says_what_it_rests_on(make_pair):
    pair = lossy_pair(make_pair, np.zeros(200))
    proved = certify_threshold(np.arange(200) / 200, pair, 0.02, basis="held_out")
    expected = certify_threshold(np.arange(200) / 200, pair, 0.02)
    assert in_words(proved).startswith("Proved at 95% confidence on 200 queries")
    assert in_words(expected).startswith("Expected at 95% confidence from 200 queries")


def test_a_promise_over_the_next_queries_leaves_room_for_their_luck(make_pair):
    """That all of 6 losses, or 6 of 7, fall to the next hundred: 0.014 and 0.06; 4 of 4: 0.06."""
    losses = np.zeros(100)
    losses[50] = 1
    pair = lossy_pair(make_pair, losses)
    scores = np.arange(100) / 100
    over_all = certify_threshold(scores, pair, 0.05)
    next_ones = certify_threshold(scores, pair, 0.05, horizon=100)
    assert (over_all.strong_share, next_ones.strong_share) == (0.0, 0.5)
    assert not certify_threshold(scores, pair, 0.03, horizon=100).saves


def test_the_loss_of_the_next_queries_is_above_the_promise_as_rarely_as_said(make_pair):
    """300 calibrations of 300 at 90 %, each looked at on the next 300: at most 46 may break."""
    broken, to_weak = 0, 0.0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x, z = rng.random(300), rng.random(300)
        pair = lossy_pair(make_pair, (rng.random(300) < 0.2 * x**2).astype(float))
        found = certify_threshold(x, pair, 0.03, confidence=0.9, horizon=300)
        lost = (rng.random(300) < 0.2 * z**2) & (z < found.threshold)
        broken += lost.mean() > 0.03
        to_weak += (z < found.threshold).mean() / 300
    assert broken <= 46
    assert to_weak > 0.3


def test_graded_scores_have_no_promise_over_the_next_queries(make_pair):
    pair = lossy_pair(make_pair, np.full(200, 0.01))
    with pytest.raises(InputError, match="scores of 0 and 1 only"):
        certify_threshold(np.arange(200) / 200, pair, 0.05, horizon=100)

from __future__ import annotations

import numpy as np
import pytest

from llmroute.calibration.controls import (
    compare_apgr,
    control_scores,
    is_worth_shipping,
    shuffle_outcomes,
    shuffled_scores,
    task_map_scores,
)
from llmroute.calibration.split import out_of_fold


class Line:
    """Fits the gap by a straight line over the length of the prompt."""

    name = "line"

    def fit(self, pair, *, seed=0):
        lengths = np.array([len(query.text) for query in pair.queries], dtype=float)
        self.slope_, self.start_ = np.polyfit(lengths, pair.gaps, 1)
        return self

    def strong_win_rate(self, queries):
        gaps = [self.start_ + self.slope_ * len(query.text) for query in queries]
        return np.clip((np.array(gaps) + 1) / 2, 0, 1)


@pytest.fixture
def lengthy(noisy_pair):
    """Longer prompts are harder."""

    def make(n=300, seed=0, **changes):
        _, hard = noisy_pair(n, seed)
        return noisy_pair(n, seed, texts=["x" * int(1 + 200 * h) for h in hard], **changes)[0]

    return make


def test_controls_order_the_queries_as_their_names_say(make_pair):
    pair = make_pair([0, 1, 1], [1, 1, 0], texts=["long text", "mid", "x"])
    controls = control_scores(pair)
    assert controls["length"].tolist() == [9, 3, 1]
    assert controls["oracle"].tolist() == [1, 0, -1]
    assert set(controls["random"]) == {0.0}
    assert list(controls) == ["random", "length", "task_map", "oracle"]


def test_the_task_map_scores_a_query_by_its_tasks_mean_gap(make_pair):
    """Means 1 and 0 over 20 queries each, drawn to ½ by ten queries of average gap."""
    pair = make_pair([0] * 20 + [1] * 20, [1] * 40, tasks=["hard"] * 20 + ["easy"] * 20)
    scores = task_map_scores(pair)
    assert scores[:20] == pytest.approx(25 / 30)
    assert scores[20:] == pytest.approx(5 / 30)


def test_small_tasks_are_taken_together(make_pair):
    pair = make_pair([0, 1] * 20, [1] * 40, tasks=[f"t{i}" for i in range(40)])
    assert set(task_map_scores(pair)) == {0.5}


def test_no_control_beats_the_oracle_and_random_has_exactly_one_half(lengthy):
    pair = lengthy()
    found = compare_apgr(control_scores(pair), pair, resamples=100)
    assert (found["random"].value, found["random"].low, found["random"].high) == (0.5, 0.5, 0.5)
    assert max(found.values(), key=lambda apgr: apgr.value) == found["oracle"]
    assert found["length"].low > 0.5


def test_shuffled_outcomes_keep_their_means_and_leave_the_queries(lengthy):
    pair = lengthy()
    shuffled = shuffle_outcomes(pair, 0)
    assert shuffled.queries == pair.queries
    assert shuffled.gaps.sum() == pair.gaps.sum()
    assert (shuffled.gaps != pair.gaps).any()


def test_a_router_that_knows_something_is_shipped(lengthy):
    pair = lengthy(600)
    found = is_worth_shipping(out_of_fold(Line, pair), pair, resamples=500)
    assert found.shipped
    assert found.over_random.low > 0
    assert found.reason.startswith("On prompts it had not seen, the router beats random routing")


def test_a_router_that_knows_nothing_is_not_shipped(lengthy):
    pair = lengthy(600)
    found = is_worth_shipping(np.random.default_rng(77).random(600), pair, resamples=500)
    assert not found.shipped
    assert "at random" in found.reason
    assert "static map stays" in found.reason


def test_a_router_that_only_knows_the_task_is_not_shipped(make_pair):
    pair = make_pair(
        [i % 2 for i in range(600)],
        [float(i % 10 > 0) for i in range(600)],
        tasks=["easy" if i % 2 else "hard" for i in range(600)],
    )
    found = is_worth_shipping(task_map_scores(pair), pair, resamples=200)
    assert found.over_random.low > 0.1
    assert not found.shipped
    assert "static task map, which needs no model at all" in found.reason


def test_a_constant_router_gains_nothing(lengthy):
    found = is_worth_shipping(np.full(300, 0.7), lengthy(), resamples=50)
    assert (found.shipped, found.over_random.value) == (False, 0.0)


def test_a_router_is_worse_off_with_shuffled_outcomes(lengthy):
    pair = lengthy(600)
    scores, shuffled = shuffled_scores(lambda some: out_of_fold(Line, some), pair, seed=1)
    found = compare_apgr({"shuffled": scores}, shuffled, resamples=100)["shuffled"]
    assert abs(found.value - 0.5) < 0.08


def test_shuffled_outcomes_are_refused_in_nearly_every_seed(lengthy):
    """40 seeds at one-sided 97.5 %: one is expected to slip through, four would be a fault."""
    pair = lengthy(200)
    shipped = 0
    for seed in range(40):
        scores, shuffled = shuffled_scores(lambda some: out_of_fold(Line, some), pair, seed)
        shipped += is_worth_shipping(scores, shuffled, resamples=300, seed=seed).shipped
    assert shipped <= 3


def test_a_strong_model_that_may_not_be_better_ships_no_router(make_pair):
    """Gaps of +1 and −1 in nearly equal number: in many resamples there is no gap to recover."""
    pair = make_pair([0] * 31 + [1] * 30, [1] * 31 + [0] * 30)
    found = is_worth_shipping(pair.gaps, pair, resamples=300)
    assert not found.shipped
    assert found.over_random.low == -1.0

"""Candidates beside the reference, against values worked by hand and the rule's own differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from llmroute.analysis.compare import compare
from llmroute.analysis.differences import measure_differences
from llmroute.records import Outcome, Outcomes, QualityRule, QualityThreshold

RULE = QualityRule()


def outcomes_of(scores: Mapping[str, Sequence[float | None]], task: str = "t") -> Outcomes:
    return Outcomes(
        tuple(
            Outcome(task, f"s{i:03}", name, 0, score, answered=True)
            for name, values in scores.items()
            for i, score in enumerate(values)
        )
    )


def test_wins_ties_and_losses_are_counted_on_the_samples_both_have() -> None:
    outcomes = outcomes_of({"new": [1, 1, 0, 0.5, None], "old": [0, 1, 1, 0.5, 1]})
    (task,) = measure_differences(outcomes, compare(outcomes, {}, RULE, reference="old"))
    (pair,) = task.pairs
    assert (pair.candidate, pair.wins, pair.ties, pair.losses, pair.n_samples) == (
        "new",
        1,
        2,
        1,
        4,
    )
    assert pair.difference is not None
    assert pair.difference.value == pytest.approx(0.0)


def test_the_mean_weighs_samples_and_averages_repeats() -> None:
    rows = (
        Outcome("t", "a", "new", 0, 1.0, answered=True, weight=3.0),
        Outcome("t", "a", "new", 1, 0.5, answered=True, weight=3.0),
        Outcome("t", "b", "new", 0, 0.0, answered=True),
        Outcome("t", "a", "old", 0, 0.25, answered=True, weight=3.0),
        Outcome("t", "b", "old", 0, 1.0, answered=True),
    )
    comparison = compare(Outcomes(rows), {}, RULE, reference="old")
    (pair,) = measure_differences(Outcomes(rows), comparison)[0].pairs
    assert pair.difference is not None
    assert pair.difference.value == pytest.approx((3 * (0.75 - 0.25) + 1 * (0 - 1)) / 4)
    assert (pair.wins, pair.losses) == (1, 1)


def test_bounds_are_those_of_the_rule_where_the_bar_is_the_whole_reference() -> None:
    rng = np.random.default_rng(5)
    old = (rng.random(80) < 0.8).astype(float)
    new = np.where(rng.random(80) < 0.1, 1 - old, old)
    outcomes = outcomes_of({"new": new.tolist(), "old": old.tolist()})
    rule = replace(RULE, threshold=QualityThreshold(1.0, "reference"))
    comparison = compare(outcomes, {}, rule, reference="old")
    (pair,) = measure_differences(outcomes, comparison)[0].pairs
    cell = comparison.tasks[0].cell("new")
    assert cell is not None
    assert pair.difference == cell.difference


def test_bounds_are_near_students_where_his_hold() -> None:
    rng = np.random.default_rng(2)
    old = rng.beta(6, 2, 400)
    new = np.clip(old + rng.normal(0.03, 0.1, 400), 0, 1)
    outcomes = outcomes_of({"new": new.tolist(), "old": old.tolist()})
    (pair,) = measure_differences(outcomes, compare(outcomes, {}, RULE, reference="old"))[0].pairs
    test = stats.ttest_rel(new, old).confidence_interval(0.90)  # 95 % on each side
    assert pair.difference is not None
    assert pair.difference.low == pytest.approx(test.low, abs=0.01)
    assert pair.difference.high == pytest.approx(test.high, abs=0.01)
    assert pair.difference.low < pair.difference.value < pair.difference.high


def test_samples_of_one_group_are_one_piece_of_evidence() -> None:
    scores = {"new": [1.0] * 30 + [0.0] * 10, "old": [0.5] * 40}
    alone = outcomes_of(scores)
    grouped = Outcomes(
        tuple(replace(row, group=str(int(row.sample_id[1:]) // 10)) for row in alone.rows)
    )
    widths = []
    for outcomes in (alone, grouped):
        comparison = compare(outcomes, {}, RULE, reference="old")
        difference = measure_differences(outcomes, comparison)[0].pairs[0].difference
        assert difference is not None
        widths.append(difference.high - difference.low)
    assert widths[1] > 1.5 * widths[0]


def test_a_candidate_without_a_common_sample_has_no_difference() -> None:
    outcomes = outcomes_of({"new": [1.0, None], "old": [None, 1.0], "mute": [None, None]})
    (task,) = measure_differences(outcomes, compare(outcomes, {}, RULE, reference="old"))
    assert [(pair.candidate, pair.n_samples, pair.difference) for pair in task.pairs] == [
        ("new", 0, None),
        ("mute", 0, None),
    ]


def test_a_task_on_which_the_reference_has_no_score_is_left_out() -> None:
    outcomes = outcomes_of({"new": [1.0, 1.0], "old": [None, None]})
    assert measure_differences(outcomes, compare(outcomes, {}, RULE, reference="old")) == ()


def test_a_lone_candidate_is_beside_nobody() -> None:
    outcomes = outcomes_of({"old": [1.0, 0.0]})
    (task,) = measure_differences(outcomes, compare(outcomes, {}, RULE))
    assert task.pairs == ()

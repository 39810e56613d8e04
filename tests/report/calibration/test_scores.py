"""The histogram of scores and the reliability diagram."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from llmroute.calibration.policy import Policy
from llmroute.report.calibration.histogram import score_histogram, score_name
from llmroute.report.calibration.reliability import (
    chances,
    read_reliability,
    reliability_chart,
    reliability_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.calibrating import Calibration


def test_every_prompt_is_in_one_bar_of_its_outcome(calibration: Calibration) -> None:
    chart, gaps = score_histogram(calibration), calibration.pair.gaps
    sums = [sum(int(row[k]) for row in chart.table.rows) for k in (1, 2, 3)]
    assert sums == [int((gaps > 0).sum()), int((gaps == 0).sum()), int((gaps < 0).sum())]
    assert [strip.outcome for strip in chart.strips] == ["better", "same", "worse"]
    assert f"{sums[0]} prompts" in chart.strips[0].label
    drawn = [bar for strip in chart.strips for bar in strip.bars]
    assert all(chart.left <= bar.x <= bar.x + bar.width <= chart.right for bar in drawn)
    for strip in chart.strips:
        assert all(strip.top - 0.1 <= bar.y < strip.base for bar in strip.bars)


def test_the_threshold_stands_between_what_it_parts(calibration: Calibration) -> None:
    chart, point = score_histogram(calibration), calibration.point
    assert chart.threshold is not None
    assert point is not None
    assert chart.threshold.text == f"threshold {point.threshold:.4g}"
    low, high = calibration.scores.min(), calibration.scores.max()
    share = (point.threshold - low) / (high - low)
    assert chart.threshold.x == pytest.approx(
        chart.left + share * (chart.right - chart.left), abs=1
    )


def test_scores_that_are_all_alike_make_one_bar(calibration: Calibration) -> None:
    flat = Policy.route(np.full(len(calibration.pair), 0.5), calibration.pair)
    chart = score_histogram(replace(calibration, policy=flat, point=None))
    assert chart.threshold is None
    assert [len(strip.bars) for strip in chart.strips] == [1, 1, 1]


def test_a_bin_stands_on_the_diagonal_where_its_score_is_true(calibration: Calibration) -> None:
    found, chart = read_reliability(calibration), reliability_chart(calibration)
    assert found is not None
    assert chart is not None
    (x0, y0), (x1, y1) = (
        tuple(float(at) for at in corner.split(",")) for corner in chart.diagonal.split()
    )
    for mark, one in zip(chart.marks, found.bins, strict=True):
        on_line = y0 + (mark.x - x0) / (x1 - x0) * (y1 - y0)
        assert (mark.y < on_line - 0.2) == (one.observed.value > one.forecast + 0.001)
        assert mark.y_high <= mark.y <= mark.y_low
    assert len(chart.table.rows) == len(found.bins)


def test_what_was_learned_from_no_outcome_is_called_no_chance(
    make_calibration: Callable[..., Calibration], calibration: Calibration
) -> None:
    said = reliability_words(calibration, read_reliability(calibration))
    assert "Router length goes by the length of the prompt: its scores are no chances" in said
    learned = make_calibration(router="tfidf")
    assert "no chances" not in reliability_words(learned, read_reliability(learned))


def test_a_combined_policy_is_judged_by_the_score_that_decides_each_row(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    rows = make_rows(answers=True)
    cascade = make_calibration(rows, policy="cascade")
    assert cascade.answers is not None
    assert chances(cascade) is cascade.scores
    assert score_name(cascade) == "escalation_score"
    combined = make_calibration(rows, policy="combined")
    answers = combined.answers
    assert answers is not None
    assert answers.direct is not None
    direct = np.arange(len(combined.pair)) % 3 == 0
    scores = np.where(direct, 1 + answers.rates, cascade.scores)
    combined = replace(
        combined,
        policy=replace(combined.policy, scores=scores),
        answers=replace(answers, direct=replace(answers.direct, rows=direct)),
    )
    assert score_name(combined).endswith("from 1 on, 1 + strong_win_rate")
    found = chances(combined)
    assert found is not None
    assert np.array_equal(found[direct], answers.rates[direct])
    assert np.array_equal(found[~direct], cascade.scores[~direct])


def test_scores_beyond_one_are_no_chances(calibration: Calibration) -> None:
    odd = replace(calibration, policy=Policy.route(3 * calibration.scores, calibration.pair))
    assert read_reliability(odd) is None
    assert reliability_chart(odd) is None
    assert reliability_words(odd, None).startswith("The scores leave [0, 1]")

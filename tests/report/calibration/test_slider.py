"""The thresholds a reader may try: the same figures as the threshold picker's own."""

from __future__ import annotations

import shlex
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from llmroute.calibration.threshold import Target, pick_threshold
from llmroute.report.calibration.charts import cost_chart
from llmroute.report.calibration.slider import (
    build_slider,
    calibrating_command,
    curve_points,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.calibrating import Calibration


def test_it_runs_over_the_whole_curve_and_starts_where_the_threshold_was_set(
    calibration: Calibration,
) -> None:
    slider = build_slider(calibration)
    shares = [step.figures[0].text for step in slider.steps]
    assert (shares[0], shares[-1]) == ("0.0%", "100.0%")
    assert "all weak" in slider.steps[0].names
    assert "all strong" in slider.steps[-1].names
    assert "chosen" in slider.steps[slider.start].names
    assert {name for _, name in slider.jumps} == {"all weak", "chosen", "knee", "all strong"}


def test_a_hundred_thresholds_and_more_where_scores_tell_so_many_apart(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    rows = make_rows(300)
    for k, row in enumerate(rows):
        row["prompt"] += "." * k  # no two of one length
    assert len(curve_points(make_calibration(rows))) >= 100


def test_every_row_is_what_the_picker_gives_at_that_share(calibration: Calibration) -> None:
    points = curve_points(calibration)
    slider, policy = build_slider(calibration), calibration.policy
    for k in (3, len(points) // 2, len(points) - 3):
        target = Target("target_strong", float(slider.steps[k].target))
        picked = pick_threshold(
            policy.scores, policy.pair, target, strong_alone_usd=policy.strong_alone_usd
        )
        assert picked.threshold == points[k].threshold
        for name in ("strong_share", "quality", "quality_loss", "cost_usd_per_1k", "saving", "pgr"):
            ours, theirs = astuple(getattr(points[k], name)), astuple(getattr(picked, name))
            assert ours == pytest.approx(theirs, abs=1e-12), name


def test_the_chosen_row_has_the_figures_by_hand(calibration: Calibration) -> None:
    slider, pair, point = build_slider(calibration), calibration.pair, calibration.point
    assert point is not None
    strong = calibration.scores >= point.threshold
    quality = np.where(strong, pair.strong_scores, pair.weak_scores).mean()
    usd = 0.1 + 1.9 * strong.mean()  # $0.10 for 1,000 weak calls, $2 for strong ones
    loss = pair.strong_scores.mean() - quality
    pgr = (quality - pair.weak_scores.mean()) / (pair.strong_scores - pair.weak_scores).mean()
    step = slider.steps[slider.start]
    assert [one.text for one in step.figures] == [
        f"{strong.mean():.1%}",
        f"{point.threshold:.6g}",
        f"{quality:.3f}",
        f"{loss:.3f}",
        f"${usd:.2f}" if usd >= 1 else f"${usd:.2g}",
        f"{1 - usd / 2:.1%}",
        f"{pgr:.3f}",
    ]
    assert step.said.startswith(f"chosen, {strong.mean():.1%} strong calls, quality {quality:.3f}")


def test_the_command_holds_what_was_wished_and_a_share(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    rows = make_rows(weak="it's small", strong="$(large)")
    wish = make_calibration(rows, weak="it's small", strong="$(large)", seed=3).wish
    assert shlex.split(calibrating_command(wish)) == [
        "llmroute", "calibrate", "--weak", "it's small", "--strong", "$(large)",
        "--router", "length", "--seed", "3", "--target-strong",
    ]  # fmt: skip


def test_what_has_no_price_says_so_and_has_one_chart(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    found = make_calibration(make_rows(priced=False), weak="small", strong="large")
    slider = build_slider(found)
    assert cost_chart(found, slider.steps) is None
    assert all(step.figures[4].text == step.figures[5].text == "–" for step in slider.steps)
    assert "cost not known" in slider.steps[0].said


@pytest.mark.parametrize("policy", ["cascade", "combined"])
def test_a_cascade_pays_both_calls_at_the_far_end(
    make_calibration: Callable[..., Calibration], policy: Any, make_rows: Callable[..., Any]
) -> None:
    found = make_calibration(make_rows(answers=True), policy=policy)
    slider = build_slider(found)
    both, alone = 2.1, 2.0
    direct = 0.0
    if found.answers is not None and found.answers.direct is not None:
        direct = float(found.answers.direct.rows.mean())
    spent = both - direct * (both - alone)
    assert slider.steps[-1].figures[4].text == f"${spent:.2f}"
    assert slider.steps[-1].figures[5].text == f"{1 - spent / alone:.1%}"


def test_without_a_point_it_starts_at_the_knee(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    found = replace(make_calibration(make_rows(shuffled=True)), point=None)
    slider = build_slider(found)
    assert slider.steps[slider.start].names == ("knee",)
    assert not any("chosen" in step.names for step in slider.steps)

"""How long answers took, as lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from llmroute.deciding import Background
from llmroute.records import Outcome, Outcomes
from llmroute.report.bench.html import render_html
from llmroute.report.bench.latency import DRAWN, LEFT, MOST_LINES, latency_charts
from llmroute.report.bench.view import ReportView, build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def timed(name: str, *seconds: float | None) -> list[Outcome]:
    return [
        Outcome("classification", f"s{i}", name, 0, 1.0, answered=True, latency_s=at)
        for i, at in enumerate(seconds)
    ]


def view_of(run: Run, *rows: Outcome) -> ReportView:
    comparison, routing_map, _ = run
    return build_view(comparison, routing_map, Outcomes(rows))


def test_shares_are_read_off_as_numpys_inverted_distribution(small_run: Run) -> None:
    seconds = np.random.default_rng(3).lognormal(0, 0.5, 37)
    line = view_of(small_run, *timed("small", *seconds)).latencies[0].lines[0]
    for share in (0.5, 0.95):
        expected = np.quantile(seconds, share, method="inverted_cdf")
        assert line.after(share) == pytest.approx(expected)


def test_failures_and_answers_without_a_time_are_in_no_line(small_run: Run) -> None:
    failed = Outcome("classification", "x", "small", 0, None, "timed_out", latency_s=120.0)
    (task,) = view_of(small_run, *timed("small", 1.0, None, 2.0), failed).latencies
    assert task.lines[0].seconds == (1.0, 2.0)
    assert task.n_timed_out == 1


def test_slower_is_further_right_and_a_line_ends_at_all_answers(small_run: Run) -> None:
    rows = [*timed("small", 0.5, 0.6, 0.7), *timed("large", 5.0, 6.0, 7.0)]
    (chart,) = latency_charts(view_of(small_run, *rows).latencies)
    assert chart is not None
    small, large = chart.lines
    assert [line.label for line in chart.lines] == ["small (3)", "large (3)"]
    assert small.p50_x < small.p95_x < large.p50_x < large.p95_x
    corners = [tuple(map(float, corner.split(","))) for corner in small.points.split()]
    assert (corners[0][1], corners[-1][1]) == (chart.bottom, chart.top)
    assert corners == sorted(corners, key=lambda corner: (corner[0], -corner[1]))


def test_a_program_s_microseconds_stand_at_the_left_end(small_run: Run) -> None:
    rows = [*timed("tiny", 0.0, 0.00001), *timed("large", 5.0)]
    (chart,) = latency_charts(view_of(small_run, *rows).latencies)
    assert chart is not None
    assert LEFT <= chart.lines[0].p50_x == chart.lines[0].p95_x < chart.lines[1].p50_x


def test_a_long_line_has_no_more_steps_than_can_be_seen(small_run: Run) -> None:
    (chart,) = latency_charts(view_of(small_run, *timed("small", *range(1, 5001))).latencies)
    assert chart is not None
    assert len(chart.lines[0].points.split()) == 2 * DRAWN


def test_two_hundred_candidates_leave_eight_lines_and_name_the_others(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [replace(cell, candidate=f"m{i}", cost_usd_per_1k=0.1 + i) for i in range(200)]
    rows = [row for i in range(200) for row in timed(f"m{i}", 1.0 + i)]
    view = view_of(run_of(cells, reference="m199"), *rows)
    (task,) = view.latencies
    assert {line.candidate for line in task.lines} >= {"m0", "m199"}
    assert (len(task.lines), len(task.left_out)) == (MOST_LINES, 192)
    assert "and 180 more" in render_html(view)


def test_a_candidate_has_one_line_style_on_every_task(real_view: ReportView) -> None:
    styles = {(line.candidate, line.series) for task in real_view.latencies for line in task.lines}
    assert len(styles) == 5


def test_without_a_latency_the_page_says_so(small_run: Run) -> None:
    view = view_of(small_run, *timed("small", None))
    assert view.latencies == ()
    assert "No latency was recorded." in render_html(view)


def test_failed_attempts_are_told_by_kind_with_whom_they_befell(small_run: Run) -> None:
    attempts = {("small", "rate_limited"): 6, ("large", "rate_limited"): 1, ("large", "server"): 1}
    view = build_view(*small_run, background=Background(attempts=attempts))
    assert [(kind.count, kind.share, kind.candidates) for kind in view.attempts] == [
        (7, "88%", "small 6, large 1"),
        (1, "12%", "large 1"),
    ]
    assert "Attempts that failed" in render_html(view)
    assert "Attempts that failed" not in render_html(build_view(*small_run))

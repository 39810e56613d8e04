"""Candidates beside the reference, as the page shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmroute.analysis.differences import PairedDifference, TaskDifferences
from llmroute.records import Interval
from llmroute.report.bench.differences import view_differences
from llmroute.report.bench.forest import LEFT, MAX_ROWS, RIGHT, forest_charts
from llmroute.report.bench.html import render_html, report_figures
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap
    from llmroute.report.bench.differences import TaskDifferencesView
    from llmroute.report.bench.view import ReportView

    Run = tuple[Comparison, RoutingMap, Outcomes]


def measured(*pairs: PairedDifference) -> TaskDifferences:
    return TaskDifferences("classification", pairs, uncorrected=False)


def pair(name: str, value: float, low: float, high: float) -> PairedDifference:
    return PairedDifference(name, 2, 30, 5, Interval(value, low, high))


def view_of(run: Run, *pairs: PairedDifference) -> TaskDifferencesView:
    return view_differences([measured(*pairs)], build_view(*run).tasks)[0]


def test_the_bar_stands_as_far_from_zero_as_from_the_references_mean(small_run: Run) -> None:
    # large, the reference, has 0.98, and the bar is 0.85
    view = view_of(small_run, pair("small", -0.06, -0.15, 0.02))
    assert view.bar.value == pytest.approx(-0.13)
    assert view.bar.text == "−0.13"


def test_rows_say_which_side_of_zero_is_sure(small_run: Run) -> None:
    pairs = pair("tiny", -0.3, -0.4, -0.1), pair("small", -0.06, -0.15, 0.02)
    rows = view_of(small_run, *pairs).rows
    assert [(row.candidate, row.side, row.is_route) for row in rows] == [
        ("tiny", "worse", False),
        ("small", "open", True),
    ]
    assert rows[1].interval == "−0.15 to +0.02"
    assert view_of(small_run, pair("tiny", 0.1, 0.05, 0.2)).rows[0].side == "better"


def test_worse_is_further_left_and_zero_and_the_bar_lie_between(small_run: Run) -> None:
    pairs = pair("tiny", -0.3, -0.4, -0.2), pair("small", 0.06, 0.01, 0.12)
    (chart,) = forest_charts((view_of(small_run, *pairs),), "large")
    tiny, small = chart.rows
    assert tiny.x is not None
    assert small.x is not None
    assert chart.bar_x is not None
    assert LEFT <= tiny.x_low < tiny.x < chart.bar_x < chart.zero_x < small.x <= RIGHT
    assert [tick.label for tick in chart.x_ticks] == ["−0.40", "−0.20", "0.00", "+0.20"]


def test_what_is_far_below_stands_at_the_end_of_the_axis_marked_so(small_run: Run) -> None:
    (chart,) = forest_charts((view_of(small_run, pair("tiny", -0.9, -0.95, -0.8)),), "large")
    assert (chart.rows[0].beyond, chart.rows[0].x) == (True, LEFT)


def test_all_tasks_share_one_axis(small_run: Run) -> None:
    near, far = (view_of(small_run, pair("small", v, v - 0.05, v + 0.05)) for v in (0.0, -0.4))
    one, other = forest_charts((near, far), "large")
    assert (one.x_ticks, one.zero_x) == (other.x_ticks, other.zero_x)


def test_rows_without_a_common_sample_are_said_to_have_none(small_run: Run) -> None:
    view = view_of(small_run, PairedDifference("small", 0, 0, 0, None))
    (chart,) = forest_charts((view,), "large")
    assert (chart.rows[0].x, chart.rows[0].tally) == (None, "none in common")
    assert view.rows[0].difference.text == "–"


def test_two_hundred_candidates_are_all_in_the_table_and_some_in_the_figure(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [replace(cell, candidate=f"m{i}", cost_usd_per_1k=0.1 + i) for i in range(200)]
    run = run_of(cells, reference="m199")
    found = measured(*(pair(f"m{i}", 0.0, -0.1, 0.1) for i in range(199)))
    view = build_view(*run, differences=[found])
    (chart,) = forest_charts(view.differences, "m199")
    assert (len(view.differences[0].rows), len(chart.rows)) == (199, MAX_ROWS)
    assert "175 more stand in the table only" in chart.description
    section = render_html(view).split('id="differences"')[1].split("</section>")[0]
    assert section.count('<tr><th scope="row">') + section.count('<tr class="is-route">') == 199


def test_the_page_draws_a_figure_a_task_with_its_table(real_view: ReportView) -> None:
    section = render_html(real_view).split('id="differences"')[1].split("</section>")[0]
    assert section.count('<svg class="chart"') == 6
    assert section.count("<tr") == 1 + 6 * 4
    assert "differences-math_reasoning" in [figure.name for figure in report_figures(real_view)]


def test_without_measures_the_page_says_so(small_run: Run) -> None:
    assert "Nobody else was scored on a sample of the reference’s." in render_html(
        build_view(*small_run)
    )

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmroute.report.bench.charts import interval_mark, overall_chart, quality_domain, task_chart
from llmroute.report.bench.quantities import QualityView
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def test_dearer_is_further_right_and_better_is_higher(small_run: Run) -> None:
    chart = task_chart(build_view(*small_run).tasks[0])
    assert chart is not None
    tiny, small, large = chart.points
    assert tiny.x < small.x < large.x
    assert tiny.y > small.y > large.y


def test_the_chosen_candidate_is_ringed_and_the_reference_a_diamond(small_run: Run) -> None:
    chart = task_chart(build_view(*small_run).tasks[0])
    assert chart is not None
    assert [point.chosen for point in chart.points] == [False, True, False]
    assert [point.reference for point in chart.points] == [False, False, True]


def test_the_bar_lies_between_what_fails_and_what_clears(small_run: Run) -> None:
    chart = task_chart(build_view(*small_run).tasks[0])
    assert chart is not None
    assert chart.bar_y is not None
    assert chart.points[0].y > chart.bar_y > chart.points[1].y
    assert chart.bar_label == "bar 0.85"


def test_a_free_candidate_stands_left_of_every_priced_one(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [replace(cell, cost_usd_per_1k=0.001, candidate="cheap"),
             replace(cell, cost_usd_per_1k=0.0, candidate="free")]  # fmt: skip
    chart = task_chart(build_view(*run_of(cells, reference="free")).tasks[0])
    assert chart is not None
    assert chart.free_x == chart.points[0].x < chart.points[1].x


def test_what_is_far_below_the_bar_stands_at_the_foot_with_its_value(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [cell, replace(cell, candidate="rules", quality=0.06, quality_low=0.01,
                           quality_high=0.1, cost_usd_per_1k=0.01)]  # fmt: skip
    chart = task_chart(build_view(*run_of(cells, reference="small")).tasks[0])
    assert chart is not None
    rules = chart.points[0]
    assert (rules.below, rules.y, rules.y_low) == (True, chart.bottom, None)
    assert rules.label is not None
    assert rules.label.text == "rules (0.06)"


def test_dominated_candidates_are_hollow_and_off_the_staircase(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [cell, replace(cell, candidate="worse", quality=0.9, cost_usd_per_1k=1.0,
                           on_frontier=False)]  # fmt: skip
    chart = task_chart(build_view(*run_of(cells, reference="small")).tasks[0])
    assert chart is not None
    assert [point.hollow for point in chart.points] == [False, True]
    assert chart.stairs == ((chart.points[0].x, chart.points[0].y),)


def test_a_task_without_any_price_has_no_chart(run_of: Callable[..., Run], cell: Cell) -> None:
    view = build_view(*run_of([replace(cell, cost_usd_per_1k=None)], reference="small"))
    assert task_chart(view.tasks[0]) is None
    assert overall_chart(view) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.one_of(st.just(0.0), st.floats(1e-7, 1e4))),
        min_size=1,
        max_size=30,
    ),
    st.floats(0, 1),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_every_mark_stays_inside_the_drawing(
    run_of: Callable[..., Run], cell: Cell, points: list[tuple[float, float]], bar: float
) -> None:
    cells = [
        replace(cell, candidate=f"m{i}", quality=quality, quality_low=max(0.0, quality - 0.1),
                quality_high=min(1.0, quality + 0.1), cost_usd_per_1k=cost, quality_threshold=bar)
        for i, (quality, cost) in enumerate(points)
    ]  # fmt: skip
    chart = task_chart(build_view(*run_of(cells, reference="m0")).tasks[0])
    assert chart is not None
    assert len(chart.points) == len(points)
    for point in chart.points:
        assert chart.left <= point.x <= chart.right
        assert chart.top - 0.1 <= point.y <= chart.bottom
        assert point.label is None or 0 <= point.label.y <= chart.bottom


def test_interval_marks_keep_order_and_clamp_to_the_rail() -> None:
    mark = interval_mark(QualityView(0.9, 0.1, 1.0, 0.85, "0.90", ""), (0.5, 1.0))
    assert mark.low == 4.0
    assert mark.high == 128.0
    assert mark.low < (mark.bar or 0) < (mark.value or 0) < mark.high


def test_interval_marks_reach_at_most_a_little_below_the_lowest_bar(real_run: Run) -> None:
    assert quality_domain(build_view(*real_run).tasks) == (pytest.approx(0.4), 1.0)

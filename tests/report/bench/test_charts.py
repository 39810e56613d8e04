from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmroute.report.bench.charts import overall_chart, task_chart
from llmroute.report.bench.interval_marks import interval_mark, quality_domain
from llmroute.report.bench.quantities import QualityView
from llmroute.report.bench.view import build_view
from llmroute.report.labels import PHONE, SCREEN, Label, is_inside, overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap
    from llmroute.report.bench.charts import Chart
    from llmroute.report.labels import Box

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
    assert chart.bar_label is not None
    assert chart.bar_label.text == "bar 0.85"


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


# -- labels ---------------------------------------------------------------------------------------


def texts_of(chart: Chart, size: float) -> list[Box]:
    """The boxes of every text the plot shows in type of that size, its axes' too."""
    labels = [point.label for point in chart.points] + [chart.bar_label]
    shown = [label for label in labels if label and (label.phone or size == SCREEN)]
    below = chart.bottom + 17
    shown += [Label(tick.at, below, "middle", tick.label) for tick in chart.x_ticks]
    shown += [Label(chart.left - 7, tick.at + 4, "end", tick.label) for tick in chart.y_ticks]
    if chart.free_x is not None:
        shown.append(Label(chart.free_x, below, "middle", "free"))
    return [label.box(size) for label in shown]


names = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["x" * 500, "مرحبا بالعالم", "👩‍👩‍👧‍👦🔥", "WW MM", "漢字" * 30]),
)
costs = st.one_of(st.just(0.0), st.sampled_from([0.5, 0.51, 100.0]), st.floats(1e-7, 1e4))


@given(
    st.lists(st.tuples(names, st.floats(0, 1), costs), min_size=1, max_size=40),
    st.floats(0, 1),
    st.integers(0, 39),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
def test_no_text_covers_another_or_leaves_the_drawing_on_a_screen_or_a_phone(
    run_of: Callable[..., Run],
    cell: Cell,
    points: list[tuple[str, float, float]],
    bar: float,
    reference: int,
) -> None:
    cells = [
        replace(cell, candidate=f"{name}{i}", quality=quality, quality_threshold=bar,
                quality_low=max(0.0, quality - 0.1), quality_high=min(1.0, quality + 0.1),
                cost_usd_per_1k=cost, on_frontier=i % 3 == 0)
        for i, (name, quality, cost) in enumerate(points)
    ]  # fmt: skip
    paid = cells[reference % len(cells)].candidate
    chart = task_chart(build_view(*run_of(cells, reference=paid)).tasks[0])
    assert chart is not None
    for size in (SCREEN, PHONE):
        boxes = texts_of(chart, size)
        assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
        assert all(is_inside(box, (0, 0, chart.width, chart.height)) for box in boxes)


def test_a_label_stands_beside_the_stairs_and_not_on_them(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [
        replace(cell, candidate=f"model-{i}", quality=quality, cost_usd_per_1k=cost,
                quality_low=None, quality_high=None)
        for i, (quality, cost) in enumerate([(0.86, 0.01), (0.92, 0.5), (0.98, 20.0)])
    ]  # fmt: skip
    chart = task_chart(build_view(*run_of(cells, reference="model-2")).tasks[0])
    assert chart is not None
    labels = [point.label for point in chart.points if point.label]
    assert [label.text for label in labels] == ["model-0", "model-1", "model-2"]
    for (x, y), (next_x, next_y) in pairwise(chart.stairs):
        line = (x, min(y, next_y), next_x, max(y, next_y))
        line = (line[0] - 0.5, line[1] - 0.5, line[2] + 0.5, line[3] + 0.5)
        assert not any(overlap(label.box(SCREEN), line) for label in labels)


def test_the_chosen_and_the_reference_are_named_among_two_hundred(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [
        replace(cell, candidate=f"model-{i}", quality=0.7 + (i * 37 % 100) / 400,
                cost_usd_per_1k=0.01 * 1.04**i, on_frontier=False)
        for i in range(200)
    ]  # fmt: skip
    chart = task_chart(build_view(*run_of(cells, reference="model-150")).tasks[0])
    assert chart is not None
    named = [point for point in chart.points if point.label]
    assert any(point.chosen for point in named)
    assert any(point.reference for point in named)
    assert len(named) <= 14


def test_the_first_price_keeps_clear_of_free(run_of: Callable[..., Run], cell: Cell) -> None:
    cells = [replace(cell, candidate=f"m{i}", cost_usd_per_1k=cost)
             for i, cost in enumerate((0.0, 0.0012, 3.0))]  # fmt: skip
    chart = task_chart(build_view(*run_of(cells, reference="m0")).tasks[0])
    assert chart is not None
    assert chart.free_x is not None
    first = Label(chart.x_ticks[0].at, 0, "middle", chart.x_ticks[0].label).box(PHONE)
    assert first[0] > Label(chart.free_x, 0, "middle", "free").box(PHONE)[2]

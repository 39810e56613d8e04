"""The way from the reference's price to the map's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmroute.records import Volume
from llmroute.report.bench.steps import MOST_STEPS, steps_chart, view_steps
from llmroute.report.bench.tasks import TaskView
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]
    Tasks = tuple[TaskView, ...]


@pytest.fixture
def tasks(run_of: Callable[..., Run], cell: Cell) -> Callable[..., Tasks]:
    """Tasks of equal traffic by what their reference and their route cost."""

    def make(costs: dict[str, tuple[float | None, float]]) -> Tasks:
        cells = []
        for task, (paid, routed) in costs.items():
            cells += [
                replace(cell, task=task, candidate="old", verdict="fails", cost_usd_per_1k=paid),
                replace(cell, task=task, candidate="new", cost_usd_per_1k=routed),
            ]
        return build_view(*run_of(cells, reference="old")).tasks

    return make


def test_steps_lead_from_the_references_price_to_the_maps(tasks: Callable[..., Tasks]) -> None:
    view = view_steps(tasks({"a": (4.0, 1.0), "b": (2.0, 3.0)}), "old")
    assert view is not None
    assert (view.start.value, view.end.value) == (3.0, 2.0)
    assert [(step.label, step.saved.value) for step in view.steps] == [("a", 1.5), ("b", -0.5)]


def test_what_got_dearer_goes_back_to_the_right(tasks: Callable[..., Tasks]) -> None:
    chart = steps_chart(view_steps(tasks({"a": (4.0, 1.0), "b": (2.0, 3.0)}), "old"), "old")
    assert chart is not None
    start, a, b, end = chart.bars
    assert [bar.kind for bar in chart.bars] == ["total", "saved", "dearer", "total"]
    assert [bar.amount for bar in chart.bars] == ["$3.00", "−$1.50", "+$0.50", "$2.00"]
    assert a.x + a.width == pytest.approx(start.x + start.width)
    assert (b.x, b.end_x) == (a.x, end.end_x)
    assert b.x + b.width == pytest.approx(end.end_x)


def test_a_step_that_is_dearer_than_the_start_stays_on_the_axis(
    tasks: Callable[..., Tasks],
) -> None:
    chart = steps_chart(view_steps(tasks({"a": (1.0, 9.0)}), "old"), "old")
    assert chart is not None
    assert all(chart.left <= bar.x <= bar.x + bar.width <= chart.right for bar in chart.bars)
    assert chart.bars[-1].width > chart.bars[0].width


def test_unpriced_tasks_are_in_no_figure_and_named(tasks: Callable[..., Tasks]) -> None:
    view = view_steps(tasks({"a": (4.0, 1.0), "b": (None, 3.0)}), "old")
    assert view is not None
    assert (view.start.value, view.end.value, view.unpriced) == (2.0, 0.5, ("b",))


def test_without_any_price_there_are_no_steps(tasks: Callable[..., Tasks]) -> None:
    assert view_steps(tasks({"a": (None, 1.0)}), "old") is None
    assert view_steps((), "old") is None
    assert steps_chart(None, "old") is None


def test_a_reference_that_is_free_has_steps_but_no_figure(tasks: Callable[..., Tasks]) -> None:
    view = view_steps(tasks({"a": (0.0, 0.0)}), "old")
    assert view is not None
    assert steps_chart(view, "old") is None


def test_many_tasks_are_told_by_the_largest_steps_and_the_sum_of_the_rest(
    tasks: Callable[..., Tasks],
) -> None:
    view = view_steps(tasks({f"t{i:02}": (30.0 + i, 1.0) for i in range(30)}), "old")
    assert view is not None
    assert len(view.steps) == MOST_STEPS
    assert (view.steps[0].label, view.steps[-1].label) == ("t29", "19 other tasks")
    total = sum(step.saved.value or 0.0 for step in view.steps)
    assert total == pytest.approx((view.start.value or 0) - (view.end.value or 0))


def test_tasks_that_stay_are_one_step_of_nothing(real_run: Run) -> None:
    view = build_view(*real_run)
    assert view.steps is not None
    assert (view.steps.steps[-1].label, view.steps.steps[-1].saved.text) == (
        "1 task as before",
        "$0",
    )
    assert view.steps.start.value == pytest.approx(view.savings.reference.value)
    assert view.steps.end.value == pytest.approx(view.savings.routed.value)


def test_a_step_is_carried_over_to_the_stated_volume(tasks: Callable[..., Tasks]) -> None:
    found = tasks({"a": (4.0, 1.0)})
    view = view_steps(found, "old", Volume(1_200_000, "month"))
    bare = view_steps(found, "old")
    assert view is not None
    assert bare is not None
    assert view.at_volume(view.steps[0].saved) == "$3,600"
    assert bare.at_volume(bare.steps[0].saved) == "–"

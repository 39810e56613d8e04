"""Several runs on one page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.records import Provenance
from llmroute.report.history import build_history, render_history
from llmroute.report.history_charts import TimeChart

if TYPE_CHECKING:
    from llmroute.records import Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def at(routing_map: RoutingMap, day: int, **route: Any) -> RoutingMap:
    """The map as of a day, its first task's route changed."""
    first = replace(routing_map.tasks[0], **route)
    source = Provenance(run_id=f"run-{day}", started=f"2026-11-{day:02}T08:00:00Z")
    return replace(routing_map, provenance=source, tasks=(first, *routing_map.tasks[1:]))


@pytest.fixture
def maps(real_run: Run) -> list[RoutingMap]:
    _, routing_map, _ = real_run
    later = [at(routing_map, day, route="newcomer") for day in (2, 3)]
    return [at(routing_map, 1), *later]


def test_a_changed_route_is_named_in_the_run_that_changed_it(maps: list[RoutingMap]) -> None:
    view = build_history(maps)
    old = maps[0].tasks[0]
    assert view.headline == "Over 3 runs one route has changed."
    assert [run.run_id for run in view.runs] == ["run-3", "run-2", "run-1"]
    assert [run.changes for run in view.runs] == [
        (),
        (f"{old.task}: {old.route} → newcomer",),
        (),
    ]
    moments = next(task for task in view.tasks if task.task == old.task).moments
    assert [moment.changed_from for moment in moments] == [None, old.route, None]


def test_a_task_that_came_later_or_went_has_only_its_own_runs(maps: list[RoutingMap]) -> None:
    gone = replace(maps[2], tasks=maps[2].tasks[1:])
    view = build_history([maps[0], gone])
    history = {task.task: len(task.moments) for task in view.tasks}
    assert history[maps[0].tasks[0].task] == 1
    assert history[maps[0].tasks[1].task] == 2


def test_charts_need_two_runs_that_know_the_figure(maps: list[RoutingMap]) -> None:
    (single, *_) = build_history(maps[:1]).tasks
    assert (single.quality_chart, single.cost_chart) == (None, None)
    assert build_history(maps[:1]).headline.startswith("One run so far")
    several = build_history(maps).tasks[0]
    assert several.quality_chart is not None
    chart = several.quality_chart.chart
    assert isinstance(chart, TimeChart)
    assert len(chart.marks) == 3
    assert [mark.changed for mark in chart.marks].count(True) <= 1


def test_the_page_escapes_what_it_shows_and_is_the_same_for_the_same_runs(
    maps: list[RoutingMap],
) -> None:
    hostile = at(maps[0], 4, route="<script>window.pwned = 1</script>\u202e")
    view = build_history([*maps, hostile], ["Run x is left out: <b>damaged</b>."])
    page = render_history(view)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;damaged" in page
    assert "\u202e" not in page
    assert render_history(view) == page


def test_no_run_is_said_in_words() -> None:
    assert "There is no run to show yet." in render_history(build_history([]))

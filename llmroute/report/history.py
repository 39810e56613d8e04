"""Routing maps of several runs → one page: quality and price over time, and changed routes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import (
    UNKNOWN,
    bar_text,
    interval_text,
    quality_text,
    share_text,
    usd_text,
)
from llmroute.report.figures import Figure, Missing, figure_name
from llmroute.report.history_charts import COST, QUALITY, cost_figure, quality_figure
from llmroute.report.page import Page, render_page
from llmroute.report.sanitize import one_line
from llmroute.report.verdicts import SYMBOLS

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.records import RouteVerdict, RoutingMap, TaskRoute

PAGE = Page("history.html.j2", ("palette.css", "report.css", "figures.css", "history.css"))


@dataclass(frozen=True, slots=True)
class Moment:
    """One task in one run."""

    run_id: str
    started: str
    route: str
    verdict: RouteVerdict
    symbol: str
    quality: str
    interval: str
    bar: str
    cost: str
    changed_from: str | None
    """The route of the run before, where it was another; None: the same, or the first."""


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """One task over the runs that had it."""

    task: str
    moments: tuple[Moment, ...]
    """The newest first."""
    quality_chart: Figure | None
    cost_chart: Figure | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run as a line of the index."""

    run_id: str
    started: str
    n_tasks: int
    saved: str
    routed: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Several runs of one project."""

    headline: str
    runs: tuple[RunLine, ...]
    """The newest first."""
    tasks: tuple[TaskHistory, ...]
    notes: tuple[str, ...]


def build_history(maps: Sequence[RoutingMap], notes: Sequence[str] = ()) -> HistoryView:
    """What the page shows of some runs.

    Args:
        maps: one a run, the oldest first.
        notes: what a reader must know, such as runs that could not be read.
    """
    tasks = dict.fromkeys(route.task for newest in reversed(maps) for route in newest.tasks)
    lines = [_run_line(one, maps[index - 1] if index else None) for index, one in enumerate(maps)]
    return HistoryView(
        headline=_headline(maps, lines),
        runs=tuple(reversed(lines)),
        tasks=tuple(_task_history(task, maps) for task in tasks),
        notes=tuple(notes),
    )


def render_history(view: HistoryView, template_dir: Path | None = None) -> str:
    """The whole page; the same view and templates give the same text.

    Raises:
        InputError: a project's template or stylesheet cannot be used.
    """
    return render_page(PAGE, template_dir, view=view)


def history_figures(view: HistoryView) -> tuple[Figure | Missing, ...]:
    """Every figure of the page, in its order."""
    return tuple(
        figure or Missing(figure_name(name, task.task), "fewer than two runs know it")
        for task in view.tasks
        for name, figure in ((QUALITY, task.quality_chart), (COST, task.cost_chart))
    )


def _headline(maps: Sequence[RoutingMap], lines: Sequence[RunLine]) -> str:
    if not maps:
        return "There is no run to show yet."
    if len(maps) == 1:
        return "One run so far: there is nothing to compare it with yet."
    met = Counter(route.task for routing_map in maps for route in routing_map.tasks)
    if max(met.values(), default=0) < 2:
        return f"Over {len(maps)} runs no task came twice: there is nothing to compare yet."
    changes = sum(len(line.changes) for line in lines)
    times = (
        "no route has changed"
        if not changes
        else ("one route has changed" if changes == 1 else f"{changes} routes have changed")
    )
    return f"Over {len(maps)} runs {times}."


def _run_line(routing_map: RoutingMap, before: RoutingMap | None) -> RunLine:
    share = routing_map.savings.saved_share
    old = {route.task: route.route for route in before.tasks} if before else {}
    return RunLine(
        run_id=routing_map.provenance.run_id or UNKNOWN,
        started=routing_map.provenance.started or UNKNOWN,
        n_tasks=len(routing_map.tasks),
        saved=share_text(share.value if share else None),
        routed=usd_text(routing_map.savings.routed_usd_per_1k),
        changes=tuple(
            f"{one_line(r.task, 40)}: {one_line(old[r.task], 40)} → {one_line(r.route, 40)}"
            for r in routing_map.tasks
            if old.get(r.task, r.route) != r.route
        ),
    )


def _task_history(task: str, maps: Sequence[RoutingMap]) -> TaskHistory:
    found = [(m, r) for m in maps for r in m.tasks if r.task == task]
    routes = [route for _, route in found]
    before: list[TaskRoute | None] = [None, *routes[:-1]]
    moments = [
        _moment(routing_map, route, old)
        for (routing_map, route), old in zip(found, before, strict=True)
    ]
    return TaskHistory(
        task=task,
        moments=tuple(reversed(moments)),
        quality_chart=quality_figure(routes, moments),
        cost_chart=cost_figure(routes, moments),
    )


def _moment(routing_map: RoutingMap, route: TaskRoute, before: TaskRoute | None) -> Moment:
    seen = route.evidence
    changed = before is not None and before.route != route.route
    return Moment(
        run_id=routing_map.provenance.run_id or UNKNOWN,
        started=routing_map.provenance.started or UNKNOWN,
        route=route.route,
        verdict=route.verdict,
        symbol=SYMBOLS[route.verdict],
        quality=quality_text(seen.quality, route.quality_threshold),
        interval=interval_text(seen.quality_low, seen.quality_high),
        bar=bar_text(route.quality_threshold),
        cost=usd_text(seen.cost_usd_per_1k),
        changed_from=before.route if changed and before else None,
    )

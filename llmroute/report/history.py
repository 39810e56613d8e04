"""Routing maps of several runs → one page: quality and price over time, and changed routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import (
    bar_text,
    counted,
    interval_text,
    quality_text,
    share_text,
    usd_text,
)
from llmroute.report.attributes import Corners
from llmroute.report.figures import Figure, Missing, figure_name
from llmroute.report.page import Page, render_page
from llmroute.report.sanitize import one_line
from llmroute.report.verdicts import SYMBOLS

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.records import RouteVerdict, RoutingMap, TaskRoute

PAGE = Page("history.html.j2", ("palette.css", "report.css", "figures.css", "history.css"))
QUALITY, COST = "quality-over-time", "cost-over-time"
WIDTH, HEIGHT = 420.0, 130.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 12.0, 12.0, 22.0


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
class Mark:
    """One run's place on a chart of time."""

    x: float
    y: float
    y_low: float | None
    y_high: float | None
    changed: bool
    tip: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """A figure over the runs, the oldest left."""

    title: str
    description: str
    marks: tuple[Mark, ...]
    line: Corners
    bar_y: float | None
    low_label: str
    high_label: str
    first_label: str
    last_label: str
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


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
        run_id=routing_map.provenance.run_id or "",
        started=routing_map.provenance.started or "",
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
        quality_chart=_quality_chart(routes, moments),
        cost_chart=_cost_chart(routes, moments),
    )


def _moment(routing_map: RoutingMap, route: TaskRoute, before: TaskRoute | None) -> Moment:
    seen = route.evidence
    changed = before is not None and before.route != route.route
    return Moment(
        run_id=routing_map.provenance.run_id or "",
        started=routing_map.provenance.started or "",
        route=route.route,
        verdict=route.verdict,
        symbol=SYMBOLS[route.verdict],
        quality=quality_text(seen.quality, route.quality_threshold),
        interval=interval_text(seen.quality_low, seen.quality_high),
        bar=bar_text(route.quality_threshold),
        cost=usd_text(seen.cost_usd_per_1k),
        changed_from=before.route if changed and before else None,
    )


# -- charts ---------------------------------------------------------------------------------------


def _quality_chart(routes: Sequence[TaskRoute], moments: Sequence[Moment]) -> Figure | None:
    seen = [route.evidence for route in routes]
    bars = [r.quality_threshold for r in routes if r.quality_threshold is not None]
    return _figure(
        QUALITY,
        routes[0].task,
        f"Quality of {one_line(routes[0].task, 60)} over the runs",
        [(one.quality, one.quality_low, one.quality_high) for one in seen],
        [f"{m.quality} by {one_line(m.route, 60)}" for m in moments],
        moments,
        bar=bars[-1] if bars else None,
    )


def _cost_chart(routes: Sequence[TaskRoute], moments: Sequence[Moment]) -> Figure | None:
    return _figure(
        COST,
        routes[0].task,
        f"Price of 1,000 requests of {one_line(routes[0].task, 60)} over the runs",
        [(route.evidence.cost_usd_per_1k, None, None) for route in routes],
        [f"{m.cost} with {one_line(m.route, 60)}" for m in moments],
        moments,
        dollars=True,
    )


def _figure(
    what: str,
    task: str,
    title: str,
    values: Sequence[tuple[float | None, float | None, float | None]],
    tips: Sequence[str],
    moments: Sequence[Moment],
    *,
    bar: float | None = None,
    dollars: bool = False,
) -> Figure | None:
    """The chart, or None where fewer than two runs know the figure."""
    known = [one for triple in values for one in (*triple, bar) if one is not None]
    if sum(value is not None for value, _, _ in values) < 2:
        return None
    low, high = (0.0 if dollars else min(known)), max(known)
    high = high if high > low else low + (1.0 if dollars else 0.05)
    step = (WIDTH - LEFT - RIGHT) / max(len(values) - 1, 1)

    def place(value: float) -> float:
        share = (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    marks = tuple(
        Mark(
            x=round(LEFT + index * step, 1),
            y=place(value),
            y_low=None if below is None else place(below),
            y_high=None if above is None else place(above),
            changed=moments[index].changed_from is not None,
            tip=f"{moments[index].started}: {tips[index]}",
        )
        for index, (value, below, above) in enumerate(values)
        if value is not None
    )
    label = usd_text if dollars else quality_text
    chart = TimeChart(
        title=title,
        description=f"{counted(len(marks), 'run')}, the oldest left; the table holds the figures.",
        marks=marks,
        line=Corners(" ".join(f"{mark.x},{mark.y}" for mark in marks)),
        bar_y=None if bar is None else place(bar),
        low_label=label(low),
        high_label=label(high),
        first_label=moments[0].started[:10],
        last_label=moments[-1].started[:10],
    )
    return Figure.of(figure_name(what, task), "time", chart)

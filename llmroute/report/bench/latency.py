"""Outcomes → how long each candidate's answers took, as a line a candidate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from llmroute.report.amounts import seconds_text
from llmroute.report.attributes import Corners
from llmroute.report.axes import LinearAxis, LogAxis, Tick
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.records import Outcome
    from llmroute.report.bench.tasks import TaskView

MOST_LINES = 8
"""More can't be told apart."""
DRAWN = 40
"""Steps of a line; more can't be seen."""
FASTEST_S = 0.01
"""What is faster stands at the axis' left end: a program's microseconds would squeeze the rest."""
WIDTH = 520.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 508.0, 10.0, 210.0
LIST_TOP, LIST_ROW, LIST_COLUMN = 268.0, 20.0, 260.0
"""The lines' names stand below the axis, two a row."""
NAME_CHARS = 24


@dataclass(frozen=True, slots=True)
class Latencies:
    """One candidate's answers to one task."""

    candidate: str
    series: int
    """The same candidate has the same line in every figure of the page."""
    seconds: tuple[float, ...]
    """Of every answer that was timed, the shortest first."""

    def after(self, share: float) -> float:
        """The time after which this share of the answers was there."""
        return self.seconds[max(ceil(share * len(self.seconds)) - 1, 0)]


@dataclass(frozen=True, slots=True)
class TaskLatencies:
    """How long answers to one task took."""

    task: str
    lines: tuple[Latencies, ...]
    """The quickest half first."""
    left_out: tuple[str, ...]
    """Candidates that were timed and have no line, since more can't be told apart."""
    n_timed_out: int
    """Calls of these lines' candidates that were given up waiting for; they are in no line."""


@dataclass(frozen=True, slots=True)
class LatencyLine:
    """One candidate's line, and its entry in the list beside it."""

    points: Corners
    series: int
    p50_x: float
    p95_x: float
    label_x: float
    label_y: float
    label: str
    tip: str


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """The share of answers that was there after so many seconds."""

    title: str
    description: str
    lines: tuple[LatencyLine, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    p50_y: float
    p95_y: float
    height: float
    axis_y: float = LIST_TOP - 24
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP
    bottom: float = BOTTOM


def view_latencies(
    rows: Iterable[Outcome],
    tasks: tuple[TaskView, ...],
    candidates: tuple[str, ...],
    reference: str,
) -> tuple[TaskLatencies, ...]:
    """One entry for each task with a timed answer.

    Args:
        rows: all outcomes.
        tasks: whose routes and fallbacks have a line before others.
        candidates: from the cheapest to the dearest; who has a line after these.
        reference: has one, too.
    """
    seconds: dict[str, dict[str, list[float]]] = {}
    timed_out: dict[str, Counter[str]] = {}
    for row in rows:
        if row.answered and row.latency_s is not None:
            seconds.setdefault(row.task, {}).setdefault(row.candidate, []).append(row.latency_s)
        elif row.reason == "timed_out":
            timed_out.setdefault(row.task, Counter())[row.candidate] += 1
    timed = {name for task in seconds.values() for name in task}
    series = _series(timed, tasks, candidates, reference)
    return tuple(
        _task(task.task, seconds[task.task], series, timed_out.get(task.task, Counter()))
        for task in tasks
        if task.task in seconds
    )


def _series(
    timed: set[str], tasks: tuple[TaskView, ...], candidates: tuple[str, ...], reference: str
) -> dict[str, int]:
    routes = [task.route for task in tasks]
    fallbacks = [name for task in tasks for name in task.fallbacks]
    wanted = dict.fromkeys([*routes, reference, *fallbacks, *candidates])
    shown = [name for name in wanted if name in timed][:MOST_LINES]
    return {name: index for index, name in enumerate(shown)}


def _task(
    task: str, seconds: dict[str, list[float]], series: dict[str, int], timed_out: Counter[str]
) -> TaskLatencies:
    lines = [
        Latencies(name, series[name], tuple(sorted(found)))
        for name, found in seconds.items()
        if name in series
    ]
    return TaskLatencies(
        task=task,
        lines=tuple(sorted(lines, key=lambda line: (line.after(0.5), line.candidate))),
        left_out=tuple(name for name in seconds if name not in series),
        n_timed_out=sum(timed_out[name] for name in series),
    )


def latency_charts(tasks: tuple[TaskLatencies, ...]) -> list[LatencyChart | None]:
    """A figure a task, all on one axis; None where no candidate with a line was timed."""
    ends = [
        max(at, FASTEST_S)
        for task in tasks
        for line in task.lines
        for at in (line.seconds[0], line.seconds[-1])
    ]
    axis = LogAxis.around(ends, start=LEFT, end=RIGHT)
    return [_chart(task, axis) if task.lines else None for task in tasks]


def _chart(task: TaskLatencies, x_axis: LogAxis) -> LatencyChart:
    y_axis = LinearAxis(0.0, 1.0, BOTTOM, TOP)
    slowest = max(task.lines, key=lambda line: line.after(0.95))
    return LatencyChart(
        title=f"{one_line(task.task, 60)}: answers that were there after so many seconds",
        description=f"{len(task.lines)} candidates. Slowest to 95%: "
        f"{one_line(slowest.candidate, 60)}, {seconds_text(slowest.after(0.95))}. "
        "The table below holds medians and 95th percentiles.",
        lines=tuple(_line(line, i, x_axis, y_axis) for i, line in enumerate(task.lines)),
        x_ticks=x_axis.ticks(lambda s: f"{s:g} s", LEFT - 20, RIGHT + 20),
        y_ticks=tuple(Tick(y_axis.place(v), f"{v:.0%}") for v in (0.0, 0.5, 0.95)),
        p50_y=y_axis.place(0.5),
        p95_y=y_axis.place(0.95),
        height=LIST_TOP + LIST_ROW * ((len(task.lines) - 1) // 2) + 8,
    )


def _line(line: Latencies, index: int, x_axis: LogAxis, y_axis: LinearAxis) -> LatencyLine:
    def place(seconds: float) -> float:
        return x_axis.place(max(seconds, FASTEST_S))

    p50, p95, n = line.after(0.5), line.after(0.95), len(line.seconds)
    return LatencyLine(
        points=_corners(line.seconds, x_axis, y_axis),
        series=line.series,
        p50_x=place(p50),
        p95_x=place(p95),
        label_x=LIST_COLUMN * (index % 2),
        label_y=LIST_TOP + LIST_ROW * (index // 2),
        label=f"{one_line(line.candidate, NAME_CHARS)} ({n:,})",
        tip=f"{one_line(line.candidate, 80)}: half within {seconds_text(p50)}, 95% within "
        f"{seconds_text(p95)}, of {n:,} timed answers",
    )


def _corners(seconds: Sequence[float], x_axis: LogAxis, y_axis: LinearAxis) -> Corners:
    """The steps of the line: flat until an answer comes, then up by its share."""
    n = len(seconds)
    kept = sorted({round(i * (n - 1) / max(DRAWN - 1, 1)) for i in range(DRAWN)})
    y = y_axis.place(0.0)
    corners = []
    for i in kept:
        x, before, y = x_axis.place(max(seconds[i], FASTEST_S)), y, y_axis.place((i + 1) / n)
        corners += [f"{x:g},{before:g}", f"{x:g},{y:g}"]
    return Corners(" ".join(corners))

"""TaskDifferencesView → the geometry of a forest plot: a row a candidate, zero is the reference."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from llmroute.report.amounts import signed_text
from llmroute.report.axes import LinearAxis, Tick
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.report.bench.differences import DifferenceView, Side, TaskDifferencesView

WIDTH, ROW, TOP, BOTTOM = 520.0, 22.0, 20.0, 40.0
LEFT, RIGHT = 190.0, 425.0
"""Where the axis begins and ends: names stand left of it, wins, ties and losses right."""
MAX_ROWS = 24
NAME_CHARS = 24
LOWEST = -0.5
"""An axis reaches no further down; what is lower stands at its end, marked so."""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One candidate."""

    y: float
    name: str
    x: float | None
    """None: no sample has both scores."""
    x_low: float
    x_high: float
    side: Side
    chosen: bool
    beyond: bool
    """Lower than the axis reaches: drawn at its end."""
    tally: str
    tip: str


@dataclass(frozen=True, slots=True)
class ForestChart:
    """Differences from the reference on one task."""

    title: str
    description: str
    rows: tuple[ForestRow, ...]
    x_ticks: tuple[Tick, ...]
    zero_x: float
    bar_x: float | None
    bar_label: str
    height: float
    bottom: float
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP


def forest_charts(tasks: tuple[TaskDifferencesView, ...], reference: str) -> list[ForestChart]:
    """A figure a task, all on one axis."""
    axis = _axis(tasks)
    return [_chart(task, axis, reference) for task in tasks]


def _axis(tasks: Iterable[TaskDifferencesView]) -> LinearAxis:
    """One for all tasks, so that their figures can be compared."""
    ends = [0.0]
    for task in tasks:
        ends += [at for row in task.rows for at in (row.low, row.high) if at is not None]
        ends += [] if task.bar.value is None else [task.bar.value]
    low, high = max(min(ends), LOWEST), max(ends)
    step = 0.05 if high - low <= 0.25 else 0.1
    up = max(ceil(high / step - 1e-9) * step, step)
    return LinearAxis(floor(low / step + 1e-9) * step, up, LEFT, RIGHT)


def _chart(task: TaskDifferencesView, axis: LinearAxis, reference: str) -> ForestChart:
    drawn = task.rows[:MAX_ROWS]
    bottom = TOP + ROW * len(drawn)
    bar = task.bar.value
    more = len(task.rows) - len(drawn)
    return ForestChart(
        title=f"{one_line(task.task, 60)}: beside {one_line(reference, 40)}",
        description=f"{len(drawn)} candidates, each one's mean score less the reference's on the "
        "same samples, with bounds; the table below holds the numbers."
        + (f" {more} more stand in the table only." if more else ""),
        rows=tuple(_row(row, axis, index) for index, row in enumerate(drawn)),
        x_ticks=axis.ticks(signed_text, 4),
        zero_x=axis.place(0.0),
        bar_x=None if bar is None else axis.place(bar),
        bar_label="" if bar is None else f"bar {task.bar.text}",
        height=bottom + BOTTOM,
        bottom=bottom,
    )


def _row(row: DifferenceView, axis: LinearAxis, index: int) -> ForestRow:
    value, low, high = row.difference.value, row.low, row.high
    bounds = f" ({row.interval})" if row.interval else ""
    return ForestRow(
        y=TOP + ROW * (index + 0.5),
        name=one_line(row.candidate, NAME_CHARS),
        x=None if value is None else axis.place(value),
        x_low=axis.place(0.0 if low is None else low),
        x_high=axis.place(0.0 if high is None else high),
        side=row.side,
        chosen=row.is_route,
        beyond=value is not None and value < axis.low,
        tally=f"{row.wins:,} · {row.ties:,} · {row.losses:,}"
        if row.n_samples
        else "none in common",
        tip=f"{one_line(row.candidate, 80)}: {row.difference.text}{bounds}, better on {row.wins:,},"
        f" alike on {row.ties:,}, worse on {row.losses:,} samples",
    )

"""A task over several runs → chart geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import bar_text, counted
from llmroute.report.attributes import Corners
from llmroute.report.axes import LinearAxis, Tick, joined, usd_tick
from llmroute.report.figures import Figure, figure_name
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.records import TaskRoute
    from llmroute.report.history import Moment

QUALITY, COST = "quality-over-time", "cost-over-time"
WIDTH, HEIGHT = 420.0, 130.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 12.0, 22.0

Bounded = tuple[float | None, float | None, float | None]
"""A value with its bounds."""


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
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    line: Corners
    bar_y: float | None
    first_label: str
    last_label: str
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def quality_figure(routes: Sequence[TaskRoute], moments: Sequence[Moment]) -> Figure | None:
    """The routes' quality with its bounds; None where fewer than two runs know it."""
    seen = [route.evidence for route in routes]
    values = [(one.quality, one.quality_low, one.quality_high) for one in seen]
    bars = [r.quality_threshold for r in routes if r.quality_threshold is not None]
    if not _is_drawn(values):
        return None
    known = [at for bounds in (*values, bars[-1:]) for at in bounds if at is not None]
    low, high = min(known), max(known)
    axis = _axis(low, high if high > low else low + 0.05)
    tips = [f"{m.quality} by {one_line(m.route, 60)}" for m in moments]
    chart = _chart(
        f"Quality of {one_line(routes[0].task, 60)} over the runs",
        axis.ticks(bar_text, count=3),
        _marks(axis, values, moments, tips),
        moments,
        bar_y=axis.place(bars[-1]) if bars else None,
    )
    return Figure.of(figure_name(QUALITY, routes[0].task), "time", chart)


def cost_figure(routes: Sequence[TaskRoute], moments: Sequence[Moment]) -> Figure | None:
    """What the routes cost, from zero; None where fewer than two runs know it."""
    values: list[Bounded] = [(route.evidence.cost_usd_per_1k, None, None) for route in routes]
    if not _is_drawn(values):
        return None
    axis = _axis(0.0, max(usd for usd, _, _ in values if usd is not None) or 1.0)
    tips = [f"{m.cost} with {one_line(m.route, 60)}" for m in moments]
    chart = _chart(
        f"Price of 1,000 requests of {one_line(routes[0].task, 60)} over the runs",
        axis.ticks(usd_tick, count=3),
        _marks(axis, values, moments, tips),
        moments,
    )
    return Figure.of(figure_name(COST, routes[0].task), "time", chart)


def _is_drawn(values: Sequence[Bounded]) -> bool:
    return sum(value is not None for value, _, _ in values) >= 2


def _axis(low: float, high: float) -> LinearAxis:
    return LinearAxis(low, high, start=HEIGHT - BOTTOM, end=TOP)


def _marks(
    axis: LinearAxis, values: Sequence[Bounded], moments: Sequence[Moment], tips: Sequence[str]
) -> tuple[Mark, ...]:
    runs = LinearAxis(0, len(values) - 1, start=LEFT, end=WIDTH - RIGHT)
    return tuple(
        Mark(
            x=runs.place(index),
            y=axis.place(value),
            y_low=None if low is None else axis.place(low),
            y_high=None if high is None else axis.place(high),
            changed=moments[index].changed_from is not None,
            tip=f"{moments[index].started}: {tips[index]}",
        )
        for index, (value, low, high) in enumerate(values)
        if value is not None
    )


def _chart(
    title: str,
    y_ticks: tuple[Tick, ...],
    marks: tuple[Mark, ...],
    moments: Sequence[Moment],
    bar_y: float | None = None,
) -> TimeChart:
    return TimeChart(
        title=title,
        description=f"{counted(len(marks), 'run')}, the oldest left; the table holds the figures.",
        y_ticks=y_ticks,
        marks=marks,
        line=joined((mark.x, mark.y) for mark in marks),
        bar_y=bar_y,
        first_label=moments[0].started[:10],
        last_label=moments[-1].started[:10],
    )

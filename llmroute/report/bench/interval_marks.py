"""Qualities → small marks with interval and bar, all of a table on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from llmroute.report.axes import LinearAxis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.report.bench.quantities import QualityView
    from llmroute.report.bench.tasks import TaskView

WIDTH, MARGIN = 132.0, 4.0
BELOW_BAR = 0.4
"""How far under the bar an axis reaches; what is lower stands at its end, marked so."""


@dataclass(frozen=True, slots=True)
class IntervalMark:
    """A quality with its interval on a small axis, beside the bar."""

    width: float
    value: float | None
    low: float | None
    high: float | None
    bar: float | None


def quality_domain(tasks: Iterable[TaskView]) -> tuple[float, float]:
    """The range the interval marks of all cells share; far below the bars nothing need be told
    apart, so it starts at most `BELOW_BAR` under the lowest of them."""
    tasks = tuple(tasks)
    qualities = [cell.quality for task in tasks for cell in task.cells]
    bars = [task.bar.value for task in tasks if task.bar.value is not None]
    return _domain(qualities, min(bars) - BELOW_BAR if bars else 0.0)


def route_domain(tasks: Iterable[TaskView]) -> tuple[float, float]:
    """The range the interval marks of the routes share."""
    return _domain([task.quality for task in tasks], 0.0)


def _domain(qualities: Iterable[QualityView], floor_at: float) -> tuple[float, float]:
    known = [
        bound
        for quality in qualities
        for bound in (quality.low, quality.value, quality.bar)
        if bound is not None
    ]
    lowest = max(min(known, default=0.0), floor_at, 0.0)
    return min(floor(lowest * 10 + 1e-9) / 10, 0.9), 1.0


def interval_mark(quality: QualityView, domain: tuple[float, float]) -> IntervalMark:
    """Where value, bounds and bar stand on an axis over `domain`."""
    axis = LinearAxis(*domain, start=MARGIN, end=WIDTH - MARGIN)

    def place(value: float | None) -> float | None:
        return None if value is None else axis.place(value)

    return IntervalMark(
        WIDTH, place(quality.value), place(quality.low), place(quality.high), place(quality.bar)
    )

"""Tasks → from the reference's price to the map's, a step a task."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import fsum
from operator import sub
from typing import TYPE_CHECKING

from llmroute.report.amounts import counted, usd_text
from llmroute.report.axes import LinearAxis, Tick, usd_tick
from llmroute.report.bench.quantities import Quantity
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.records import Volume
    from llmroute.report.bench.tasks import TaskView

MOST_STEPS = 12
"""More tasks than these are one step together, the smallest first."""
WIDTH, ROW, TOP, BOTTOM = 520.0, 24.0, 6.0, 40.0
LEFT, RIGHT = 190.0, 450.0
NAME_CHARS = 24


@dataclass(frozen=True, slots=True)
class Step:
    """What routing one task, or several small ones together, saves of all traffic."""

    label: str
    saved: Quantity
    """Dollars of 1,000 requests of all tasks; negative: it got dearer."""


@dataclass(frozen=True, slots=True)
class StepsView:
    """The way from everything on the reference to the map, in $ per 1,000 requests."""

    start: Quantity
    """The priced tasks with the reference alone."""
    end: Quantity
    """The same by the map."""
    steps: tuple[Step, ...]
    """The largest saving first; what got dearer last."""
    unpriced: tuple[str, ...]
    """Tasks whose route or reference has no price: in neither figure."""
    thousands: float | None
    """Thousands of requests in the stated period; None: no volume is stated."""

    def at_volume(self, amount: Quantity) -> str:
        """Dollars of 1,000 requests of all tasks, at the stated volume."""
        known = amount.value is not None and self.thousands is not None
        return usd_text((amount.value or 0.0) * (self.thousands or 0.0) if known else None)


@dataclass(frozen=True, slots=True)
class StepBar:
    """One row of the figure."""

    y: float
    name: str
    x: float
    width: float
    kind: str
    """total, saved or dearer."""
    end_x: float
    """Where the next row goes on."""
    amount: str


@dataclass(frozen=True, slots=True)
class StepsChart:
    """A waterfall with a row a step."""

    title: str
    description: str
    bars: tuple[StepBar, ...]
    x_ticks: tuple[Tick, ...]
    height: float
    bottom: float
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP


def view_steps(
    tasks: tuple[TaskView, ...], reference: str, volume: Volume | None = None
) -> StepsView | None:
    """Every priced task's part of the saving; None where no task is priced."""
    priced = [task for task in tasks if task.saved_of_all.value is not None]
    if not priced:
        return None
    start = fsum(_part(task, task.reference_cost) for task in priced)
    end = fsum(_part(task, task.cost) for task in priced)
    return StepsView(
        start=Quantity.usd(start),
        end=Quantity.usd(end),
        steps=_steps(priced, reference),
        unpriced=tuple(task.task for task in tasks if task.saved_of_all.value is None),
        thousands=volume.requests / 1000 if volume else None,
    )


def _part(task: TaskView, cost: Quantity) -> float:
    return (task.traffic.value or 0.0) * (cost.value or 0.0)


def _steps(tasks: list[TaskView], reference: str) -> tuple[Step, ...]:
    moved = [
        (task.task, task.saved_of_all.value or 0.0) for task in tasks if task.route != reference
    ]
    moved.sort(key=lambda item: (-abs(item[1]), item[0]))
    shown = moved if len(moved) <= MOST_STEPS else moved[: MOST_STEPS - 1]
    rest = moved[len(shown) :]
    shown = sorted(shown, key=lambda item: -item[1])
    steps = [Step(name, Quantity.usd(saved)) for name, saved in shown]
    if rest:
        saved = fsum(amount for _, amount in rest)
        steps.append(Step(f"{len(rest)} other tasks", Quantity.usd(saved)))
    stay = len(tasks) - len(moved)
    if stay:
        steps.append(Step(f"{counted(stay, 'task')} as before", Quantity.usd(0.0)))
    return tuple(steps)


def steps_chart(view: StepsView | None, reference: str) -> StepsChart | None:
    """The waterfall; None where nothing is priced, or free from the start."""
    if view is None or not view.start.value:
        return None
    levels = _levels(view)
    axis = LinearAxis(0.0, max(levels) * 1.02, LEFT, RIGHT)
    bars = _bars(view, reference, levels, axis)
    bottom = TOP + ROW * len(bars)
    unpriced = counted(len(view.unpriced), "task")
    left_out = f" {unpriced} without a price left out." if view.unpriced else ""
    return StepsChart(
        title="From the reference’s price to the map’s, task by task",
        description=f"{view.start.text} per 1,000 requests with the reference alone, "
        f"{view.end.text} by the map; the table beside holds each task’s part.{left_out}",
        bars=bars,
        x_ticks=axis.ticks(usd_tick, 4),
        height=bottom + BOTTOM,
        bottom=bottom,
    )


def _levels(view: StepsView) -> list[float]:
    """What all requests cost before the first step, and after each."""
    saved = [step.saved.value or 0.0 for step in view.steps]
    return list(accumulate(saved, sub, initial=view.start.value or 0.0))


def _bars(
    view: StepsView, reference: str, levels: list[float], axis: LinearAxis
) -> tuple[StepBar, ...]:
    steps = zip(view.steps, pairwise(levels), strict=True)
    return (
        _total(0, f"{one_line(reference, 16)} alone", view.start, axis),
        *(_bar(row, step, *ends, axis) for row, (step, ends) in enumerate(steps, start=1)),
        _total(len(view.steps) + 1, "this map", view.end, axis),
    )


def _total(row: int, name: str, amount: Quantity, axis: LinearAxis) -> StepBar:
    end = axis.place(amount.value or 0.0)
    return StepBar(_y(row), name, axis.start, round(end - axis.start, 1), "total", end, amount.text)


def _bar(row: int, step: Step, before: float, after: float, axis: LinearAxis) -> StepBar:
    saved = before - after
    left, right = sorted((axis.place(before), axis.place(after)))
    kind = "dearer" if saved < 0 else "saved"
    sign = "+" if saved < 0 else "−" if saved > 0 else ""
    return StepBar(
        y=_y(row),
        name=one_line(step.label, NAME_CHARS),
        x=left,
        width=round(max(right - left, 1.0), 1),
        kind=kind,
        end_x=axis.place(after),
        amount=f"{sign}{usd_text(abs(saved))}",
    )


def _y(row: int) -> float:
    return TOP + ROW * row + 4

"""TaskDifferences → every candidate beside the reference, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llmroute.report.amounts import signed_interval_text, signed_text
from llmroute.report.bench.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.analysis.differences import PairedDifference, TaskDifferences
    from llmroute.report.bench.tasks import TaskView

Side = Literal["better", "worse", "open"]
"""Whether both bounds are on one side of zero."""


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """One candidate's scores less the reference's, on the samples that both have a score on."""

    candidate: str
    difference: Quantity
    low: float | None
    high: float | None
    interval: str
    """'−0.08 to +0.02'; empty: no sample has both scores."""
    side: Side
    wins: int
    ties: int
    losses: int
    n_samples: int
    is_route: bool


@dataclass(frozen=True, slots=True)
class TaskDifferencesView:
    """All other candidates of a task beside the reference."""

    task: str
    bar: Quantity
    """How far from the reference's own mean the bar lies; no value: there is no bar, or no mean."""
    uncorrected: bool
    """Whether people's labels correct the task's qualities, but not these single scores."""
    rows: tuple[DifferenceView, ...]
    """From the cheapest candidate to the dearest."""


def view_differences(
    measured: Iterable[TaskDifferences], tasks: tuple[TaskView, ...]
) -> tuple[TaskDifferencesView, ...]:
    """One entry for each task with another candidate than the reference."""
    views = {task.task: task for task in tasks}
    return tuple(_view(one, views[one.task]) for one in measured if one.pairs and one.task in views)


def _view(measured: TaskDifferences, task: TaskView) -> TaskDifferencesView:
    paid = next((cell.quality.value for cell in task.cells if cell.is_reference), None)
    bar = None if paid is None or task.bar.value is None else task.bar.value - paid
    pairs = {pair.candidate: pair for pair in measured.pairs}
    return TaskDifferencesView(
        task=task.task,
        bar=Quantity(bar, signed_text(bar)),
        uncorrected=measured.uncorrected,
        rows=tuple(
            _row(pairs[cell.candidate], is_route=cell.is_route)
            for cell in task.cells
            if cell.candidate in pairs
        ),
    )


def _row(pair: PairedDifference, *, is_route: bool) -> DifferenceView:
    found = pair.difference
    low, high = (found.low, found.high) if found else (None, None)
    value = found.value if found else None
    return DifferenceView(
        candidate=pair.candidate,
        difference=Quantity(value, signed_text(value)),
        low=low,
        high=high,
        interval=signed_interval_text(low, high),
        side=_side(low, high),
        wins=pair.wins,
        ties=pair.ties,
        losses=pair.losses,
        n_samples=pair.n_samples,
        is_route=is_route,
    )


def _side(low: float | None, high: float | None) -> Side:
    if low is not None and low > 0:
        return "better"
    return "worse" if high is not None and high < 0 else "open"

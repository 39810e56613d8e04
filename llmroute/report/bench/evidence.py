"""How easily a route would have been another, and what would settle it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import share_text, usd_text
from llmroute.report.bench.quantities import Quantity
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.analysis.stability import Move, TaskStability
    from llmroute.report.bench.tasks import TaskView


@dataclass(frozen=True, slots=True)
class StabilityView:
    """How easily a task's route would have been another."""

    task: str
    route: str
    kept: Quantity
    """Share of resamples with the same route."""
    otherwise: str
    """Where the others go."""
    moves: tuple[str, ...]
    """Small changes of a price or the bar that send the task elsewhere."""


@dataclass(frozen=True, slots=True)
class WantedView:
    """Evidence that could make a task cheaper, and what it would cost to get."""

    task: str
    candidate: str
    n_samples: int
    """Further ones, at the quality seen so far."""
    cost: Quantity
    """Of asking it those samples, in dollars."""
    saving: Quantity
    """1 − its cost / the route's, should it clear."""


def view_stability(task: TaskStability) -> StabilityView:
    """One task's resamples and small changes, in words."""
    gone = [f"{share_text(share)} {one_line(name, 40)}" for name, share in task.others[:3]]
    return StabilityView(
        task=task.task,
        route=task.route,
        kept=Quantity.share(task.kept),
        otherwise=", ".join(gone) + (", …" if len(task.others) > 3 else ""),
        moves=tuple(_move(move) for move in task.moves),
    )


def _move(move: Move) -> str:
    to = one_line(move.route, 40)
    if not move.what:
        return f"a bar {abs(move.by):g} {'higher' if move.by > 0 else 'lower'}: {to}"
    dearer = "dearer" if move.by > 0 else "cheaper"
    return f"{one_line(move.what, 40)} {share_text(abs(move.by))} {dearer}: {to}"


def view_wanted(tasks: tuple[TaskView, ...]) -> tuple[WantedView, ...]:
    """Undecided candidates that are cheaper than what answers now."""
    found = []
    for task in tasks:
        for cell in task.cells:
            usd, paid = cell.cost.value, task.cost.value
            if cell.samples_needed is None or usd is None or cell.is_route:
                continue
            if paid is not None and usd >= paid:
                continue
            saving = None if not paid else 1 - usd / paid
            cost = cell.samples_needed * usd / 1000
            found.append(
                WantedView(
                    task.task,
                    cell.candidate,
                    cell.samples_needed,
                    Quantity(cost, usd_text(cost)),
                    Quantity.share(saving),
                )
            )
    return tuple(sorted(found, key=lambda one: (one.cost.value or 0.0, one.task, one.candidate)))

"""Who answers when the chosen candidate cannot."""

from __future__ import annotations

from collections.abc import Sequence

from llmroute.records import Cell, TaskComparison, TaskLimits

MOST_FALLBACKS = 3


def choose_fallbacks(
    task: TaskComparison,
    route: str,
    clearing: Sequence[Cell],
    reference: str,
    limits: TaskLimits,
) -> tuple[str, ...]:
    """Other candidates in the order to try them, at most three; the reference is the last.

    First those that clear too, cheapest first. Where none does, the best of the rest, so that an
    outage of the route is not an outage of the task.

    Args:
        task: all cells of the task.
        route: the candidate that answers first.
        clearing: candidates that clear, cheapest first.
        reference: the last resort.
        limits: excluded candidates are never asked.
    """
    names = [cell.candidate for cell in clearing]
    if not names:
        scored = [c for c in task.cells if c.quality is not None]
        names = [c.candidate for c in sorted(scored, key=_best_first)]
    allowed = [n for n in names if n not in (route, reference) and n not in limits.excluded]
    if route == reference or reference in limits.excluded:
        return tuple(allowed[:MOST_FALLBACKS])
    return (*allowed[: MOST_FALLBACKS - 1], reference)


def _best_first(cell: Cell) -> tuple[float, float, str]:
    return -cell.coverage, -(cell.quality or 0.0), cell.candidate

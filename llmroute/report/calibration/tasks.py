"""Calibration → what its threshold gives each task, beside the static map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.by_task import figures_by_task
from llmroute.calibration.controls import LEAST_TASK_ROWS
from llmroute.report.amounts import UNKNOWN, usd_text
from llmroute.report.columns import Table
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.by_task import TaskFigures
    from llmroute.records import Interval, TaskRoute

NAME_CHARS = 48
COLUMNS = (
    "Task", "n", "Strong", "Weak alone", "Strong alone", "As routed", "Loss", "$/1k", "PGR",
    "The static map alone",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TasksView:
    """The table, or why there is none."""

    note: str
    table: Table | None


def read_tasks(calibration: Calibration) -> tuple[TaskFigures, ...]:
    """Each task's figures at the chosen threshold; none without one."""
    if calibration.point is None:
        return ()
    return figures_by_task(
        calibration.policy, calibration.point.threshold, seed=calibration.wish.seed
    )


def build_tasks(calibration: Calibration) -> TasksView | None:
    """What is said of tasks; None without a threshold."""
    tasks = read_tasks(calibration)
    if not tasks:
        return None
    if len(tasks) == 1:
        (only,) = tasks
        name = one_line(only.task, NAME_CHARS) or "one task without a name"
        return TasksView(
            f"All {only.n:,} prompts are of one task, {name}: the figures above are its own."
            f" The static map alone: {_by_map(calibration, only)}.",
            None,
        )
    few = [task for task in tasks if task.is_small]
    note = (
        "Every prompt was scored by one that had not seen it; an interval is a bootstrap of the"
        " task's own prompts."
    )
    if few:
        note += (
            f" A dagger marks tasks of fewer than {LEAST_TASK_ROWS} distinct prompts"
            f" ({len(few)} of {len(tasks)}): too few for an interval, and their figures are"
            " anecdotes."
        )
    rows = tuple(_row(calibration, task) for task in tasks)
    return TasksView(note, Table(COLUMNS, rows, tuple(range(1, 9))))


def _row(calibration: Calibration, task: TaskFigures) -> tuple[str, ...]:
    cost = task.cost_usd_per_1k
    return (
        one_line(task.task, NAME_CHARS) or "(no name)",
        f"{task.n:,}{' †' if task.is_small else ''}",
        f"{task.strong_share.value:.0%}",
        *(
            _number(figure, bounded=not task.is_small)
            for figure in (
                task.weak_quality,
                task.strong_quality,
                task.quality,
                task.quality_loss,
            )
        ),
        UNKNOWN if cost is None else usd_text(cost.value),
        _number(task.pgr, bounded=not task.is_small),
        _by_map(calibration, task),
    )


def _number(figure: Interval, *, bounded: bool) -> str:
    if np.isnan(figure.value):
        return UNKNOWN
    bounds = f" ({figure.low:.2f} to {figure.high:.2f})" if bounded else ""
    return f"{figure.value:.2f}{bounds}"


def _by_map(calibration: Calibration, task: TaskFigures) -> str:
    """Who answers by the static map, how well and for how much, on these prompts if it is a side.

    The quality of a third candidate is the map's own evidence.
    """
    route = next((one for one in calibration.routing_map.tasks if one.task == task.task), None)
    if route is None:
        return UNKNOWN
    quality, usd = _side(calibration, task, route)
    told = UNKNOWN if quality is None else f"{quality:.2f}"
    paid = "price not known" if usd is None else usd_text(usd)
    return f"{one_line(route.route, NAME_CHARS)}: {told}, {paid}"


def _side(
    calibration: Calibration, task: TaskFigures, route: TaskRoute
) -> tuple[float | None, float | None]:
    """(quality, $ per 1,000) of the map's route on the task."""
    pair = calibration.pair
    if route.route == pair.weak:
        return task.weak_quality.value, task.weak_usd_per_1k
    if route.route == pair.strong:
        return task.strong_quality.value, task.strong_usd_per_1k
    return route.evidence.quality, route.evidence.cost_usd_per_1k

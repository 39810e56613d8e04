"""Tasks → all traffic on one candidate, or by the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import quality_text, usd_text
from llmroute.report.bench.quantities import price_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmroute.report.bench.tasks import TaskView


@dataclass(frozen=True, slots=True)
class OverallView:
    """What all traffic would cost and reach if it went one way."""

    name: str
    quality: float
    cost_usd_per_1k: float
    quality_text: str
    cost_text: str
    is_map: bool
    is_reference: bool


def view_overall(
    candidates: tuple[str, ...], tasks: tuple[TaskView, ...], reference: str
) -> tuple[OverallView, ...]:
    """One point for every candidate that is priced and scored on all tasks, and the map's."""
    points = []
    for name in candidates:
        asked = [next((c for c in task.cells if c.candidate == name), None) for task in tasks]
        point = _mean_point([(cell.quality.value, cell.cost.value) if cell else (None, None)
                             for cell in asked], tasks)  # fmt: skip
        if point:
            points.append(_overall_point(name, *point, is_reference=name == reference))
    routed = _mean_point([(task.quality.value, task.cost.value) for task in tasks], tasks)
    if routed and len(tasks) > 1:
        points.append(_overall_point("this routing map", *routed, is_map=True))
    return tuple(points)


def _mean_point(
    values: list[tuple[float | None, float | None]], tasks: tuple[TaskView, ...]
) -> tuple[float, float] | None:
    quality = cost = 0.0
    for (task_quality, task_cost), task in zip(values, tasks, strict=True):
        if task_quality is None or task_cost is None:
            return None
        quality += (task.traffic.value or 0.0) * task_quality
        cost += (task.traffic.value or 0.0) * task_cost
    return (quality, cost) if tasks else None


def _overall_point(
    name: str, quality: float, cost: float, *, is_map: bool = False, is_reference: bool = False
) -> OverallView:
    return OverallView(
        name, quality, cost, quality_text(quality), usd_text(cost), is_map, is_reference
    )


def by_cost(candidates: Iterable[str], tasks: tuple[TaskView, ...]) -> tuple[str, ...]:
    """The candidates from the cheapest to the dearest over all tasks, unpriced ones last."""
    costs: Mapping[str, list[float]] = {name: [] for name in candidates}
    for task in tasks:
        for cell in task.cells:
            if cell.cost.value is not None and cell.candidate in costs:
                costs[cell.candidate].append(cell.cost.value)
    means = {name: sum(known) / len(known) if known else None for name, known in costs.items()}
    return tuple(sorted(costs, key=lambda name: price_order(means[name])))

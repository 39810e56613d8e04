"""The map's cost beside the reference's, with an interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from llmroute.records import Comparison, Interval, Savings, TaskComparison


@dataclass(frozen=True, slots=True)
class _Pair:
    """Mean costs of one task's request, route and reference, and how sure they are."""

    share: float
    routed_usd: float
    reference_usd: float
    routed_variance: float
    reference_variance: float
    covariance: float


def compute_savings(comparison: Comparison, routes: Mapping[str, str]) -> Savings:
    """What 1,000 requests cost, routed and all to the reference, tasks in their traffic shares.

    The interval is the two-sided one at the rule's confidence for the mean paired difference,
    and by the delta method for the share saved (Casella & Berger, Statistical Inference, §5.5.4).
    It carries the spread of the costs over samples, not doubt about the prices.

    Args:
        comparison: cells and per-sample costs.
        routes: task → the candidate that answers it.
    """
    total = sum(task.weight for task in comparison.tasks)
    pairs = []
    for task in comparison.tasks:
        route = routes[task.task]
        pair = _pair(task, route, comparison.reference, task.weight / total)
        if pair is None:
            return _unknown(task, route, comparison.reference)
        pairs.append(pair)
    z = NormalDist().inv_cdf(0.5 + comparison.rule.confidence / 2)
    return _savings(pairs, z)


def _savings(pairs: Sequence[_Pair], z: float) -> Savings:
    routed = sum(p.share * p.routed_usd for p in pairs)
    reference = sum(p.share * p.reference_usd for p in pairs)
    saved = Savings(1000 * reference, 1000 * routed, None, None)
    error = z * math.sqrt(_variance(pairs, 1.0))
    difference = reference - routed
    amount = Interval(*(1000 * v for v in (difference, difference - error, difference + error)))
    if reference <= 0:
        why = "the reference costs nothing"
        return Savings(saved.reference_usd_per_1k, saved.routed_usd_per_1k, amount, None, why)
    ratio = routed / reference
    spread = z * math.sqrt(_variance(pairs, ratio)) / reference
    share = Interval(1 - ratio, 1 - ratio - spread, min(1.0, 1 - ratio + spread))
    return Savings(saved.reference_usd_per_1k, saved.routed_usd_per_1k, amount, share)


def _variance(pairs: Sequence[_Pair], ratio: float) -> float:
    """Variance of routed − ratio × reference."""
    return max(
        0.0,
        sum(
            p.share**2
            * (p.routed_variance + ratio**2 * p.reference_variance - 2 * ratio * p.covariance)
            for p in pairs
        ),
    )


def _pair(task: TaskComparison, route: str, reference: str, share: float) -> _Pair | None:
    routed, paid = task.cell(route), task.cell(reference)
    if routed is None or paid is None:
        return None
    if routed.cost_usd_per_1k is None or paid.cost_usd_per_1k is None:
        return None
    both = [
        (a, b)
        for a, b in zip(task.costs_usd[route], task.costs_usd[reference], strict=True)
        if a is not None and b is not None
    ]
    routed_variance, reference_variance, covariance = _moments(both)
    return _Pair(
        share=share,
        routed_usd=routed.cost_usd_per_1k / 1000,
        reference_usd=paid.cost_usd_per_1k / 1000,
        routed_variance=routed_variance,
        reference_variance=reference_variance,
        covariance=covariance,
    )


def _moments(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Variances and covariance of the two means."""
    n = len(pairs)
    if n < 2:
        return 0.0, 0.0, 0.0
    mean_a, mean_b = (math.fsum(p[i] for p in pairs) / n for i in (0, 1))
    scale = n * (n - 1)
    return (
        math.fsum((a - mean_a) ** 2 for a, _ in pairs) / scale,
        math.fsum((b - mean_b) ** 2 for _, b in pairs) / scale,
        math.fsum((a - mean_a) * (b - mean_b) for a, b in pairs) / scale,
    )


def _unknown(task: TaskComparison, route: str, reference: str) -> Savings:
    cells = {name: task.cell(name) for name in (reference, route)}
    missing = [n for n, cell in cells.items() if cell is None or cell.cost_usd_per_1k is None]
    why = f"{missing[0]} has no known cost on task {task.task}" if missing else "no costs known"
    return Savings(None, None, None, None, why)

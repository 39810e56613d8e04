"""Comparison → the cheapest candidate that clears, a reason for each rejected one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmroute.analysis.verdict import meets_evidence
from llmroute.records import (
    Cell,
    Comparison,
    Match,
    Plugin,
    Provenance,
    QualityRule,
    Rejected,
    RoutingMap,
    TaskComparison,
    TaskEvidence,
    TaskLimits,
    TaskRoute,
)
from llmroute.routing_map.fallbacks import choose_fallbacks
from llmroute.routing_map.savings import compute_savings


def choose_routes(
    comparison: Comparison,
    *,
    limits: Mapping[str, TaskLimits] | None = None,
    matches: Mapping[str, Match] | None = None,
    checks: Mapping[str, tuple[Plugin, ...]] | None = None,
    provenance: Provenance | None = None,
    notes: Iterable[str] = (),
) -> RoutingMap:
    """The routing map: for each task the cheapest candidate that surely clears its bar.

    Args:
        comparison: every task × candidate.
        limits: task → latency and cost limits and excluded candidates.
        matches: task → how its requests are recognised.
        checks: task → what guards its answers.
        provenance: what the map is made from.
        notes: warnings for its reader.
    """
    limits = limits or {}
    source = provenance or Provenance()
    routes = tuple(
        _route(task, comparison, limits.get(task.task, TaskLimits()), source)
        for task in comparison.tasks
    )
    return RoutingMap(
        reference=comparison.reference,
        rule=comparison.rule,
        tasks=routes,
        savings=compute_savings(comparison, {r.task: r.route for r in routes}),
        matches=matches or {},
        checks=checks or {},
        provenance=source,
        notes=tuple(notes),
    )


def _route(
    task: TaskComparison, comparison: Comparison, limits: TaskLimits, source: Provenance
) -> TaskRoute:
    rule, reference = comparison.rule, comparison.reference
    objections = {cell.candidate: objection(cell, rule, limits) for cell in task.cells}
    clearing = sorted((c for c in task.cells if objections[c.candidate] is None), key=_cost_order)
    route = clearing[0].candidate if clearing else reference
    return TaskRoute(
        task=task.task,
        route=route,
        fallbacks=choose_fallbacks(task, route, clearing, reference, limits),
        verdict=clearing[0].verdict if clearing else "fallback",
        reason=_reason(task, clearing, reference, rule),
        quality_threshold=task.quality_threshold,
        threshold_rule=task.threshold_rule,
        weight=task.weight,
        evidence=_evidence(task.cell(route), task, source),
        rejected=tuple(
            _rejected(cell, objections[cell.candidate], clearing)
            for cell in task.cells
            if cell.candidate != route or not clearing
        ),
        limits=limits,
    )


def objection(cell: Cell, rule: QualityRule, limits: TaskLimits) -> str | None:
    """Why a candidate may not be the route, or None where nothing speaks against it."""
    if cell.candidate in limits.excluded:
        return "excluded by the configuration"
    if not meets_evidence(cell.verdict, rule.evidence) or cell.coverage < rule.min_coverage:
        return cell.reason
    if cell.cost_usd_per_1k is None:
        return f"clears, but is not priced: {cell.unpriced_reason}"
    if _exceeds(cell.latency_p95_s, limits.max_latency_p95_s):
        return f"clears, but its p95 latency {cell.latency_p95_s:.2f} s is over the limit"
    if _exceeds(cell.cost_usd_per_1k, limits.max_cost_usd_per_1k):
        return f"clears, but ${cell.cost_usd_per_1k:.4g} per 1,000 requests is over the limit"
    return None


def _exceeds(value: float | None, limit: float | None) -> bool:
    """An unknown value cannot be shown to keep a limit."""
    return limit is not None and (value is None or value > limit)


def _cost_order(cell: Cell) -> tuple[float, float, str]:
    assert cell.cost_usd_per_1k is not None  # noqa: S101 - an unpriced cell has an objection
    return cell.cost_usd_per_1k, -(cell.quality or 0.0), cell.candidate


def _reason(task: TaskComparison, clearing: list[Cell], reference: str, rule: QualityRule) -> str:
    if clearing:
        rivals = len(clearing) - 1
        naive = "; by the mean alone, without evidence" if rule.evidence == "mean" else ""
        others = f", cheapest of {rivals + 1} that clear" if rivals else ""
        return f"{clearing[0].reason}{others}{naive}"
    closest = min(
        (c for c in task.cells if c.samples_needed is not None),
        key=lambda c: (c.samples_needed or 0, c.candidate),
        default=None,
    )
    if closest is None:
        return f"no candidate clears the bar, so {reference} answers"
    return (
        f"no candidate clears the bar yet, so {reference} answers; about "
        f"{closest.samples_needed} more samples would settle {closest.candidate}"
    )


def _evidence(cell: Cell | None, task: TaskComparison, source: Provenance) -> TaskEvidence:
    suite_hash = source.suites.get(task.task)
    if cell is None:
        return TaskEvidence(0, 0.0, None, None, None, None, None, None, None, suite_hash)
    return TaskEvidence(
        n_samples=cell.n_samples,
        coverage=cell.coverage,
        quality=cell.quality,
        quality_low=cell.quality_low,
        quality_high=cell.quality_high,
        cost_usd_per_1k=cell.cost_usd_per_1k,
        cost_basis=cell.cost_basis,
        latency_p50_s=cell.latency_p50_s,
        latency_p95_s=cell.latency_p95_s,
        suite_hash=suite_hash,
        judge=cell.judge,
    )


def _rejected(cell: Cell, why_not: str | None, clearing: list[Cell]) -> Rejected:
    return Rejected(
        candidate=cell.candidate,
        verdict=cell.verdict,
        reason=why_not or _dearer(cell, clearing[0]),
        quality=cell.quality,
        quality_low=cell.quality_low,
        quality_high=cell.quality_high,
        coverage=cell.coverage,
        cost_usd_per_1k=cell.cost_usd_per_1k,
        samples_needed=cell.samples_needed,
    )


def _dearer(cell: Cell, route: Cell) -> str:
    cost, least = cell.cost_usd_per_1k or 0.0, route.cost_usd_per_1k or 0.0
    if cost == least:
        return f"clears at the same cost as {route.candidate}, which scores as well or better"
    times = f", {cost / least:.1f} × {route.candidate}" if least else f"; {route.candidate} is free"
    return f"clears, but costs ${cost:.4g} per 1,000 requests{times}"

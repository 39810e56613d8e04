"""Rules about routes, bars and verdicts: MapChange → facts."""

from __future__ import annotations

from collections.abc import Iterator

from llmroute.analysis.verdict import meets_evidence
from llmroute.gate.compare import standing
from llmroute.gate.rules import Fact, Terms
from llmroute.gate.words import shift_words
from llmroute.records import (
    MapChange,
    QualityRule,
    Rejected,
    RoutingMap,
    TaskChange,
    TaskRoute,
)
from llmroute.report.amounts import usd_text
from llmroute.report.verdicts import threshold_text

_STRENGTH = {"fallback": 0, "fails": 0, "undecided": 1, "likely": 2, "proven": 3}
_EVIDENCE = {"mean": 0, "likely": 1, "proven": 2}


def route_changed(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """A task goes elsewhere, and not because a cheaper candidate now clears."""
    for task, old, new in _moved(change):
        if not _is_opportunity(change, old, new):
            yield Fact(task.task, "route", old.route, new.route, _why_moved(task, old, new))


def cheaper_passes(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """The previous route still clears, but so does now a cheaper candidate."""
    for task, old, new in _moved(change):
        if _is_opportunity(change, old, new):
            costs = [usd_text(cost) for cost in (_cost(new, old.route), _cost(new, new.route))]
            why = (
                f"{new.route} now clears at {costs[1]} per 1,000 requests; {old.route} still "
                f"clears, at {costs[0]}"
            )
            yield Fact(task.task, "route", old.route, new.route, why)


def bar_missed(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """A route cleared before; now none does, and the reference answers."""
    for task in change.tasks:
        old, new = task.before, task.after
        if old and new and old.verdict != "fallback" and new.verdict == "fallback":
            yield Fact(task.task, "verdict", old.verdict, "fallback", _why_moved(task, old, new))


def verdict_weaker(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """The route still clears, but less surely; that none does is `bar_missed`."""
    for task in change.tasks:
        old, new = task.before, task.after
        if old and new and 0 < _STRENGTH[new.verdict] < _STRENGTH[old.verdict]:
            yield Fact(task.task, "verdict", old.verdict, new.verdict, new.reason)


def task_removed(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """A task of the previous map is in this one no longer."""
    for task in change.tasks:
        if task.before and task.after is None:
            why = "its requests have no route any more"
            yield Fact(task.task, "task", task.before.route, "–", why)


def threshold_lowered(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """A bar is lower, or the rule asks for less evidence of all routes."""
    if change.before is not None:
        yield from _loosened(change.before.rule, change.after.rule)
    for task in change.tasks:
        old, new = task.before, task.after
        if old and new and _is_lower(old, new):
            before, after = threshold_text(old.threshold_rule), threshold_text(new.threshold_rule)
            yield Fact(task.task, "bar", before, after, "a candidate has less to show than before")


def reference_changed(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """Savings are against another candidate than before."""
    old = change.before
    if old is not None and old.reference != change.after.reference:
        why = "savings are against it, and it is the last fallback"
        yield Fact(None, "reference", old.reference, change.after.reference, why)


def router_changed(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """What decides prompt by prompt is gone, or is between other candidates."""
    for section in change.sections:
        if section.change == "removed":
            why = "requests it decided are routed by their task alone"
            yield Fact(None, section.name, "there", "gone", why)
    for name in ("query_router", "cascade"):
        old, new = (_pair(routing_map, name) for routing_map in (change.before, change.after))
        if old and new and old != new:
            yield Fact(None, name, old, new, "it chooses between other candidates")


def _moved(change: MapChange) -> Iterator[tuple[TaskChange, TaskRoute, TaskRoute]]:
    for task in change.tasks:
        if task.before and task.after and task.before.route != task.after.route:
            yield task, task.before, task.after


def _is_opportunity(change: MapChange, old: TaskRoute, new: TaskRoute) -> bool:
    """Whether the previous route would still do, and the new one did not do before."""
    if change.before is None or new.verdict == "fallback":
        return False
    still, cost = standing(new, old.route), _cost(new, old.route)
    return (
        isinstance(still, Rejected)
        and cost is not None
        and cost > (_cost(new, new.route) or 0.0)
        and _clears(still, new, change.after.rule)
        and not _cleared(standing(old, new.route), old, change.before.rule)
    )


def _clears(item: Rejected, task: TaskRoute, rule: QualityRule) -> bool:
    """Whether a rejected candidate is merely dearer; a limit on latency can't be told from here."""
    limits = task.limits
    if item.candidate in limits.excluded or limits.max_latency_p95_s is not None:
        return False
    if limits.max_cost_usd_per_1k is not None:
        cost = item.cost_usd_per_1k
        if cost is None or cost > limits.max_cost_usd_per_1k:
            return False
    return meets_evidence(item.verdict, rule.evidence) and item.coverage >= rule.min_coverage


def _cleared(known: object, task: TaskRoute, rule: QualityRule) -> bool:
    return isinstance(known, Rejected) and _clears(known, task, rule)


def _why_moved(task: TaskChange, old: TaskRoute, new: TaskRoute) -> str:
    """What the new map has against the previous route, and whether it moved beyond noise."""
    known = standing(new, old.route)
    if known is None:
        return f"{old.route} is no candidate any more"
    if not isinstance(known, Rejected):
        return new.reason
    why = f"{old.route}: {known.reason}"
    if _is_lower(new, old):
        why += f"; the bar rose from {threshold_text(old.threshold_rule)}"
    if task.drift is not None and known.verdict in ("fails", "undecided"):
        why += f"; its own quality moved {shift_words(task.drift)}"
    return why


def _cost(task: TaskRoute, candidate: str) -> float | None:
    known = standing(task, candidate)
    return None if known is None else known.cost_usd_per_1k


def _is_lower(old: TaskRoute, new: TaskRoute) -> bool:
    """Whether the new bar is the lower one; of bars of two kinds, in units of quality."""
    first, second = old.threshold_rule, new.threshold_rule
    if first.relative_to == second.relative_to:
        return second.value < first.value
    if old.quality_threshold is None or new.quality_threshold is None:
        return True
    return new.quality_threshold < old.quality_threshold


def _loosened(old: QualityRule, new: QualityRule) -> Iterator[Fact]:
    why = "every route has less to show than before"
    if _EVIDENCE[new.evidence] < _EVIDENCE[old.evidence]:
        yield Fact(None, "quality.evidence", old.evidence, new.evidence, why)
    for name, less in (("confidence", -1), ("margin", 1), ("min_coverage", -1)):
        before, after = getattr(old, name), getattr(new, name)
        if less * (after - before) > 0:
            yield Fact(None, f"quality.{name}", f"{before:g}", f"{after:g}", why)


def _pair(routing_map: RoutingMap | None, name: str) -> str | None:
    chooser = getattr(routing_map, name, None)
    return None if chooser is None else f"{chooser.weak} / {chooser.strong}"

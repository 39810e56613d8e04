"""Comparison + RoutingMap → the sentences a reader meets first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llmroute.errors import failure_words
from llmroute.report.amounts import counted, quality_text, share_text, usd_text
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.records import (
        Cell,
        Comparison,
        RoutingMap,
        Savings,
        TaskRoute,
        Verdict,
    )

Tone = Literal["good", "plain", "bad"]

NAME_CHARS = 60


_STRENGTHS: tuple[Verdict, ...] = ("proven", "likely", "undecided")


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in one sentence, and what qualifies it."""

    sentence: str
    tone: Tone
    details: tuple[str, ...]


def tell_headline(comparison: Comparison, routing_map: RoutingMap) -> Headline:
    """What the map saves, or honestly why there is no such figure."""
    details = (*_routes(routing_map), *_evidence(routing_map))
    nothing = _nothing_known(comparison, routing_map)
    if nothing:
        return Headline(nothing, "bad", ())
    if all(route.verdict == "fallback" for route in routing_map.tasks):
        return Headline(_no_route(comparison, routing_map), "bad", ())
    if routing_map.savings.saved_share is None:
        return Headline(_unknown_savings(routing_map), "plain", details)
    return Headline(*_savings(comparison, routing_map), details)


def savings_range(savings: Savings) -> str:
    """Bounds of the saved share: '78% to 88%', or nothing."""
    share = savings.saved_share
    if share is None or share.low == share.high:
        return ""
    return f"{share_text(share.low)} to {share_text(share.high)}"


def _nothing_known(comparison: Comparison, routing_map: RoutingMap) -> str | None:
    if not routing_map.tasks and not comparison.tasks:
        return "There is nothing to compare: the run holds no task."
    cells = [cell for task in comparison.tasks for cell in task.cells]
    if not cells:
        return "There is nothing to compare: no candidate was asked."
    stays = f"so all traffic stays on {_name(routing_map.reference)}."
    if not any(cell.n_answered for cell in cells):
        return f"No call was answered{_main_failure(comparison)}, {stays}"
    if not any(cell.n_scored for cell in cells):
        return f"No answer could be scored{_main_failure(comparison)}, {stays}"
    return None


def _main_failure(comparison: Comparison) -> str:
    kinds: Counter[str] = Counter()
    for task in comparison.tasks:
        for cell in task.cells:
            kinds.update(cell.failures)
    if not kinds:
        return ""
    kind, count = min(kinds.items(), key=lambda item: (-item[1], item[0]))
    return f" ({failure_words(kind)}: {counted(count, 'call')})"


def _no_route(comparison: Comparison, routing_map: RoutingMap) -> str:
    n_tasks = len(routing_map.tasks)
    tasks = "the one task" if n_tasks == 1 else f"any of {n_tasks} tasks"
    stays = f"so all traffic stays on {_name(routing_map.reference)}"
    n_unpriced = sum(_clears_unpriced(cell) for task in comparison.tasks for cell in task.cells)
    if n_unpriced:
        cells = counted(n_unpriced, "result")
        return f"No priced candidate qualifies on {tasks}, {stays}; {cells} would, but for a price."
    return f"No candidate qualifies on {tasks}, {stays}."


def _clears_unpriced(cell: Cell) -> bool:
    return cell.cost_usd_per_1k is None and cell.verdict in ("proven", "likely")


def _name(name: str) -> str:
    return one_line(name, NAME_CHARS)


def _unknown_savings(routing_map: RoutingMap) -> str:
    reference = _name(routing_map.reference)
    moved = [route for route in routing_map.tasks if route.route != routing_map.reference]
    why = one_line(routing_map.savings.reason or "the reference has no price").rstrip(". ")
    if not moved:
        return f"All traffic stays on {reference}; what it costs is unknown: {why}."
    tasks = _of_tasks(len(moved), len(routing_map.tasks))
    return f"{tasks} can leave {reference}; what that saves is unknown: {why}."


def _of_tasks(count: int, total: int) -> str:
    if count == total:
        return {1: "The one task", 2: "Both tasks"}.get(total, f"All {total} tasks")
    return f"{count} of {total} tasks"


def _savings(comparison: Comparison, routing_map: RoutingMap) -> tuple[str, Tone]:
    savings, reference = routing_map.savings, _name(routing_map.reference)
    share = savings.saved_share
    if share is None:
        raise ValueError("savings without a share have no sentence")
    routed = usd_text(savings.routed_usd_per_1k)
    paid = usd_text(savings.reference_usd_per_1k)
    if all(route.route == routing_map.reference for route in routing_map.tasks):
        n_fallbacks = sum(route.verdict == "fallback" for route in routing_map.tasks)
        if n_fallbacks:
            tasks = f"{n_fallbacks} of {counted(len(routing_map.tasks), 'task')}"
            return f"All traffic stays on {reference}: on {tasks} no candidate qualifies.", "plain"
        return f"Keep {reference} for everything: nothing cheaper clears the bar.", "plain"
    if share.value < -0.005:
        more = f"{share_text(-share.value)} more than {reference} alone"
        costs = f"{routed} per 1,000 requests instead of {paid}"
        return f"Meeting the bar costs {more}: {costs}.", "bad"
    if share.value < 0.005:
        return f"The map costs what {reference} costs: {routed} per 1,000 requests.", "plain"
    costs = f"Routing by task costs {routed} per 1,000 requests instead of {paid}"
    less = f"{share_text(share.value)} less than sending everything to {reference}"
    return f"{costs}: {less}{_risk(comparison, routing_map)}.", "good"


def _risk(comparison: Comparison, routing_map: RoutingMap) -> str:
    """How far below its bar a task may fall that leaves the reference, as a clause."""
    moved = [route for route in routing_map.tasks if route.route != routing_map.reference]
    shortfalls = [_shortfall(comparison, route) for route in moved]
    known = [short for short in shortfalls if short is not None]
    if not known or len(known) < len(shortfalls):
        return ""
    what = "the route that changes" if len(known) == 1 else "each route that changes"
    sure = f"at {share_text(comparison.rule.confidence)} confidence"
    worst = max(known)
    if worst < 0.0005:
        return f", and {what} clears its bar {sure}"
    return f", and {what} is at most {quality_text(worst)} below its bar {sure}"


def _shortfall(comparison: Comparison, route: TaskRoute) -> float | None:
    """The bar less the lower bound of what answers; of a relative bar, the paired one."""
    task = next((task for task in comparison.tasks if task.task == route.task), None)
    cell = task.cell(route.route) if task else None
    if cell is None:
        return None
    if cell.difference is not None:
        return max(0.0, -cell.difference.low)
    if cell.quality_low is None or cell.quality_threshold is None:
        return None
    return max(0.0, cell.quality_threshold - cell.quality_low)


def _routes(routing_map: RoutingMap) -> tuple[str, ...]:
    fallbacks = [route for route in routing_map.tasks if route.verdict == "fallback"]
    if not fallbacks:
        return ()
    names = ", ".join(_name(route.task) for route in fallbacks[:4])
    if len(fallbacks) > 4:
        names = f"{len(fallbacks)} of {len(routing_map.tasks)} tasks ({names}, …)"
    answers = f"{_name(routing_map.reference)} answers there"
    return (f"No candidate qualifies on {names}: {answers}.",)


def _evidence(routing_map: RoutingMap) -> tuple[str, ...]:
    counts = Counter(route.verdict for route in routing_map.tasks)
    known = [word for word in _STRENGTHS if counts[word]]
    if not known:
        return ()
    said = [f"{known[0]} on {counted(counts[known[0]], 'task')}"]
    said += [f"{word} on {counts[word]}" for word in known[1:]]
    listed = " and ".join(said) if len(said) < 3 else f"{said[0]}, {said[1]} and {said[2]}"
    sentence = f"Clearing the bar is {listed}."
    if routing_map.rule.evidence == "mean":
        return (sentence, "Chosen by mean score alone, the naive rule: expect some to be below it.")
    return (sentence,)

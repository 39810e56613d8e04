"""Rules about quality, cost and evidence: MapChange → facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from llmroute.gate.compare import standing
from llmroute.gate.rules import Fact, Terms
from llmroute.gate.words import p_words, shift_words
from llmroute.records import (
    MapChange,
    Rejected,
    RoutingMap,
    TaskChange,
    TaskEvidence,
    TaskRoute,
)
from llmroute.report.amounts import UNKNOWN, quality_text, share_text, usd_text

LEAST_USD_PER_1K = 0.001
"""A rise of a smaller amount is none: it is below what is shown, and on builtin programs noise."""


def quality_fell(change: MapChange, terms: Terms) -> Iterator[Fact]:
    """The answers a task's requests get are worse: surely so, and by more than is tolerated."""
    for task in change.tasks:
        old, new, shift = task.before, task.after, task.quality
        if not (old and new and shift) or -shift.difference <= terms.tolerance:
            continue
        if shift.p_value <= 1 - terms.gate.confidence:
            what = f"quality of {new.route}" if old.route == new.route else "quality"
            why = f"moved {shift_words(shift)}"
            if old.route != new.route:
                why = f"{new.route} answers instead of {old.route}; {why}"
            first, second = (quality_text(t.evidence.quality) for t in (old, new))
            yield Fact(task.task, what, first, second, why)


def cost_rose(change: MapChange, terms: Terms) -> Iterator[Fact]:
    """A task's requests cost more than is tolerated; by the same samples, where they are known."""
    for task in change.tasks:
        if not (task.before and task.after):
            continue
        old, new = (t.evidence.cost_usd_per_1k for t in (task.before, task.after))
        shown = usd_text(old), usd_text(new)
        if old is not None and new is None:
            why = f"what {task.after.route} costs is not known"
            yield Fact(task.task, "cost per 1,000", shown[0], "not priced", why)
        elif old is not None and new is not None and _rose(old, new, terms.tolerance):
            shift = task.cost
            if shift is None or shift.p_value <= 1 - terms.gate.confidence:
                yield Fact(task.task, "cost per 1,000", *shown, _why_dearer(change, task, old, new))


def coverage_lost(change: MapChange, terms: Terms) -> Iterator[Fact]:
    """A task stands on fewer samples, or its previous route or a candidate on fewer scores."""
    raced = any(m and m.provenance.strategy == "race" for m in (change.before, change.after))
    for task in change.tasks:
        old, new = task.before, task.after
        if not (old and new):
            continue
        first, second = old.evidence.n_samples, new.evidence.n_samples
        if second < (1 - terms.tolerance) * first:
            why = "the task stands on less evidence"
            yield Fact(task.task, "samples", str(first), str(second), why)
        least = change.after.rule.min_coverage
        yield from _less_scored(task, old, new, terms.tolerance, None if raced else least)


def evidence_age(change: MapChange, terms: Terms) -> Iterator[Fact]:
    """The oldest answer is older than allowed, or its age is not known."""
    limit = terms.gate.max_age_days
    if limit is None:
        return
    allowed, provenance = f"at most {limit:g} days", change.after.provenance
    given = provenance.oldest_answer or provenance.started
    moment = _moment(given)
    if moment is None:
        why = "the map does not say when its answers were given: it is made from outcomes files"
        yield Fact(None, "age of the evidence", allowed, "not known", why)
        return
    age_days = (terms.now - moment).total_seconds() / 86400
    if age_days > limit:
        why = f"the oldest answer is of {given}; `llmroute bench --refresh` asks again"
        yield Fact(None, "age of the evidence", allowed, f"{age_days:.0f} days", why)


def price_moved(change: MapChange, terms: Terms) -> Iterator[Fact]:
    """The price of a candidate of both maps moved."""
    for name, old, new in _both(change):
        was, is_now = old.get("price") or {}, new.get("price") or {}
        moved = _largest_move(was, is_now)
        if moved is None or moved > terms.tolerance:
            why = "it is free no longer" if moved == float("inf") else ""
            why = why or ("its price is not known any more" if moved is None else "")
            why = why or f"by up to {share_text(moved)}"
            yield Fact(None, f"price of {name}", _price(was), _price(is_now), why)


def suite_changed(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """A task was measured by another suite, so its figures do not compare as they should."""
    if change.before is None:
        return
    old, new = (m.provenance.suites for m in (change.before, change.after))
    for task in change.tasks:
        first, second = old.get(task.task), new.get(task.task)
        if first and second and first != second:
            why = "samples, prompt, metric or bar are not the same, so figures may differ by that"
            yield Fact(task.task, "suite", first[:12], second[:12], why)


def candidate_changed(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """Under one name, another model, other parameters or another endpoint."""
    for name, old, new in _both(change):
        for key in ("model", "params", "api_base"):
            first, second = old.get(key), new.get(key)
            if first != second:
                why = "under one name, something else was measured"
                yield Fact(None, f"{key} of {name}", _text(first), _text(second), why)


def judge_uncalibrated(change: MapChange, _terms: Terms) -> Iterator[Fact]:
    """A judge's word alone stands behind a route."""
    for task in change.tasks:
        judge = task.after.evidence.judge if task.after else None
        if judge is not None and not judge.calibrated:
            before = task.before.evidence.judge if task.before else None
            was = (
                UNKNOWN if before is None else "calibrated" if before.calibrated else "uncalibrated"
            )
            why = f"{judge.reason}; `llmroute judge agree` says how far it can be trusted"
            yield Fact(task.task, "judge", was, "uncalibrated", why)


def _rose(old: float, new: float, tolerance: float) -> bool:
    return new - old > max(tolerance * old, LEAST_USD_PER_1K)


def _why_dearer(change: MapChange, task: TaskChange, old: float, new: float) -> str:
    assert task.before is not None  # noqa: S101 - `cost_rose` has looked
    assert task.after is not None  # noqa: S101
    by = f"by {share_text(new / old - 1)}" if old else "from nothing"
    if task.before.route != task.after.route:
        return f"{by}: {task.after.route} answers instead of {task.before.route}"
    prices = (_price_of(m, task.after.route) for m in (change.before, change.after))
    first, second = prices
    if first != second:
        return f"{by}: {task.after.route} costs {_price(second)}, before {_price(first)}"
    tested = "" if task.cost is None else f" ({p_words(task.cost.p_value)})"
    return f"{by}: {task.after.route} used more tokens or time a request{tested}"


def _less_scored(
    task: TaskChange, old: TaskRoute, new: TaskRoute, tolerance: float, least: float | None
) -> Iterator[Fact]:
    """The previous route's coverage; the others' only where it now keeps them from clearing."""
    names = [old.route, *(item.candidate for item in old.rejected if item.candidate != old.route)]
    for name in names:
        was, is_now = standing(old, name), standing(new, name)
        if was is None or is_now is None or was.coverage - is_now.coverage <= tolerance:
            continue
        blocked = least is not None and is_now.coverage < least <= was.coverage
        if name == old.route or blocked:
            first, second = (share_text(known.coverage) for known in (was, is_now))
            yield Fact(task.task, f"coverage of {name}", first, second, _why_less(is_now))


def _why_less(known: TaskEvidence | Rejected) -> str:
    return known.reason if isinstance(known, Rejected) else "fewer of its calls carry a score"


def _both(change: MapChange) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Candidates that both maps say something of."""
    if change.before is None:
        return
    old, new = (m.provenance.candidates for m in (change.before, change.after))
    for name in old:
        if name in new:
            yield name, old[name], new[name]


def _price_of(routing_map: RoutingMap | None, name: str) -> Mapping[str, Any]:
    known = {} if routing_map is None else routing_map.provenance.candidates.get(name, {})
    return known.get("price") or {}


_PRICES = (
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "usd_per_hour",
)


def _largest_move(old: Mapping[str, Any], new: Mapping[str, Any]) -> float | None:
    """The largest relative move of a price in either direction; None: it became unknown."""
    moves = [0.0]
    for key in _PRICES:
        first, second = old.get(key), new.get(key)
        if first is not None and second is None and key != "cached_input_usd_per_mtok":
            return None
        if first is None or second is None or first == second:
            continue
        moves.append(abs(second - first) / first if first else float("inf"))
    return max(moves)


def _price(price: Mapping[str, Any]) -> str:
    """A price in short: '$1 in, $5 out', or '$0.6 an hour'."""
    tokens = price.get("input_usd_per_mtok"), price.get("output_usd_per_mtok")
    said = [] if None in tokens else [f"${tokens[0]:g} in, ${tokens[1]:g} out per million"]
    if price.get("usd_per_hour") is not None:
        said.append(f"${price['usd_per_hour']:g} an hour")
    return ", ".join(said) or "no price"


def _text(value: Any) -> str:
    return UNKNOWN if value in (None, {}, "") else str(value)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

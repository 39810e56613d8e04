"""MapChange → what two maps say of each task, side by side, as text and as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmroute.report.amounts import UNKNOWN, counted, quality_text, usd_text
from llmroute.report.verdicts import SYMBOLS, threshold_text

if TYPE_CHECKING:
    from llmroute.records import MapChange, RoutingMap, TaskChange, TaskRoute

COLUMNS = ("", "Task", "Route", "Verdict", "Quality", "Bar", "$/1k", "n")
RIGHT = ("Quality", "$/1k", "n")
Change = Literal["same", "changed", "added", "removed"]
Sign = Literal[" ", "~", "+", "-"]
SIGNS: dict[Change, Sign] = {"same": " ", "changed": "~", "added": "+", "removed": "-"}
_MOVES: tuple[Change, ...] = ("changed", "added", "removed")


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One task of two maps; a cell reads `before → after` where the two differ."""

    sign: Sign
    task: str
    route: str
    verdict: str
    quality: str
    bar: str
    cost: str
    n_samples: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells under `COLUMNS`."""
        return (self.sign, self.task, self.route, self.verdict, self.quality, self.bar, self.cost,
                self.n_samples)  # fmt: skip

    @property
    def is_same(self) -> bool:
        """Whether nothing that is shown of the task changed."""
        return self.sign == SIGNS["same"]


def diff_rows(change: MapChange) -> tuple[DiffRow, ...]:
    """One row a task of either map."""
    return tuple(_row(task) for task in change.tasks)


def diff_sentence(change: MapChange) -> str:
    """How much changed, in one sentence."""
    signs = [row.sign for row in diff_rows(change)]
    counts = [
        f"{counted(number, 'task')} {name}"
        for name in _MOVES
        if (number := signs.count(SIGNS[name]))
    ]
    n_same = signs.count(SIGNS["same"])
    same = [f"{counted(n_same, 'task')} as before"] if n_same else []
    if not counts and not list(diff_facts(change)):
        return f"Nothing changed: {', '.join(same) or 'no task'}."
    return f"{', '.join([*counts, *same])}."


def diff_facts(change: MapChange) -> Iterator[str]:
    """What changed beside the tasks: reference, rule, savings, sections; a line each."""
    old, new = change.before, change.after
    if old is not None:
        for name, first, second in _whole_map(old, new):
            if first != second:
                yield f"{name}: {first} → {second}"
    for section in change.sections:
        yield f"{section.name}: {section.change}"


def diff_notes(change: MapChange) -> Iterator[str]:
    """The notes of the maps that only one of them has, and what could not be compared."""
    old, new = (set(m.notes) if m else set() for m in (change.before, change.after))
    for note in change.after.notes:
        if note not in old:
            yield f"+ {note}"
    if change.before is not None:
        yield from (f"- {note}" for note in change.before.notes if note not in new)
    yield from change.notes


def diff_to_dict(change: MapChange) -> dict[str, Any]:
    """The change as plain values, figures as they are in the maps."""
    return {
        "version": 1,
        "tasks": [task_to_dict(task) for task in change.tasks],
        "facts": list(diff_facts(change)),
        "notes": list(diff_notes(change)),
    }


def task_to_dict(task: TaskChange) -> dict[str, Any]:
    """One task of the change as plain values."""
    return {
        "task": task.task,
        "change": _change(task),
        "before": None if task.before is None else _side(task.before),
        "after": None if task.after is None else _side(task.after),
        "quality_shift": _shift(task.quality),
        "cost_shift_usd": _shift(task.cost),
    }


def _side(route: TaskRoute) -> dict[str, Any]:
    evidence = route.evidence
    return {
        "route": route.route,
        "fallbacks": list(route.fallbacks),
        "verdict": route.verdict,
        "quality_threshold": route.quality_threshold,
        "quality": evidence.quality,
        "cost_usd_per_1k": evidence.cost_usd_per_1k,
        "coverage": evidence.coverage,
        "n_samples": evidence.n_samples,
    }


def _shift(shift: Any) -> dict[str, Any] | None:
    if shift is None:
        return None
    return {
        "difference": float(f"{shift.difference:.6g}"),
        "p_value": float(f"{shift.p_value:.6g}"),
        "n_paired": shift.n_paired,
    }


def _row(task: TaskChange) -> DiffRow:
    def both(text_of: Callable[[TaskRoute], str]) -> str:
        texts = [text_of(route) for route in (task.before, task.after) if route is not None]
        return " → ".join(dict.fromkeys(texts))

    return DiffRow(
        sign=SIGNS[_change(task)],
        task=task.task,
        route=both(lambda route: route.route),
        verdict=both(lambda route: f"{SYMBOLS[route.verdict]} {route.verdict}"),
        quality=both(lambda r: quality_text(r.evidence.quality, r.quality_threshold)),
        bar=both(lambda route: threshold_text(route.threshold_rule)),
        cost=both(lambda route: usd_text(route.evidence.cost_usd_per_1k)),
        n_samples=both(lambda route: str(route.evidence.n_samples)),
    )


def _change(task: TaskChange) -> Change:
    if task.before is None or task.after is None:
        return "added" if task.before is None else "removed"
    return "same" if _side(task.before) == _side(task.after) else "changed"


def _whole_map(old: RoutingMap, new: RoutingMap) -> Iterator[tuple[str, str, str]]:
    yield "reference", old.reference, new.reference
    yield "bar", threshold_text(old.rule.threshold), threshold_text(new.rule.threshold)
    for name in ("evidence", "confidence", "margin", "min_coverage"):
        yield name, str(getattr(old.rule, name)), str(getattr(new.rule, name))
    for name, label in (
        ("routed_usd_per_1k", "routed cost per 1,000"),
        ("reference_usd_per_1k", "reference cost per 1,000"),
    ):
        first, second = (usd_text(getattr(m.savings, name)) for m in (old, new))
        yield label, first, second
    for name, text_of in (("candidates", _candidates), ("run", _run)):
        yield name, text_of(old), text_of(new)


def _candidates(routing_map: RoutingMap) -> str:
    return ", ".join(sorted(routing_map.provenance.candidates)) or UNKNOWN


def _run(routing_map: RoutingMap) -> str:
    return routing_map.provenance.run_id or UNKNOWN

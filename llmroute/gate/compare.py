"""Two routing maps, and the outcomes behind them where they are at hand → MapChange."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmroute.analysis.paired import holm, interval_drop_p
from llmroute.errors import ConfigError
from llmroute.gate.measured import Measured
from llmroute.records import (
    Interval,
    MapChange,
    Rejected,
    RoutingMap,
    SectionChange,
    Shift,
    TaskChange,
    TaskEvidence,
    TaskRoute,
)

OWN_PARTS = frozenset(
    {"version", "generated_by", "digest", "reference", "quality", "tasks", "savings", "provenance",
     "notes"}
)  # fmt: skip
"""What every map has; any other top-level part is a section a command has added."""


@dataclass(frozen=True, slots=True)
class MapEvidence:
    """A map with what it stands on."""

    routing_map: RoutingMap
    sections: Mapping[str, Any]
    """Its top-level parts as the file states them, those this version does not know too."""
    measured: Measured | None = None
    """None: its outcomes are not at hand."""
    note: str | None = None
    """Why they are not, where one would have thought they were."""
    name: str = "the map"
    """The file, for messages."""


def compare_maps(before: MapEvidence, after: MapEvidence) -> MapChange:
    """What changed from one map to the other, and how sure that is.

    Quality and cost are tested on the same samples where both maps' outcomes are at hand; quality
    is else read off the two intervals. Its p-values are corrected for the number of tasks.

    Raises:
        ConfigError: the maps have no task in common: they are of different projects.
    """
    old = {task.task: task for task in before.routing_map.tasks}
    new = {task.task: task for task in after.routing_map.tasks}
    if old and new and not old.keys() & new.keys():
        raise ConfigError(
            f"no task of {before.name} is in {after.name}: they are maps of other suites",
            where=before.name,
            fix=f"It maps {_listed(old)}, the other one {_listed(new)}. Name the previous map of "
            "the same suites.",
        )
    tasks = [_compare_task(name, old[name], new.get(name), before, after) for name in old]
    tasks += [TaskChange(name, None, task) for name, task in new.items() if name not in old]
    return MapChange(
        before=before.routing_map,
        after=after.routing_map,
        tasks=_corrected(tasks),
        sections=tuple(_sections(before.sections, after.sections)),
        notes=tuple(evidence.note for evidence in (before, after) if evidence.note),
    )


def first_map(after: MapEvidence) -> MapChange:
    """A map without a previous one: all its tasks are new, and nothing is said against that."""
    tasks = tuple(TaskChange(task.task, None, task) for task in after.routing_map.tasks)
    notes = (after.note,) if after.note else ()
    return MapChange(before=None, after=after.routing_map, tasks=tasks, notes=notes)


def standing(task: TaskRoute, candidate: str) -> TaskEvidence | Rejected | None:
    """What a map knows of a candidate on a task: its route's evidence, or why it was rejected."""
    if candidate == task.route:
        return task.evidence
    return next((item for item in task.rejected if item.candidate == candidate), None)


def _compare_task(
    name: str, old: TaskRoute, new: TaskRoute | None, before: MapEvidence, after: MapEvidence
) -> TaskChange:
    if new is None:
        return TaskChange(name, old, None)
    served = _quality_shift(old, old.route, new, new.route, before, after)
    moved = old.route != new.route
    cost = None
    if before.measured is not None and after.measured is not None:
        cost = before.measured.cost_shift(after.measured, name, old.route, new.route)
    return TaskChange(
        task=name,
        before=old,
        after=new,
        quality=served,
        cost=cost,
        drift=_quality_shift(old, old.route, new, old.route, before, after) if moved else served,
    )


def _quality_shift(
    old: TaskRoute,
    first: str,
    new: TaskRoute,
    second: str,
    before: MapEvidence,
    after: MapEvidence,
) -> Shift | None:
    if before.measured is not None and after.measured is not None:
        paired = before.measured.quality_shift(after.measured, old.task, first, second)
        if paired is not None:
            return paired
    was, is_now = (_interval(standing(t, name)) for t, name in ((old, first), (new, second)))
    if was is None or is_now is None:
        return None
    p_value = interval_drop_p(
        was, is_now, before.routing_map.rule.confidence, after.routing_map.rule.confidence
    )
    return Shift(is_now.value - was.value, p_value, None)


def _interval(known: TaskEvidence | Rejected | None) -> Interval | None:
    if known is None or known.quality is None:
        return None
    if known.quality_low is None or known.quality_high is None:
        return None
    return Interval(known.quality, known.quality_low, known.quality_high)


def _corrected(tasks: Sequence[TaskChange]) -> tuple[TaskChange, ...]:
    """The tasks with the p-values of their quality corrected for being several."""
    p_values = iter(holm([task.quality.p_value for task in tasks if task.quality is not None]))
    return tuple(
        task
        if task.quality is None
        else replace(task, quality=replace(task.quality, p_value=next(p_values)))
        for task in tasks
    )


def _sections(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[SectionChange]:
    for name in dict.fromkeys((*old, *new)):
        if name in OWN_PARTS or old.get(name) == new.get(name):
            continue
        was, is_now = old.get(name), new.get(name)
        change = "added" if was is None else "removed" if is_now is None else "changed"
        yield SectionChange(name, change)  # type: ignore[arg-type]


def _listed(names: Mapping[str, object], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(list(names)[:most]) + (f" and {more} more" if more > 0 else "")

"""A routing map beside the previous one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmroute.records.routing_map import RoutingMap, TaskRoute


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a figure moved between two maps, and how likely that is where nothing changed."""

    difference: float
    """After − before."""
    p_value: float
    """One-sided, in the direction that is worse."""
    n_paired: int | None
    """Samples measured for both maps; None: the two intervals were compared."""


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One task in the previous map and in this one."""

    task: str
    before: TaskRoute | None
    """None: the task is new."""
    after: TaskRoute | None
    """None: the task is gone."""
    quality: Shift | None = None
    """Of the answers its requests get: the previous route's then, this route's now."""
    cost: Shift | None = None
    """Of the same requests, in US dollars each; None: not measured sample by sample."""
    drift: Shift | None = None
    """Quality of the previous route's candidate itself, where it is another now."""


@dataclass(frozen=True, slots=True)
class SectionChange:
    """A section of the map, such as `query_router`, that is not a task's route."""

    name: str
    change: Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class MapChange:
    """A routing map beside the previous one."""

    before: RoutingMap | None
    """None: there is no previous map."""
    after: RoutingMap
    tasks: tuple[TaskChange, ...] = ()
    """The previous map's order, then the new tasks."""
    sections: tuple[SectionChange, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be compared as it should, and why."""

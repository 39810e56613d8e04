"""MapChange → what the report says of the run before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import counted
from llmroute.report.map_diff import DiffRow, diff_facts, diff_rows
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.records import MapChange, TaskRoute

MOST_NAMED = 3
OWN_FACTS = ("run:", "candidates:")
"""Facts that differ from run to run, or are told elsewhere."""


@dataclass(frozen=True, slots=True)
class ChangesView:
    """This map beside the one of the run before."""

    sentence: str
    since: str
    """'run ID of DATE'."""
    is_moved: bool
    """Whether any request is answered by another candidate."""
    rows: tuple[DiffRow, ...]
    """Tasks of which something that is shown changed."""
    facts: tuple[str, ...]
    n_same: int


def view_changes(change: MapChange | None) -> ChangesView | None:
    """What changed since the run before; None where there is none."""
    if change is None or change.before is None:
        return None
    rows = diff_rows(change)
    moved = [
        f"{one_line(task.task, 60)} ({one_line(old, 60)} → {one_line(new, 60)})"
        for task in change.tasks
        if (old := _route(task.before)) != (new := _route(task.after)) and old and new
    ]
    source = change.before.provenance
    since = f"run {source.run_id}" + (f" of {source.started[:10]}" if source.started else "")
    return ChangesView(
        sentence=_sentence(moved, since, change),
        since=since,
        is_moved=bool(moved),
        rows=tuple(row for row in rows if not row.is_same),
        facts=tuple(fact for fact in diff_facts(change) if not fact.startswith(OWN_FACTS)),
        n_same=sum(row.is_same for row in rows),
    )


def _sentence(moved: list[str], since: str, change: MapChange) -> str:
    n_new = sum(task.before is None for task in change.tasks)
    n_gone = sum(task.after is None for task in change.tasks)
    n_both = len(change.tasks) - n_new - n_gone
    said = [_moved_words(moved, n_both)]
    said += [f"{counted(n_new, 'task')} {_be(n_new)} new"] if n_new else []
    said += [f"{counted(n_gone, 'task')} {_be(n_gone)} gone"] if n_gone else []
    return f"Since {since}, {'; '.join(said)}."


def _moved_words(moved: list[str], n_tasks: int) -> str:
    if not moved:
        return "no route has changed"
    more = f" and {len(moved) - MOST_NAMED} more" if len(moved) > MOST_NAMED else ""
    verb = "has" if len(moved) == 1 else "have"
    named = ", ".join(moved[:MOST_NAMED])
    return f"{len(moved)} of {counted(n_tasks, 'route')} {verb} changed: {named}{more}"


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def _route(route: TaskRoute | None) -> str:
    return route.route if route else ""

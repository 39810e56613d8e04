"""Every text of every page's view, replaced by hostile ones: walked by type, none is forgotten."""

from __future__ import annotations

import sys
import types
from collections import ChainMap, defaultdict
from dataclasses import fields, is_dataclass, replace
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import pytest

from llmroute import records
from llmroute.records import Provenance
from llmroute.report import attributes
from llmroute.report.bench.html import render_html
from llmroute.report.bench.view import ReportView, build_view
from llmroute.report.calibration.html import render_calibration
from llmroute.report.calibration.view import CalibrationView, build_calibration_view
from llmroute.report.history import HistoryView, build_history, render_history

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmroute.calibrating import Calibration
    from llmroute.records import Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]
    Write = Callable[[str, str], str]

ROOM = "llmroute.report."
PLAIN = {float: 0.5, int: 3, bool: True}


@cache
def _hints(record: type) -> dict[str, Any]:
    """Its fields' types, those too that its module imports for the type checker alone."""
    room = [vars(module) for name, module in sys.modules.items() if name.startswith(ROOM)]
    return get_type_hints(record, localns=dict(ChainMap(*room, vars(records), vars(attributes))))


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def example(hint: Any) -> Any:
    """A value of the type with nothing left out: what is optional is there, no tuple is empty."""
    if hint is str:
        return ""
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, NewType):
        return hint("0,0 1,1")
    if _is_union(hint):
        return example(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    if get_origin(hint) is tuple:
        return tuple(example(part) for part in get_args(hint) if part is not Ellipsis)
    if is_dataclass(hint):
        return hint(**{name: example(part) for name, part in _hints(hint).items()})  # type: ignore[arg-type]
    raise TypeError(f"a view holds {hint}: say here what an example of it is")


def rewrite(value: Any, hint: Any, write: Write, where: str) -> Any:
    """The value with every text that may hold anything replaced by `write(field, text)`.

    A Literal or a NewType of `report/attributes.py` is no such text: it is kept. What is missing
    is filled in, so that every field of every record is written to.
    """
    if hint is str:
        return write(where, value)
    if _is_union(hint):
        known = next(part for part in get_args(hint) if part is not type(None))
        return rewrite(example(known) if value is None else value, known, write, where)
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        if parts[-1] is Ellipsis:
            some = value or (example(parts[0]),)
            return tuple(rewrite(one, parts[0], write, where) for one in some)
        return tuple(
            rewrite(one, part, write, f"{where}[{place}]")
            for place, (one, part) in enumerate(zip(value, parts, strict=True))
        )
    if is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        return replace(
            value,
            **{
                field.name: rewrite(
                    getattr(value, field.name),
                    hints[field.name],
                    write,
                    f"{type(value).__name__}.{field.name}",
                )
                for field in fields(value)
            },
        )
    return value


def fill(view: Any, strings: Sequence[str], *, all_in_every_field: bool) -> Any:
    """The view with hostile texts; equal texts of it stay equal, so that names still match.

    One string a text; or so many, a line each, that each field holds all of them between its texts.
    """
    found: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)

    def key(field: str, text: str) -> tuple[str, str]:
        return ("", text) if text else (field, "")

    def note(field: str, text: str) -> str:
        found[field][key(field, text)] = None
        return text

    grown = rewrite(view, type(view), note, "")
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    turn = count()
    for texts in found.values():
        for place, text in enumerate(texts):
            if all_in_every_field:
                said[text] += strings[place :: len(texts)]
            elif text not in said:
                said[text] = [strings[next(turn) % len(strings)]]
    joined = {text: "\n".join(dict.fromkeys(parts)) for text, parts in said.items()}
    return rewrite(grown, type(grown), lambda field, text: joined[key(field, text)], "")


def few(run: Run, n_tasks: int = 2) -> Run:
    """Some tasks, three samples each: as little as has every kind of text."""
    comparison, routing_map, outcomes = run
    tasks = [task.task for task in comparison.tasks[:n_tasks]]
    kept = {key for task in tasks for key in [k for k in outcomes.prompts if k[0] == task][:3]}
    return (
        replace(comparison, tasks=comparison.tasks[:n_tasks]),
        replace(routing_map, tasks=routing_map.tasks[:n_tasks]),
        replace(
            outcomes,
            rows=tuple(row for row in outcomes.rows if (row.task, row.sample_id) in kept),
            prompts={key: outcomes.prompts[key] for key in kept},
        ),
    )


def several(routing_map: RoutingMap) -> list[RoutingMap]:
    """Three runs; the first task's route changes in the second."""
    first, *others = routing_map.tasks
    moved = replace(routing_map, tasks=(replace(first, route="newcomer"), *others))
    return [
        replace(one, provenance=Provenance(run_id=f"run-{day}", started=f"2026-11-{day:02}T08:00"))
        for day, one in enumerate((routing_map, moved, moved), start=1)
    ]


@pytest.fixture(scope="session")
def views(real_run: Run, calibration: Calibration) -> dict[str, Any]:
    """A small view of every page, as a real run and a real calibration make it."""
    return {
        "bench": build_view(*few(real_run)),
        "history": build_history(several(few(real_run)[1])),
        "calibration": build_calibration_view(calibration),
    }


@pytest.fixture(scope="session")
def render(calibration: Calibration) -> Callable[[Any], str]:
    """Any view → its page."""

    def page_of(view: Any) -> str:
        if isinstance(view, ReportView):
            return render_html(view)
        if isinstance(view, HistoryView):
            return render_history(view)
        assert isinstance(view, CalibrationView)
        return render_calibration(calibration, view)

    return page_of


@pytest.fixture(scope="session")
def hostile_pages(
    views: dict[str, Any], render: Callable[[Any], str], payloads: tuple[str, ...]
) -> dict[str, str]:
    """Every page with every hostile string in every field."""
    return {
        name: render(fill(view, payloads, all_in_every_field=True)) for name, view in views.items()
    }


@pytest.fixture(scope="session")
def oddly_named_pages(
    views: dict[str, Any], render: Callable[[Any], str], hostile: tuple[str, ...]
) -> dict[str, str]:
    """Every page with one hostile string for each text."""
    return {
        name: render(fill(view, hostile, all_in_every_field=False)) for name, view in views.items()
    }


@pytest.fixture(scope="session")
def pages(real_run: Run, calibration: Calibration) -> dict[str, str]:
    """Every page as readers see it."""
    return {
        "bench": render_html(build_view(*few(real_run, n_tasks=6))),
        "history": render_history(build_history(several(real_run[1]))),
        "calibration": render_calibration(calibration, build_calibration_view(calibration)),
    }


@pytest.fixture(scope="session")
def pages_of_hostile_runs(
    bad_run: Run, make_calibration: Callable[..., Calibration], payloads: tuple[str, ...]
) -> dict[str, str]:
    """Every page as made from hostile suites, models and answers: no view is touched."""
    rows = hostile_rows(payloads)
    weak, strong = rows[0]["models"]
    calibrated = make_calibration(rows, weak=weak, strong=strong)
    return {
        "bench": render_html(build_view(*bad_run)),
        "history": render_history(build_history(several(bad_run[1]), payloads)),
        "calibration": render_calibration(calibrated, build_calibration_view(calibrated)),
    }


def hostile_rows(payloads: tuple[str, ...]) -> list[dict[str, Any]]:
    """Outcomes of two models: their names, ids, tasks, prompts and answers are hostile."""
    weak, strong = [text for text in payloads if "onerror" in text][:2]
    rows = []
    for place, text in enumerate(payloads):
        right = place % 3 > 0
        models = {weak: {"score": float(right), "answer": text}, strong: {"score": 1.0}}
        task = payloads[place % 4]
        rows.append(
            {"id": f"{text} {place}", "task": task, "prompt": f"{text} {place}", "models": models}
        )
    return rows

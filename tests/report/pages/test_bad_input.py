"""Runs with little or nothing in them: a page that says what is known and what is not."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.records import Provenance
from llmroute.report.bench.html import render_html
from llmroute.report.bench.view import build_view
from llmroute.report.calibration.html import render_calibration
from llmroute.report.calibration.view import build_calibration_view
from llmroute.report.history import build_history, render_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.calibrating import Calibration
    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]
    Visit = tuple[Any, list[str], list[str]]

pytestmark = pytest.mark.xdist_group("pages")  # they share pages that take a while to make

UNANSWERED: dict[str, Any] = {
    "verdict": "undecided", "reason": "nothing was scored (no calls)", "quality": None,
    "quality_low": None, "quality_high": None, "n_answered": 0, "n_scored": 0,
    "cost_usd_per_1k": None, "cost_basis": None, "unpriced_reason": "no answer to price",
    "latency_p50_s": None, "latency_p95_s": None, "input_tokens": None, "output_tokens": None,
}  # fmt: skip
ONE_SAMPLE: dict[str, Any] = {
    "verdict": "undecided", "n_samples": 1, "n_planned": 1, "n_answered": 1, "n_scored": 1,
    "quality": 1.0, "quality_low": 0.05, "quality_high": 1.0, "samples_needed": 58,
}  # fmt: skip
UNPRICED: dict[str, Any] = {
    "cost_usd_per_1k": None, "cost_basis": None, "unpriced_reason": "no price is known",
}  # fmt: skip
BENCHES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no answers": (
        UNANSWERED,
        ["No call was answered, so all traffic stays on large.", "0 of 150 planned",
         "No candidate is both priced and scored on this task.", "or nothing was scored",
         "Nothing has been scored: any sample would be the first evidence."],
    ),
    "everything failed": (
        UNANSWERED | {"failures": {"unauthorized": 40, "timed_out": 10}},
        ["No call was answered (unauthorized: 120 calls)", "100% of the calls carry no score",
         "40 unauthorized, 10 timed out"],
    ),
    "one sample": (
        ONE_SAMPLE,
        ["No candidate qualifies on the one task", "not even a perfect score would do",
         "58 more samples would settle it"],
    ),
    "no price": (
        UNPRICED,
        ["3 results would, but for a price.", "There is no savings figure"],
    ),
    "names of 500 characters": (
        {"task": "t" * 500},
        ["Clearing the bar is likely on 1 task.", "t" * 500],
    ),
    "right to left, and emoji": (
        {"task": "تصنيف الرسائل 👩‍👩‍👧"},
        ["Clearing the bar is likely on 1 task.", "تصنيف الرسائل 👩‍👩‍👧"],
    ),
}  # fmt: skip
NAMES = {
    "names of 500 characters": tuple(name * 100 for name in ("tiny!", "small", "large")),
    "right to left, and emoji": ("نموذج صغير", "דגם 🏳️‍🌈", "👩‍🚀" * 30),
}


def told(page: str) -> str:
    """What a reader of the page reads."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.fixture(scope="module")
def see(visit: Callable[..., Visit]) -> Callable[[str], str]:
    """What a page tells, once a browser has found nothing wrong with it."""

    def checked(page: str) -> str:
        opened, messages, requests = visit(page, viewport={"width": 360, "height": 800})
        for width in (360, 1280):
            opened.set_viewport_size({"width": width, "height": 800})
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert (messages, requests) == ([], [])
        opened.context.close()
        return told(page)

    return checked


@pytest.mark.parametrize("case", BENCHES)
def test_a_bench_that_shows_little_says_what_it_does_not(
    see: Callable[[str], str], run_of: Callable[..., Run], cell: Cell, case: str
) -> None:
    changes, sentences = BENCHES[case]
    names = NAMES.get(case, ("tiny", "small", "large"))
    cells = [
        replace(cell, candidate=name, **({"cost_usd_per_1k": cost} | changes))
        for name, cost in zip(names, (0.01, 0.1, 2.0), strict=True)
    ]
    text = see(render_html(build_view(*run_of(cells, reference=names[-1]))))
    assert [sentence for sentence in sentences if sentence not in text] == []


def test_a_bench_of_one_candidate_has_nobody_to_compare_it_with(
    see: Callable[[str], str], run_of: Callable[..., Run], cell: Cell
) -> None:
    text = see(render_html(build_view(*run_of([cell], reference="small"))))
    assert "All traffic stays on small" in text
    assert "Nothing cheaper was tried." in text


def test_a_bench_without_a_task_says_so_in_every_section(
    see: Callable[[str], str], run_of: Callable[..., Run]
) -> None:
    text = see(render_html(build_view(*run_of([], reference="small"))))
    for sentence in (
        "There is nothing to compare: the run holds no task.",
        "there is nothing to route",
        "No candidate was compared.",
        "There is no task to draw.",
        "There is no task to explain.",
        "There are no outcomes to draw from.",
        "No call was planned.",
        "Nothing was measured.",
        "The run left no answers to look at.",
    ):
        assert sentence in text
    assert "not likely to lower the price" not in text


def test_two_hundred_candidates_are_all_named(
    see: Callable[[str], str], run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [
        replace(cell, task=task, candidate=f"candidate-{i:03}", cost_usd_per_1k=0.1 + i)
        for task in ("sums", "proofs")
        for i in range(200)
    ]
    text = see(render_html(build_view(*run_of(cells, reference="candidate-199"))))
    assert "Clearing the bar is likely on 2 tasks." in text
    assert all(f"candidate-{i:03}" in text for i in range(200))


def run_at(routing_map: RoutingMap, day: int, **changes: Any) -> RoutingMap:
    source = Provenance(run_id=f"run-{day}", started=f"2026-11-{day:02}T08:00")
    return replace(routing_map, provenance=source, **changes)


def test_a_history_without_a_run_tells_whether_there_was_one(see: Callable[[str], str]) -> None:
    assert "The store holds no run." in see(render_history(build_history([])))
    text = see(render_history(build_history([], ["Run x is left out: its map is damaged."])))
    assert "Run x is left out: its map is damaged." in text
    assert "The store holds no run." not in text


def test_a_history_of_one_run_compares_nothing(see: Callable[[str], str], real_run: Run) -> None:
    text = see(render_history(build_history([run_at(real_run[1], 1)])))
    assert "One run so far: there is nothing to compare it with yet." in text


def test_runs_without_a_task_in_common_are_not_said_to_agree(
    see: Callable[[str], str], real_run: Run
) -> None:
    _, routing_map, _ = real_run
    first = run_at(routing_map, 1, tasks=routing_map.tasks[:2])
    second = run_at(routing_map, 2, tasks=routing_map.tasks[2:])
    text = see(render_history(build_history([first, second])))
    assert "Over 2 runs no task came twice: there is nothing to compare yet." in text
    assert "no route has changed" not in text


def test_runs_that_do_not_say_when_they_were_stand_with_a_dash(
    see: Callable[[str], str], real_run: Run
) -> None:
    bare = replace(real_run[1], provenance=Provenance())
    view = build_history([bare, bare])
    assert [(run.started, run.run_id) for run in view.runs] == [("–", "–")] * 2
    assert "Over 2 runs no route has changed." in see(render_history(view))


def test_a_calibration_that_is_not_worth_running_says_why(
    see: Callable[[str], str],
    make_calibration: Callable[..., Calibration],
    make_rows: Callable[..., list[dict[str, Any]]],
) -> None:
    calibration = make_calibration(make_rows(shuffled=True))
    assert not calibration.shipped
    text = see(render_calibration(calibration, build_calibration_view(calibration)))
    assert " ".join(calibration.proof.shipping.reason.split()) in text

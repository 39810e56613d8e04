from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from llmroute.report.bench.terminal import print_report, render_text
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def _printed(run: Run, *, terminal: bool, width: int = 100) -> str:
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=width,
        no_color=False,
        legacy_windows=False,
        color_system="truecolor" if terminal else None,
    )
    print_report(build_view(*run), console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_plain_text_tells_the_whole_story(small_run: Run) -> None:
    assert _printed(small_run, terminal=False) == (
        "Routing by task costs $0.12 per 1,000 requests instead of $2.50: 95% less than sending "
        "everything to large, and the route that changes is at most 0.02 below its bar at 95% "
        "confidence.\n"
        "\n"
        "Clearing the bar is likely on 1 task.\n"
        "\n"
        "Task            Route  Verdict   Quality  Interval    Bar   n   $/1k  Saved  Fallbacks\n"
        "classification  small  ≈ likely     0.92  0.83–0.97  0.85  50  $0.12    95%  large\n"
        "\n"
        "Why not cheaper?\n"
        "Task            Candidate  Verdict  Quality    $/1k  Why not\n"
        "classification  tiny       ✗ fails     0.70  $0.020  mean 0.70 is below the bar 0.85\n"
        "\n"
        "148 of 150 planned calls carry a score (98.7%). The cheapest candidate that likely clears "
        "the bar: bar 0.85, one-sided bounds at 95% confidence, margin 0.05, coverage at least "
        "98%.\n"
    )


def test_a_pipe_gets_long_names_whole_on_one_line(run_of: Callable[..., Run], cell: Cell) -> None:
    name = "vendor/" + "x" * 200
    text = _printed(
        run_of([replace(cell, candidate=name)], reference=name), terminal=False, width=80
    )
    assert any(name in line and "≈ likely" in line for line in text.splitlines())


def test_a_terminal_gets_the_same_story_in_colour(small_run: Run) -> None:
    text = _printed(small_run, terminal=True)
    assert "\x1b[" in text
    seen = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "classification" in seen
    assert "tiny ✗ fails 0.70, $0.020: mean 0.70 is below the bar 0.85" in seen


def test_hostile_text_reaches_no_terminal_raw(bad_run: Run) -> None:
    shown = _printed(bad_run, terminal=True, width=200)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", re.sub(r"\x1b\[[0-9;]*m", "", shown)
    )
    piped = _printed(bad_run, terminal=False)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", piped)


def test_names_are_text_and_never_markup(run_of: Callable[..., Run], cell: Cell) -> None:
    run = run_of([replace(cell, candidate="[bold red]x[/]")], reference="[bold red]x[/]")
    assert "[bold red]x[/]" in re.sub(r"\x1b\[[0-9;]*m", "", _printed(run, terminal=True))


def test_wide_characters_keep_the_columns_aligned(run_of: Callable[..., Run], cell: Cell) -> None:
    cells = [replace(cell, task="分類"), replace(cell, task="abcd")]
    lines = render_text(build_view(*run_of(cells, reference="small"))).splitlines()
    rows = [line for line in lines if "≈ likely" in line]
    assert [row.index("small") for row in rows] == [4, 6]


def test_an_empty_run_prints_what_is_known(run_of: Callable[..., Run]) -> None:
    text = render_text(build_view(*run_of([], reference="small")))
    assert text.startswith("There is nothing to compare: the run holds no task.\n")


def test_many_notes_are_counted_rather_than_listed(small_run: Run) -> None:
    comparison, routing_map, outcomes = small_run
    noted = replace(routing_map, notes=tuple(f"note {i}" for i in range(20)))
    text = render_text(build_view(comparison, noted, outcomes))
    assert "note: note 7\nnote: 12 more, in the report\n" in text

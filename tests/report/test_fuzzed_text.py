"""10,000 seeded strings of the worst characters, through every sink a terminal or sheet reads."""

from __future__ import annotations

import csv
import io
import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from llmroute.report.bench.table import render_csv
from llmroute.report.bench.terminal import print_report
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]

N_CELLS = 2_500
"""Each carries four strings: task, candidate, verdict's reason and a kind of failure."""
CHARACTERS = (
    *map(chr, range(0xA0)), "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\ud800",
    "\U000e0041", "+1", "-1", "@SUM(", "＝", "＋", "－", "＠", "\r\n", "é", "表", '"', ",", ";",
    "a", "model-x", " ",
)  # fmt: skip
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
FORMULA = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠|%]")


@pytest.fixture(scope="module")
def strings(payloads: tuple[str, ...]) -> list[str]:
    rng = random.Random(7)
    pieces = (*CHARACTERS, *(text for text in payloads if len(text) <= 20))
    return [
        "".join(rng.choices(pieces, k=rng.randint(1, 9))) + f"~{number}"
        for number in range(4 * N_CELLS)
    ]


@pytest.fixture
def fuzzed(run_of: Callable[..., Run], cell: Cell, strings: list[str]) -> Run:
    cells = [
        replace(cell, task=strings[i], candidate=strings[i + 1], reason=strings[i + 2],
                failures={strings[i + 3]: 1}, verdict=("fails", "likely")[i % 8 // 4],
                cost_usd_per_1k=float(i + 1))
        for i in range(0, len(strings), 4)
    ]  # fmt: skip
    return run_of(cells, reference=cells[-1].candidate, notes=tuple(strings[:1000]))


def test_no_csv_cell_is_a_formula_or_holds_a_control_character(fuzzed: Run) -> None:
    text = render_csv(build_view(*fuzzed))
    assert CONTROL.search(text) is None
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + N_CELLS
    header = rows[0]
    for row in rows[1:]:
        for name, value in zip(header, row, strict=True):
            if name in ("task", "candidate", "reason"):
                assert FORMULA.match(value) is None, value


@pytest.mark.parametrize("colour", [False, True])
def test_no_control_character_reaches_a_terminal(fuzzed: Run, colour: bool) -> None:
    console = Console(
        file=io.StringIO(),
        force_terminal=colour,
        width=200,
        color_system="truecolor" if colour else None,
    )
    print_report(build_view(*fuzzed), console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    own = re.sub(r"\x1b\[[0-9;]*m", "", printed) if colour else printed
    assert CONTROL.search(own) is None
    assert "~4" in printed

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.report.bench.table import COLUMNS, render_csv
from llmroute.report.bench.view import build_view
from llmroute.report.cells import guarded

if TYPE_CHECKING:
    from llmroute.records import Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def test_every_cell_is_a_line_and_unknown_is_empty(real_run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(build_view(*real_run)))))
    assert len(rows) == 30
    unpriced = [row for row in rows if row["candidate"] == "local-qwen"]
    assert {row["cost_usd_per_1k"] for row in unpriced} == {""}


def test_numbers_stay_numbers(small_run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(build_view(*small_run)))))
    small = rows[1]
    assert (small["candidate"], small["quality"], small["is_route"]) == ("small", "0.92", "1")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠x", "|x"]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert guarded(text).startswith("'")


@given(st.text())
def test_no_text_starts_a_formula_or_a_new_line(text: str) -> None:
    cell = guarded(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert not {"\n", "\r", "\t", "\x1b"} & set(cell)


def test_hostile_names_do_not_change_the_shape(bad_run: Run) -> None:
    rows = list(csv.reader(io.StringIO(render_csv(build_view(*bad_run)))))
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert len(rows) == 145

"""GateResult or MapChange → a Console: tables on a terminal, aligned plain text for a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from llmroute.report.columns import align_columns
from llmroute.report.gate.view import COLUMNS, STYLES, finding_cells, gate_sentence
from llmroute.report.map_diff import (
    COLUMNS as DIFF_COLUMNS,
)
from llmroute.report.map_diff import (
    RIGHT,
    diff_facts,
    diff_notes,
    diff_rows,
    diff_sentence,
)
from llmroute.report.sanitize import loggable, one_line

if TYPE_CHECKING:
    from rich.console import Console

    from llmroute.records import Finding, GateResult, MapChange

DIFF_STYLES = {"~": "yellow", "+": "green", "-": "red", " ": "dim"}


def print_gate(result: GateResult, console: Console) -> None:
    """The answer, what it objects to and why."""
    tone = "bold green" if result.passed else "bold red"
    _print_line(console, gate_sentence(result), tone)
    if result.findings and console.is_terminal:
        console.print("", _findings(result.findings), "", sep="\n")
    elif result.findings:
        rows = [tuple(map(one_line, finding_cells(found))) for found in result.findings]
        _print_line(console, f"\n{align_columns(COLUMNS, rows, ())}\n", "")
    for note in result.change.notes:
        _print_line(console, f"note: {one_line(note)}", "yellow")


def _findings(findings: Iterable[Finding]) -> Table:
    """What changed and, under it, why: a column of its own would be too narrow to read."""
    table = _table(("Level", "Task", "Rule", "What changed, and why"), ("Level", "Rule"))
    for finding in findings:
        level, task, rule, what, before, after, why = (
            loggable(one_line(cell)) for cell in finding_cells(finding)
        )
        changed = Text.assemble(f"{what}: ", (f"{before} → {after}", "bold"), "\n", (why, "dim"))
        table.add_row(Text(level, style=STYLES[finding.level]), Text(task), Text(rule), changed)
    return table


def print_diff(change: MapChange, console: Console) -> None:
    """Each task of two maps, what changed beside them, and the notes only one of them has."""
    _print_line(console, diff_sentence(change), "bold")
    rows = diff_rows(change)
    cells = [tuple(map(one_line, row.cells)) for row in rows]
    if cells:
        styles = [DIFF_STYLES[row.sign] for row in rows]
        _print_table(console, DIFF_COLUMNS, cells, styles, RIGHT)
    for fact in diff_facts(change):
        _print_line(console, one_line(fact), "")
    notes = [one_line(note) for note in diff_notes(change)]
    if notes:
        _print_line(console, "\nNotes", "bold")
    for note in notes:
        _print_line(console, note, "")


def _print_line(console: Console, line: str, style: str) -> None:
    encoded = loggable(line).encode(console.encoding, "replace").decode(console.encoding)
    console.print(Text(encoded, style=style), soft_wrap=not console.is_terminal)


def _print_table(
    console: Console,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Iterable[str],
    right: Sequence[str] = (),
) -> None:
    if not console.is_terminal:
        _print_line(console, f"\n{align_columns(columns, rows, right)}\n", "")
        return
    table = _table(columns, ("", "Verdict", "n"), right)
    for row, style in zip(rows, styles, strict=True):
        table.add_row(Text(row[0], style=style), *(Text(loggable(cell)) for cell in row[1:]))
    console.print("", table, "", sep="\n")


def _table(columns: Sequence[str], whole: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table whose `whole` columns are never broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=column in whole,
        )
    return table

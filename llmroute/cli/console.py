"""Where a command writes: results to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console


def stdout_console() -> Console:
    """The console results go to; NO_COLOR and TERM are obeyed by rich."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False)


def stderr_console() -> Console:
    """The console messages and progress go to."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


def say(message: str) -> None:
    """One message to stderr, with what a terminal or a CI log would obey made visible."""
    from llmroute.report.sanitize import loggable

    typer.echo(loggable(message), err=True)


def show_text(text: str) -> None:
    """Text to stdout, with what a terminal or a CI log would obey made visible."""
    from llmroute.report.sanitize import loggable

    typer.echo(loggable(text))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """A table to stdout: drawn on a terminal, aligned plain text elsewhere, never cut there.

    Args:
        columns: headings.
        rows: cells as text; data, never markup.
        right: indices of the columns whose cells stand at the right.
    """
    from llmroute.report.columns import align_columns
    from llmroute.report.sanitize import loggable, one_line

    clean = [[one_line(cell) for cell in row] for row in rows]
    at_right = {columns[index] for index in right}
    console = stdout_console()
    if console.is_terminal:
        _draw_table(console, columns, clean, at_right)
    else:
        typer.echo(loggable(align_columns(columns, clean, at_right)))


def _draw_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)

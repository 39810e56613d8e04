"""ReportView → a Console: rich tables for a person, plain aligned text for a pipe.

Data reaches rich as `Text`, never as markup, and without a single control character.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from llmroute.report.amounts import UNKNOWN
from llmroute.report.columns import align_columns
from llmroute.report.sanitize import loggable, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.report.bench.tasks import RejectedView, TaskView
    from llmroute.report.bench.view import ReportView

STYLES = {
    "proven": "green",
    "likely": "cyan",
    "undecided": "yellow",
    "fails": "red",
    "fallback": "magenta",
    "good": "bold green",
    "plain": "bold",
    "bad": "bold red",
}
ROUTE_COLUMNS = ("Task", "Route", "Verdict", "Quality", "Interval", "Bar", "n", "$/1k", "Saved",
                 "Fallbacks")  # fmt: skip
RIGHT = ("Quality", "Bar", "n", "$/1k", "Saved")
WHY_COLUMNS = ("Task", "Candidate", "Verdict", "Quality", "$/1k", "Why not")
MAX_REASONS = 4
"""Rejected candidates listed a task; the HTML report has them all."""
MAX_NOTES = 8


def print_report(view: ReportView, console: Console) -> None:
    """Tell the report's story to a console: in tables on a terminal, else as plain lines."""
    if console.is_terminal:
        console.print(_rich(view))
        return
    # A pipe may take less than UTF-8, and a report must not end in a UnicodeEncodeError.
    text = loggable(render_text(view)).encode(console.encoding, "replace").decode(console.encoding)
    console.print(Text(text), soft_wrap=True, end="")


def render_text(view: ReportView) -> str:
    """The story as plain text, as wide as its names need, without colour or boxes."""
    parts = [_sentence(view), "\n".join(_lines((*view.headline.details, *view.further)))]
    if view.tasks:
        parts.append(
            align_columns(ROUTE_COLUMNS, [_route_cells(task) for task in view.tasks], RIGHT)
        )
    for question in dict.fromkeys(task.question for task in view.tasks):
        asked = [task for task in view.tasks if task.question == question]
        if why := [cells for task in asked for cells in _why_cells(task)]:
            parts.append(f"{question}\n" + align_columns(WHY_COLUMNS, why, RIGHT))
    warned = [f"warning: {banner}" for banner in _lines(view.banners)]
    parts.append("\n".join([*warned, *(f"note: {note}" for note in _notes(view))]))
    parts.append(_coverage(view))
    return "\n\n".join(part for part in parts if part) + "\n"


def _rich(view: ReportView) -> Group:
    parts: list[RenderableType] = [Text(_sentence(view), style=STYLES[view.headline.tone])]
    parts += [Text(line, style="dim") for line in _lines((*view.headline.details, *view.further))]
    if view.tasks:
        parts.append(Padding(_table(ROUTE_COLUMNS, [_route_cells(t) for t in view.tasks]), (1, 0)))
    for task in view.tasks:
        parts += _rich_why(task)
    parts += [Text(f"! {banner}", style="bold red") for banner in _lines(view.banners)]
    parts += [Text(f"! {note}", style="yellow") for note in _notes(view)]
    parts.append(Text(_coverage(view), style="dim"))
    return Group(*parts)


def _rich_why(task: TaskView) -> list[RenderableType]:
    items, left = _shown(task)
    if not items:
        return []
    head = Text.assemble((one_line(task.task), "bold"), (f": {task.question}", "dim"))
    lines: list[RenderableType] = [head]
    for item in items:
        verdict = (f"{item.symbol} {item.verdict}", STYLES[item.verdict])
        rest = f" {item.quality.text}, {_price(item)}: {_reason(item)}"
        lines.append(Text.assemble("  ", (one_line(item.candidate), "bold"), " ", verdict, rest))
    if left:
        lines.append(Text(f"  and {left} more, in the report", style="dim"))
    return [*lines, Text("")]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in RIGHT else "left",
            overflow="fold",
            no_wrap=column in (*RIGHT, "Verdict", "Interval"),
        )
    for row in rows:
        table.add_row(*(_styled(column, cell) for column, cell in zip(columns, row, strict=True)))
    return table


def _styled(column: str, cell: str) -> Text:
    if column == "Verdict":
        return Text(cell, style=STYLES.get(cell.split()[-1], ""))
    return Text(cell, style="bold" if column == "Route" else "")


def _route_cells(task: TaskView) -> tuple[str, ...]:
    return (
        one_line(task.task),
        one_line(task.route),
        f"{task.symbol} {task.verdict}",
        task.quality.text,
        task.quality.interval or UNKNOWN,
        task.bar.text,
        str(task.n_samples),
        task.cost.text,
        task.saved.text,
        ", ".join(one_line(name) for name in task.fallbacks) or UNKNOWN,
    )


def _why_cells(task: TaskView) -> list[tuple[str, ...]]:
    items, left = _shown(task)
    rows: list[tuple[str, ...]] = [
        (one_line(task.task), one_line(item.candidate), f"{item.symbol} {item.verdict}",
         item.quality.text, _price(item), _reason(item))
        for item in items
    ]  # fmt: skip
    if left:
        rows.append((one_line(task.task), f"{left} more, in the report", "", "", "", ""))
    return rows


def _shown(task: TaskView) -> tuple[tuple[RejectedView, ...], int]:
    return task.answers[:MAX_REASONS], max(0, len(task.answers) - MAX_REASONS)


def _price(item: RejectedView) -> str:
    return item.cost.text if item.cost.value is not None else "no price"


def _reason(item: RejectedView) -> str:
    needed = (
        f" ({item.samples_needed:,} more samples would settle it)" if item.samples_needed else ""
    )
    return one_line(item.reason) + needed


def _sentence(view: ReportView) -> str:
    return one_line(view.headline.sentence)


def _lines(texts: Iterable[str]) -> list[str]:
    return [one_line(text) for text in texts]


def _notes(view: ReportView) -> list[str]:
    left = len(view.notes) - MAX_NOTES
    more = [f"{left} more, in the report"] if left > 0 else []
    return _lines(view.notes[:MAX_NOTES]) + more


def _coverage(view: ReportView) -> str:
    scored = f"{view.n_scored:,} of {view.n_planned:,} planned calls carry a score"
    return f"{scored} ({view.coverage.text}). {one_line(view.rule)}"

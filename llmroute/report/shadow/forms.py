"""Shadow and its view → JSON, Markdown and CSV; no text of a request is in any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llmroute.report.shadow.view import UNKNOWN_TASK, projected

if TYPE_CHECKING:
    from llmroute.records import Volume
    from llmroute.report.columns import Table
    from llmroute.report.shadow.view import ShadowView
    from llmroute.shadow_judging import JudgedPairs
    from llmroute.shadowing import Shadow

SCHEMA = "llmroute/shadow/1"


def shadow_document(
    shadow: Shadow, volume: Volume | None = None, judged: JudgedPairs | None = None
) -> dict[str, Any]:
    """The figures for programs; absences are null, never 0. No text of any request."""
    document = asdict(shadow)
    del document["examples"], document["pairs"]
    cost = shadow.cost
    return {
        "schema": SCHEMA,
        **document,
        "n_decided": shadow.n_decided,
        "n_unknown": shadow.n_unknown,
        "judged": None if judged is None else asdict(judged),
        "volume": None if volume is None or cost is None else projected(cost, volume),
    }


def shadow_rows(shadow: Shadow) -> list[list[str | int | float]]:
    """A header and a row a way requests go, for CSV."""
    rows: list[list[str | int | float]] = [["task", "layer", "routed", "requests", "share"]]
    rows += [
        [share.task or UNKNOWN_TASK, share.layer, share.routed, share.n, share.n / shadow.n_decided]
        for share in shadow.shares
    ]
    return rows


def render_markdown(view: ShadowView) -> str:
    """The story as Markdown, in which no text of a log is markup."""
    from llmroute.report.markdown import plain

    parts = [f"### {plain(view.headline)}"]
    for section in view.sections:
        if section.table is None and not section.lines:
            continue
        parts.append(f"#### {plain(section.title)}")
        if section.table is not None:
            parts.append(_markdown_table(section.table))
        if section.lines:
            parts.append("\n".join(f"- {plain(line)}" for line in section.lines))
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table) -> str:
    from llmroute.report.markdown import plain

    marks = ["---:" if at in table.right else "---" for at in range(len(table.columns))]
    rows: Sequence[Sequence[str]] = (table.columns, marks)
    cells = [[plain(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (*rows, *cells))


def render_csv(shadow: Shadow) -> str:
    """A row a way requests go; no text in it runs as a formula."""
    import csv
    import io

    from llmroute.report.cells import guarded

    sink = io.StringIO()
    rows = [
        [guarded(cell) if isinstance(cell, str) else cell for cell in row]
        for row in shadow_rows(shadow)
    ]
    csv.writer(sink, lineterminator="\n").writerows(rows)
    return sink.getvalue()

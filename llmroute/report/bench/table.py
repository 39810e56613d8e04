"""ReportView → CSV, a line a cell; no text in it can run as a spreadsheet formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from llmroute.report.cells import guarded

if TYPE_CHECKING:
    from llmroute.report.bench.tasks import CellView, TaskView
    from llmroute.report.bench.view import ReportView

COLUMNS = (
    "task",
    "candidate",
    "is_route",
    "is_reference",
    "verdict",
    "quality_threshold",
    "quality",
    "quality_low",
    "quality_high",
    "n_samples",
    "n_planned",
    "n_scored",
    "coverage",
    "cost_usd_per_1k",
    "cost_basis",
    "latency_p50_s",
    "latency_p95_s",
    "input_tokens",
    "output_tokens",
    "samples_needed",
    "on_frontier",
    "reason",
)


def render_csv(view: ReportView) -> str:
    """All cells of the page as CSV with a header; unknown values are empty, never 0."""
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows(table_rows(view))
    return sink.getvalue()


def table_rows(view: ReportView) -> list[list[str | float | int | None]]:
    """The header and a row a cell; texts are guarded, numbers stay numbers."""
    rows: list[list[str | float | int | None]] = [list(COLUMNS)]
    rows += [_row(task, cell) for task in view.tasks for cell in task.cells]
    return rows


def _row(task: TaskView, cell: CellView) -> list[str | float | int | None]:
    values: list[str | float | int | None] = [
        guarded(cell.task),
        guarded(cell.candidate),
        int(cell.is_route),
        int(cell.is_reference),
        cell.verdict,
        task.bar.value,
        cell.quality.value,
        cell.quality.low,
        cell.quality.high,
        cell.n_samples,
        cell.n_planned,
        cell.n_scored,
        cell.coverage.value,
        cell.cost.value,
        cell.cost_basis,
        cell.latency_p50.value,
        cell.latency_p95.value,
        cell.input_tokens.value,
        cell.output_tokens.value,
        cell.samples_needed,
        int(cell.on_frontier),
        guarded(cell.reason),
    ]
    return [_short(value) for value in values]


def _short(value: str | float | int | None) -> str | float | int | None:
    """Numbers without the noise of their last binary digits."""
    return float(f"{value:.10g}") if isinstance(value, float) else value

"""ReportView → one self-contained HTML file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from llmroute.report.attributes import Drawing, ElementId
from llmroute.report.bench import charts, interval_marks
from llmroute.report.bench.forest import forest_charts
from llmroute.report.bench.latency import latency_charts
from llmroute.report.bench.samples import RESULT_CODES
from llmroute.report.bench.steps import steps_chart
from llmroute.report.bench.table import table_rows
from llmroute.report.figures import Figure, Missing, figure_name
from llmroute.report.page import Page, render_page

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.report.bench.tasks import TaskView
    from llmroute.report.bench.view import ReportView

PAGE = Page(
    "report.html.j2",
    ("palette.css", "report.css", "figures.css"),
    ("copy.js", "report.js"),
    {"interval_mark": interval_marks.interval_mark},
)
OVERALL_NAME = "all-traffic"
STEPS_NAME = "savings-by-task"
NOTHING_PRICED = "no candidate is both priced and scored on the task"


def render_html(view: ReportView, template_dir: Path | None = None) -> str:
    """The whole page; the same view and templates give the same text.

    Args:
        view: what to show.
        template_dir: a project's own `reports/`; its files replace the shipped ones one by one.

    Raises:
        InputError: a project's template, stylesheet or script cannot be used.
    """
    return render_page(
        PAGE,
        template_dir,
        view=view,
        data=_json_for_script(_page_data(view)),
        domain=interval_marks.quality_domain(view.tasks),
        route_domain=interval_marks.route_domain(view.tasks),
        task_figures=[task_figure(task) for task in view.tasks],
        overall_figure=overall_figure(view),
        steps_figure=steps_figure(view),
        difference_figures=difference_figures(view),
        latency_figures=latency_figures(view),
        result_codes=RESULT_CODES,
    )


def report_figures(view: ReportView) -> tuple[Figure | Missing, ...]:
    """Every figure of the page, in its order."""
    return (
        *(task_figure(task) or Missing(_task_name(task), NOTHING_PRICED) for task in view.tasks),
        overall_figure(view) or Missing(OVERALL_NAME, "no two points have a price on all tasks"),
        steps_figure(view) or Missing(STEPS_NAME, "no task has a price"),
        *difference_figures(view),
        *(figure for figure in latency_figures(view) if figure is not None),
    )


def task_figure(task: TaskView) -> Figure | None:
    """Price against quality of one task; None where nothing is priced and scored."""
    return Figure.of(_task_name(task), "price", charts.task_chart(task))


def _task_name(task: TaskView) -> str:
    return figure_name("price", task.task)


def overall_figure(view: ReportView) -> Figure | None:
    """Price against quality of all traffic; None where there are not two points."""
    return Figure.of(OVERALL_NAME, "price", charts.overall_chart(view))


def steps_figure(view: ReportView) -> Figure | None:
    """From the reference's price to the map's; None where nothing is priced."""
    return Figure.of(STEPS_NAME, "steps", steps_chart(view.steps, view.reference))


def latency_figures(view: ReportView) -> list[Figure | None]:
    """How long answers took, a figure a task."""
    drawn = latency_charts(view.latencies)
    return [
        Figure.of(figure_name("latency", task.task), "latency", chart)
        for task, chart in zip(view.latencies, drawn, strict=True)
    ]


def difference_figures(view: ReportView) -> list[Figure]:
    """Candidates beside the reference, a figure a task."""
    drawn = forest_charts(view.differences, view.reference)
    return [
        Figure(ElementId(figure_name("differences", task.task)), Drawing("forest"), chart)
        for task, chart in zip(view.differences, drawn, strict=True)
    ]


def _page_data(view: ReportView) -> dict[str, Any]:
    """What the script copies as CSV: the rows of `table.py`."""
    return {"version": 1, "cells": table_rows(view)}


def _json_for_script(data: Any) -> Markup:
    """JSON that cannot end the element it stands in, whatever its texts hold."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - ASCII without <, > and &

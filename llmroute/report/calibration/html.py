"""Calibration → one self-contained HTML file, by the rules of the bench report's page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.report.attributes import Drawing, ElementId
from llmroute.report.calibration.charts import LineChart, cost_chart, share_chart
from llmroute.report.calibration.decisions import decision_map
from llmroute.report.calibration.histogram import score_histogram
from llmroute.report.calibration.reliability import reliability_chart
from llmroute.report.calibration.slider import Slider
from llmroute.report.figures import Figure, Missing
from llmroute.report.page import Page, render_page

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.calibrating import Calibration
    from llmroute.report.calibration.view import CalibrationView

PAGE = Page(
    "calibration.html.j2",
    ("palette.css", "report.css", "figures.css", "calibration.css"),
    ("copy.js", "calibration.js"),
)


def render_calibration(
    calibration: Calibration, view: CalibrationView, template_dir: Path | None = None
) -> str:
    """The whole page; the same calibration gives the same text.

    Args:
        calibration: for the figures that are drawn.
        view: for the words and tables.
        template_dir: a project's own `reports/`; its files replace the shipped ones one by one.

    Raises:
        InputError: a project's template, stylesheet or script cannot be used.
    """
    return render_page(
        PAGE,
        template_dir,
        view=view,
        pair=calibration.pair,
        figures={
            figure.name: _with_marker(figure, view.slider.start)
            for figure in calibration_figures(calibration, view.slider)
            if isinstance(figure, Figure)
        },
    )


def _with_marker(figure: Figure, step: int) -> Figure:
    """A curve with the marker of the page's slider, which files of figures don't have."""
    chart = figure.chart
    if not isinstance(chart, LineChart):
        return figure
    return replace(figure, chart=replace(chart, here=chart.steps[step]))


def calibration_figures(calibration: Calibration, slider: Slider) -> tuple[Figure | Missing, ...]:
    """Every figure of the page, in its order.

    Args:
        calibration: what they show.
        slider: of its view.
    """
    along = slider.steps
    return (
        Figure(ElementId("quality-over-share"), Drawing("lines"), share_chart(calibration, along)),
        Figure.of("quality-over-cost", "lines", cost_chart(calibration, along))
        or Missing("quality-over-cost", "the costs of the two models are not known or are equal"),
        Figure(ElementId("scores-by-outcome"), Drawing("histogram"), score_histogram(calibration)),
        Figure.of("reliability", "reliability", reliability_chart(calibration))
        or Missing("reliability", "the scores are no chances"),
        Figure.of("decisions", "decisions", decision_map(calibration))
        or Missing("decisions", "no threshold reaches the target"),
    )

"""Calibration → one self-contained HTML file, by the rules of the bench report's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.report.attributes import Drawing, ElementId
from llmroute.report.calibration import charts
from llmroute.report.figures import Figure, Missing
from llmroute.report.page import Page, render_page

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.calibrating import Calibration
    from llmroute.report.calibration.view import CalibrationView

PAGE = Page("calibration.html.j2", ("palette.css", "report.css", "figures.css", "calibration.css"))


def render_calibration(
    calibration: Calibration, view: CalibrationView, template_dir: Path | None = None
) -> str:
    """The whole page; the same calibration gives the same text.

    Args:
        calibration: for the figures that are drawn.
        view: for the words and tables.
        template_dir: a project's own `reports/`; its files replace the shipped ones one by one.

    Raises:
        InputError: a project's template or stylesheet cannot be used.
    """
    return render_page(
        PAGE,
        template_dir,
        view=view,
        pair=calibration.pair,
        figures={
            figure.name: figure
            for figure in calibration_figures(calibration)
            if isinstance(figure, Figure)
        },
    )


def calibration_figures(calibration: Calibration) -> tuple[Figure | Missing, ...]:
    """Every figure of the page, in its order."""
    return (
        Figure(ElementId("quality-over-share"), Drawing("lines"), charts.share_chart(calibration)),
        Figure.of("quality-over-cost", "lines", charts.cost_chart(calibration))
        or Missing("quality-over-cost", "the costs of the two models are not known or are equal"),
        Figure.of("decisions", "decisions", charts.decision_map(calibration))
        or Missing("decisions", "no threshold reaches the target"),
    )

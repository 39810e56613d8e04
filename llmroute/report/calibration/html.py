"""Calibration → one self-contained HTML file, by the rules of the bench report's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.report.calibration import charts
from llmroute.report.figures import Figure
from llmroute.report.page import Page, render_page

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.calibrating import Calibration
    from llmroute.report.calibration.view import CalibrationView

PAGE = Page("calibration.html.j2", ("report.css", "figures.css", "calibration.css"))


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
        figures={figure.name: figure for figure in calibration_figures(calibration)},
    )


def calibration_figures(calibration: Calibration) -> tuple[Figure, ...]:
    """Every figure of the page that can be drawn, in its order."""
    found = (
        Figure.of("quality-over-share", "lines", charts.share_chart(calibration)),
        Figure.of("quality-over-cost", "lines", charts.cost_chart(calibration)),
        Figure.of("decisions", "decisions", charts.decision_map(calibration)),
    )
    return tuple(figure for figure in found if figure is not None)

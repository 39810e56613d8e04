"""Calibration → one self-contained HTML file, by the rules of the bench report's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateError
from markupsafe import Markup

from llmroute import __version__
from llmroute.errors import InputError
from llmroute.report import calibration_charts as charts
from llmroute.report.html import page_environment, page_policy, read_asset

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.calibrating import Calibration
    from llmroute.report.calibration_view import CalibrationView

TEMPLATE = "calibration.html.j2"
STYLES = ("report.css", "calibration.css")


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
    environment = page_environment(template_dir)
    style = Markup("").join(read_asset(environment, name, "</style") for name in STYLES)
    try:
        return environment.get_template(TEMPLATE).render(
            view=view,
            pair=calibration.pair,
            policy=page_policy(style),
            style=style,
            share_chart=charts.share_chart(calibration),
            cost_chart=charts.cost_chart(calibration),
            map_points=charts.decision_map(calibration),
            map_size=(charts.WIDTH, charts.HEIGHT - charts.BOTTOM + charts.TOP),
            version=__version__,
        )
    except TemplateError as error:
        raise InputError(
            f"the calibration page cannot be rendered: {error}",
            where=f"reports/{TEMPLATE}",
            fix="Mend the template, or remove it to use the one that ships with llmroute.",
        ) from error

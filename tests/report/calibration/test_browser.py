"""The calibration page in a real Chromium, where one is installed with Playwright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmroute.report.calibration.html import render_calibration
from llmroute.report.calibration.view import build_calibration_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.calibrating import Calibration

Visit = tuple[Any, list[str], list[str]]


def page_of(calibration: Calibration) -> str:
    return render_calibration(calibration, build_calibration_view(calibration))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(
    visit: Callable[..., Visit], calibration: Calibration, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page, _, _ = visit(
        page_of(calibration),
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,  # axe is put into the page from outside
    )
    found = axe.Axe().run(page)
    assert [one["id"] for one in found.response["violations"]] == []


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_the_page_is_no_wider_than_its_window(
    visit: Callable[..., Visit], calibration: Calibration, width: int
) -> None:
    page, messages, requests = visit(page_of(calibration), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (messages, requests) == ([], [])

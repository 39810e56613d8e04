"""The page in a real Chromium, where one is installed with Playwright."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.report.html import render_html
from llmroute.report.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llmroute.records import Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Visit = tuple[Any, list[str], list[str]]


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Visit]]:
    """Opens a page: the Playwright page, its console messages, the requests that left it."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    folder: Path = tmp_path_factory.mktemp("pages")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_page(run: Run, **options: Any) -> Visit:
            path = folder / f"{len(list(folder.iterdir()))}.html"
            path.write_bytes(render_html(build_view(*run)).encode())
            page = browser.new_context(**options).new_page()
            messages: list[str] = []
            requests: list[str] = []
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))
            page.on("request", lambda request: requests.append(request.url))
            page.goto(path.as_uri())
            return page, messages, requests[1:]

        yield open_page
        browser.close()


def test_hostile_text_runs_nothing_asks_for_nothing_and_breaks_no_policy(
    visit: Callable[..., Visit], bad_run: Run
) -> None:
    page, messages, requests = visit(bad_run)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert (messages, requests) == ([], [])


@pytest.mark.parametrize("width", [360, 1280])
def test_hostile_text_does_not_widen_the_page(
    visit: Callable[..., Visit], bad_run: Run, width: int
) -> None:
    page, _, _ = visit(bad_run, viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_filters_work_by_keyboard(visit: Callable[..., Visit], real_run: Run) -> None:
    page, messages, _ = visit(real_run)
    page.focus("select[name=task]")
    page.keyboard.type("math")
    page.get_by_text("50 of 300 shown").wait_for()
    page.focus("input[type=search]")
    page.keyboard.type("message 7)")
    page.get_by_text("1 of 300 shown", exact=True).wait_for()
    assert page.locator("details.sample:visible").count() == 1
    assert messages == []


def test_a_link_to_a_sample_opens_it(visit: Callable[..., Visit], real_run: Run) -> None:
    page, _, _ = visit(real_run)
    page.evaluate("location.hash = '#s3'")
    page.locator("#s3[open]").wait_for()


def test_the_page_is_complete_without_scripts(visit: Callable[..., Visit], real_run: Run) -> None:
    page, _, _ = visit(real_run, java_script_enabled=False)
    assert page.locator("details.sample").count() == 300
    assert not page.locator("#filters").is_visible()
    page.locator("details.sample summary").first.click()
    assert page.locator("details.sample article").first.is_visible()

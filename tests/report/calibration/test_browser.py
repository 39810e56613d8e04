"""The calibration page in a real Chromium, where one is installed with Playwright."""

from __future__ import annotations

from dataclasses import replace
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


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_the_page_is_no_wider_than_its_window(
    visit: Callable[..., Visit], calibration: Calibration, width: int
) -> None:
    page, messages, requests = visit(page_of(calibration), viewport={"width": width, "height": 800})
    page.eval_on_selector_all("details", "(all) => all.forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (messages, requests) == ([], [])


def shown(page: Any) -> dict[str, Any]:
    """What the slider says: its figures, its target, and where its markers stand."""
    return {
        "figures": page.locator("#reading .value").all_inner_texts(),
        "target": page.inner_text("#target"),
        "said": page.get_attribute("#place", "aria-valuetext"),
        "markers": page.eval_on_selector_all(
            "[data-here]",
            """(all) => all.map((one) => one.getAttribute("transform").slice(10, -1).split(" ")[0]
                 + " " + one.querySelector("circle").getAttribute("cy"))""",
        ),
    }


def written(page: Any, step: int) -> dict[str, Any]:
    """The same as a row of the table has it."""
    row = page.locator("#thresholds tbody tr").nth(step)
    names = ("quality-over-share", "quality-over-cost")
    return {
        "figures": row.locator("th, td.num").all_inner_texts(),
        "target": row.get_attribute("data-target"),
        "said": row.get_attribute("data-said"),
        "markers": [row.get_attribute(f"data-{name}") for name in names],
    }


def plain(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"figures": [" ".join(text.split()) for text in found["figures"]]}


def current(page: Any) -> list[int]:
    found: list[int] = page.eval_on_selector_all(
        "#thresholds tbody tr",
        "(all) => all.flatMap((row, k) => row.getAttribute('aria-current') === 'true' ? [k] : [])",
    )
    return found


def test_the_slider_reads_off_the_table_by_keyboard(
    visit: Callable[..., Visit], calibration: Calibration
) -> None:
    page, messages, requests = visit(page_of(calibration))
    page.eval_on_selector(".steps", "(one) => { one.open = true; }")
    start = int(page.input_value("#place"))
    assert plain(shown(page)) == plain(written(page, start))
    assert shown(page)["said"].startswith("chosen")
    page.focus("#place")
    last = page.locator("#thresholds tbody tr").count() - 1
    for key, step in (("ArrowRight", start + 1), ("ArrowLeft", start), ("Home", 0), ("End", last)):
        page.keyboard.press(key)
        assert int(page.input_value("#place")) == step
        assert plain(shown(page)) == plain(written(page, step))
        assert current(page) == [step]
    assert (messages, requests) == ([], [])


def test_the_slider_follows_the_mouse(
    visit: Callable[..., Visit], calibration: Calibration
) -> None:
    page, messages, _ = visit(page_of(calibration))
    page.locator("#place").scroll_into_view_if_needed()
    box = page.locator("#place").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    last = page.locator("#thresholds tbody tr").count() - 1
    step = int(page.input_value("#place"))
    assert 0.75 * last < step < 0.85 * last
    page.eval_on_selector(".steps", "(one) => { one.open = true; }")
    assert plain(shown(page)) == plain(written(page, step))
    assert current(page) == [step]
    assert messages == []


def test_a_button_jumps_to_the_knee_and_back(
    visit: Callable[..., Visit], calibration: Calibration
) -> None:
    page, _, _ = visit(page_of(calibration))
    start = page.input_value("#place")
    page.get_by_role("button", name="knee").focus()
    page.keyboard.press("Enter")
    assert page.get_attribute("#place", "aria-valuetext").startswith("knee, ")
    assert page.input_value("#place") != start
    page.get_by_role("button", name="chosen").click()
    assert page.input_value("#place") == start


def test_the_command_is_copied_with_the_sliders_share(
    visit: Callable[..., Visit], calibration: Calibration
) -> None:
    page, messages, _ = visit(page_of(calibration))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="all strong").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    expected = "llmroute calibrate --weak small --strong large --router length --target-strong 1"
    assert " ".join(page.inner_text("#again").split()) == expected
    assert " ".join(page.evaluate("navigator.clipboard.readText()").split()) == expected
    assert messages == []


def test_the_table_is_complete_without_scripts(
    visit: Callable[..., Visit], calibration: Calibration
) -> None:
    page, _, _ = visit(page_of(calibration), java_script_enabled=False)
    assert not page.locator("#place").is_visible()
    assert not page.locator(".here").first.is_visible()
    page.locator(".steps summary").click()
    rows = page.locator("#thresholds tbody tr")
    assert rows.count() > 40
    assert rows.last.is_visible()
    assert "100.0%" in rows.last.inner_text()
    assert page.locator("#thresholds tr.is-chosen").inner_text().endswith("chosen")


@pytest.mark.parametrize("kind", ["unpriced", "unshipped", "cascade", "combined", "long", "tiny"])
def test_every_kind_of_calibration_has_a_page_that_fits_a_phone_and_passes_axe(
    visit: Callable[..., Visit],
    make_calibration: Callable[..., Calibration],
    make_rows: Callable[..., Any],
    kind: str,
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page, messages, requests = visit(
        page_of(calibrations(make_calibration, make_rows)[kind]()),
        viewport={"width": 390, "height": 844},
        bypass_csp=True,  # axe is put into the page from outside
    )
    page.eval_on_selector_all("details", "(all) => all.forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="all strong").click()
    assert page.inner_text("#target") == "1"
    found = axe.Axe().run(page)
    assert [one["id"] for one in found.response["violations"]] == []
    assert (messages, requests) == ([], [])


def calibrations(
    make: Callable[..., Calibration], rows: Callable[..., Any]
) -> dict[str, Callable[[], Calibration]]:
    """Calibrations of which something is not known, not there or too long."""

    def long() -> Calibration:
        found = rows(
            weak="w" * 500, strong="نموذج 👩‍👩‍👧‍👦 " + "s" * 480, tasks=("t" * 500, "مهمة")
        )
        for row in found:
            row["id"] = f"{row['id']}{'i' * 490}"
            row["prompt"] += " مرحبا بالعالم 🏳️‍🌈" + "p" * 300
        return make(found)

    return {
        "unpriced": lambda: make(rows(priced=False), weak="small", strong="large"),
        "unshipped": lambda: replace(make(rows(shuffled=True)), point=None),
        "cascade": lambda: make(rows(answers=True), policy="cascade"),
        "combined": lambda: make(rows(answers=True), policy="combined"),
        "long": long,
        "tiny": lambda: make(rows(60, tasks=("only",))),
    }

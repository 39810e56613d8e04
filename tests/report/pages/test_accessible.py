"""Every page by axe, by keyboard, in high contrast and on paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Visit = tuple[Any, list[str], list[str]]

pytestmark = pytest.mark.xdist_group("pages")  # they share pages that take a while to make

NAMES = ("bench", "history", "calibration")
OPEN_ALL = """const alike = "details.sample:nth-of-type(n + 4), tbody tr:nth-of-type(n + 13)";
document.querySelectorAll(alike).forEach((one) => one.remove());  // what comes again and again
document.querySelectorAll("details").forEach((one) => { one.open = true; })"""
PLAIN_EDGES = ".scroll, nav ul { background: none !important; }"
"""axe cannot measure a contrast over a gradient, and would leave out all tables."""
CONTROLS = """() => [...document.querySelectorAll(
  "a[href], button, select, input, summary, [tabindex='0'], pre")].filter((one) =>
    one.checkVisibility({ visibilityProperty: true })
    && (one.localName !== "pre" || one.scrollHeight > one.clientHeight + 1)).length"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  window.met ??= new Set();
  const again = window.met.has(one);
  window.met.add(one);
  return {
    name: one.localName + " " + (one.textContent || one.ariaLabel || one.name || "").slice(0, 40),
    again,
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0,
  };
}"""
FAINT = """() => {
  const luminance = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  const contrast = (colour) => {
    const [low, high] = [luminance(colour), ground].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const found = new Set();
  const marks = document.querySelectorAll("svg circle, svg .bar, svg .line, svg text, .badge");
  for (const one of marks) {
    const style = getComputedStyle(one);
    const colours = one.closest("svg") ? [style.fill, style.stroke] : [style.color];
    const drawn = colours.filter((colour) => colour.startsWith("rgb"));
    if (drawn.length && Math.max(...drawn.map(contrast)) < 3) {
      found.add(`${one.localName}.${one.getAttribute("class")}`);
    }
  }
  return [...found];
}"""


@pytest.fixture(scope="module")
def axe() -> Any:
    api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    return api.Axe()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_screen_phone_and_paper(
    visit: Callable[..., Visit], pages: dict[str, str], axe: Any, name: str, scheme: str
) -> None:
    page, _, _ = visit(
        pages[name],
        viewport={"width": 1280, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,  # axe is put into the page from outside
    )
    page.add_style_tag(content=PLAIN_EDGES)
    page.evaluate(OPEN_ALL)
    for width, medium in ((1280, "screen"), (390, "screen"), (695, "print")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media=medium)
        found = axe.run(page)
        broken = [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]]
        assert (medium, width, broken) == (medium, width, [])
    page.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_tab_key_reaches_every_control_and_shows_where_it_is(
    visit: Callable[..., Visit], pages: dict[str, str], name: str
) -> None:
    page, messages, _ = visit(
        pages[name], viewport={"width": 390, "height": 800}, reduced_motion="reduce"
    )
    page.evaluate(OPEN_ALL)
    wanted = page.evaluate(CONTROLS)
    met = []
    for _ in range(wanted + 20):
        page.keyboard.press("Tab")
        one = page.evaluate(FOCUSED)
        if one is None or one["again"]:
            break
        met.append(one)
    assert len(met) >= wanted
    assert [one["name"] for one in met if not one["ring"]] == []
    assert [one["name"] for one in met if not one["seen"]] == []
    assert messages == []
    page.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_skip_link_is_first_and_leads_past_the_navigation(
    visit: Callable[..., Visit], pages: dict[str, str], name: str
) -> None:
    page, _, _ = visit(pages[name], viewport={"width": 1280, "height": 800})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_marks_and_words_stand_out_in_high_contrast(
    visit: Callable[..., Visit], pages: dict[str, str], name: str, scheme: str
) -> None:
    page, _, _ = visit(pages[name], forced_colors="active", color_scheme=scheme)
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(FAINT) == []
    page.context.close()


def test_nothing_moves_by_itself_for_readers_who_want_it_still(
    visit: Callable[..., Visit], pages: dict[str, str]
) -> None:
    for name in NAMES:
        page, _, _ = visit(pages[name], reduced_motion="reduce")
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        style = re.search("<style>(.*?)</style>", pages[name], re.DOTALL)
        assert style is not None
        assert "animation" not in style[1]
        page.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_paper_shows_every_column_and_what_stands_open(
    visit: Callable[..., Visit], pages: dict[str, str], name: str
) -> None:
    page, _, _ = visit(
        pages[name], viewport={"width": 695, "height": 1000}, java_script_enabled=False
    )
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 695
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == (
        "table-header-group"
    )
    for rows in page.locator("main details:not(.sample, .yaml) tbody tr").all():
        assert rows.is_visible()
    page.context.close()


def test_the_verdict_takes_four_sheets_at_most(
    visit: Callable[..., Visit], pages: dict[str, str]
) -> None:
    page, _, _ = visit(pages["bench"], viewport={"width": 695, "height": 1000})
    page.evaluate("""() => { let late = document.querySelector("#why");
      while (late) { const next = late.nextElementSibling; late.remove(); late = next; } }""")
    sheets = page.pdf(format="A4", prefer_css_page_size=True).count(b"/Type /Page\n")
    assert 1 <= sheets <= 4
    page.context.close()

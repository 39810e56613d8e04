"""Hostile text in every field of every page: it is read, and does nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.report.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    Visit = tuple[Any, list[str], list[str]]

pytestmark = pytest.mark.xdist_group("pages")  # they share pages that take a while to make

NAMES = ("bench", "history", "calibration")
TEXTS = {
    "title", "aria-label", "aria-valuetext", "value", "datetime", "content",
    "data-since", "data-label", "data-said",
}  # fmt: skip
"""Attributes that hold text for people, or that only our own script and stylesheet take as text."""
PLAIN = re.compile(r"[\w .,:;#%()/=?+-]*")
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
ACTIVE = """() => [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes]
  .filter((a) => /^on|^style$|^src|^srcdoc$|^ping$|^action$|href$/.test(a.name)
    && !(a.name === "href" && a.value.startsWith("#")))
  .map((a) => `${one.localName} ${a.name}=${a.value}`))"""
A4 = 695
"""CSS pixels between the page's margins."""
WIDEST = "document.documentElement.scrollWidth"
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]")


def words(text: str) -> str:
    return " ".join(visible(text).split())


def flat(text: str) -> str:
    return " ".join(text.split())


class Attributes(HTMLParser):
    """Attributes whose values are neither plain nor for people."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.odd: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.odd += [
            (tag, name, value or "")
            for name, value in attrs
            if name not in TEXTS and not PLAIN.fullmatch(value or "")
        ]


def test_the_corpus_is_large_and_attacks_in_many_ways(payloads: tuple[str, ...]) -> None:
    assert len(set(payloads)) == len(payloads) >= 300
    for needle in ("</script>", "]]>", "javascript:", "data:", "{{", "{%", "\x00", "\x1b[", "\x9b",
                   "\u202e", "\u200b", "\ud800", "<math", "<svg", "=cmd|", "@import"):  # fmt: skip
        assert any(needle in text for text in payloads), needle


@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_stands_only_where_people_read_it(
    hostile_pages: dict[str, str], name: str
) -> None:
    assert Attributes(hostile_pages[name]).odd == []
    assert INVISIBLE.search(hostile_pages[name]) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_hostile_string_in_every_field_is_read_and_does_nothing(
    visit: Callable[..., Visit], hostile_pages: dict[str, str], payloads: tuple[str, ...], name: str
) -> None:
    page, messages, requests = visit(hostile_pages[name], viewport={"width": 360, "height": 800})
    page.evaluate(OPEN_ALL)
    shown = flat(page.evaluate("document.body.innerText"))
    assert [text for text in payloads if words(text) not in shown] == []
    assert page.evaluate(ACTIVE) == []
    assert page.evaluate("window.pwned") is None
    assert (messages, requests) == ([], [])
    page.context.close()


@pytest.mark.parametrize("form", ["oddly_named_pages", "pages_of_hostile_runs"])
@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_widens_no_page(
    visit: Callable[..., Visit], request: pytest.FixtureRequest, form: str, name: str
) -> None:
    html = request.getfixturevalue(form)[name]
    assert Attributes(html).odd == []
    assert INVISIBLE.search(html) is None
    page, messages, requests = visit(html, viewport={"width": 360, "height": 800})
    page.evaluate(OPEN_ALL)
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(WIDEST) <= width
    if form == "pages_of_hostile_runs":
        page.set_viewport_size({"width": A4, "height": 1000})
        page.emulate_media(media="print")
        assert page.evaluate(WIDEST) <= A4
    assert page.evaluate("window.pwned") is None
    assert (messages, requests) == ([], [])
    page.context.close()


def test_hostile_text_in_filters_links_and_comparisons_does_nothing(
    visit: Callable[..., Visit], oddly_named_pages: dict[str, str]
) -> None:
    page, messages, requests = visit(oddly_named_pages["bench"])
    page.locator("details.sample summary").first.click()
    for name in ("left", "right"):
        page.select_option(f"select[name={name}]", index=1 + (name == "right"))
    page.fill("input[type=search]", '"><img src=x onerror=window.pwned=1>')
    page.wait_for_url(lambda url: "onerror" in url)
    for place in ("#s-%22%3E%3Cimg src=x onerror=window.pwned=1%3E", "#&__proto__[x]=1",
                  "#samples&text=%00%3Cscript%3E", "#samples&left=</script>&task=%ff"):  # fmt: skip
        page.evaluate("(place) => { location.hash = place; }", place)
    page.wait_for_timeout(100)
    assert page.evaluate(ACTIVE) == []
    assert page.evaluate("[window.pwned, ({}).x]") == [None, None]
    assert (messages, requests) == ([], [])

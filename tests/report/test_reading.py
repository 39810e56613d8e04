"""docs/report.md explains every section that a page has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from llmroute.resources import shipped

GUIDE = Path(__file__).parents[2] / "docs" / "report.md"
HEADING = r"<h[%s][^>]*>(.*?)</h"
WORDS_BY_CASE = re.compile(r"\{\{ '([^']*)' if [^}]* else '([^']*)' \}\}")


def headings(levels: str) -> set[str]:
    """What templates write above their sections, "…" for what differs from run to run."""
    found = set()
    for path in shipped("reports").rglob("*.j2"):
        for text in re.findall(HEADING % levels, path.read_text("utf-8")):
            cases = WORDS_BY_CASE.search(text)
            for one in cases.groups() if cases else (text,):
                found.add(re.sub(r"\{\{.*?\}\}", "…", re.sub(r"<[^>]*>", "", one)))
    return {heading for heading in found if re.search("[a-z]", heading)}


def explained() -> set[str]:
    """Names in bold with a colon or comma after them."""
    return set(re.findall(r"\*\*([^*]+)\*\*[:,]", GUIDE.read_text("utf-8")))


def matches(heading: str, name: str) -> bool:
    return re.fullmatch(re.escape(heading).replace("…", ".+"), name) is not None


def test_every_section_is_explained() -> None:
    sections, names = headings("2"), explained()
    assert len(sections) > 20
    assert [one for one in sections if not any(matches(one, name) for name in names)] == []


def test_nothing_is_explained_that_no_page_has() -> None:
    found = headings("23")
    assert [name for name in explained() if not any(matches(one, name) for one in found)] == []

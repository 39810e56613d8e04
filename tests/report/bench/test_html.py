from __future__ import annotations

import base64
import hashlib
import html as stdlib_html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from llmroute.errors import InputError
from llmroute.records import Outcomes
from llmroute.report.bench.html import render_html
from llmroute.report.bench.view import build_view
from llmroute.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llmroute.records import Cell, Comparison, RoutingMap
    from llmroute.report.bench.view import ReportView

    Run = tuple[Comparison, RoutingMap, Outcomes]

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Page(HTMLParser):
    """The tags and attributes of a page, and whether its elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)


@pytest.fixture(scope="module")
def page(real_view: ReportView) -> str:
    return render_html(real_view)


@pytest.fixture(scope="module")
def bad_page(bad_view: ReportView) -> str:
    return render_html(bad_view)


def test_the_page_tells_verdict_map_and_reasons(page: str) -> None:
    assert "less than sending everything to sonnet, and each route that changes" in page
    for heading in ("Routing map", "Price against quality", "Why not cheaper?", "Provenance"):
        assert f">{heading}</h2>" in page
    assert "it clears, but has no price" in page
    assert "01J9ZQ4T7M" in page


def test_elements_nest_and_ids_are_unique(page: str) -> None:
    parsed = Page(page)
    ids = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
    assert (parsed.open, parsed.crossed) == ([], [])
    assert len(ids) == len(set(ids))


def test_every_link_leads_to_a_place_on_the_page(page: str) -> None:
    parsed = Page(page)
    ids = {attrs.get("id") for _, attrs in parsed.tags}
    targets = {attrs["href"] for tag, attrs in parsed.tags if tag == "a"}
    assert {str(target).removeprefix("#") for target in targets} <= ids


def test_prices_are_listed_with_their_date_and_source(page: str) -> None:
    row = re.search(
        r'<tr><th scope="row"><span class="name nowrap">sonnet.*?</tr>',
        page[page.index('id="prices"') :],
    )
    assert row is not None
    assert "$3</td><td" in row[0]
    assert "$15</td>" in row[0]
    assert "litellm 1.106" in row[0]
    assert '<time datetime="2025-03-14T09:26:53Z">2025-03-14</time>' in page


def test_failures_are_counted_by_kind(page: str) -> None:
    kinds = page[page.index('<table class="kinds">') :].split("</table>")[0]
    assert "timed out" in kinds
    assert "local-qwen" in kinds


def test_parts_of_a_score_stand_with_the_answer(small_run: Run) -> None:
    comparison, routing_map, outcomes = small_run
    first, second, third = outcomes.rows
    rows = (
        replace(first, parts={"exact": 0.0, "length": 0.83}),
        replace(second, judge="gpt-judge", parts={"helpful": 1.0}),
        replace(third, judge="gpt-judge"),
    )
    text = render_html(build_view(comparison, routing_map, replace(outcomes, rows=rows)))
    assert "exact <b>0.00</b>" in text
    assert "length <b>0.83</b>" in text
    assert '<span class="name">gpt-judge</span>: <span class="nowrap-part">helpful' in text
    assert 'graded by <span class="name">gpt-judge</span>' in text


def test_a_sample_keeps_its_link_whatever_stands_around_it(small_run: Run, real_run: Run) -> None:
    def anchors(run: Run) -> dict[str, str]:
        return {s.sample_id: s.anchor for s in build_view(*run).samples.shown}

    comparison, routing_map, outcomes = real_run
    fewer = replace(outcomes, rows=outcomes.rows[250:])
    before, after = anchors(real_run), anchors((comparison, routing_map, fewer))
    assert len(set(before.values())) == 300
    assert {name: before[name] for name in after} == after


def test_the_policy_allows_the_pages_own_style_and_script_by_hash_only(page: str) -> None:
    policy = stdlib_html.unescape(
        re.search('Content-Security-Policy" content="([^"]*)"', page).group(1)  # type: ignore[union-attr]
    )
    style = re.search("<style>(.*?)</style>", page, re.DOTALL).group(1)  # type: ignore[union-attr]
    script = re.search("<script>(.*?)</script>", page, re.DOTALL).group(1)  # type: ignore[union-attr]
    assert policy == (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@pytest.mark.parametrize("name", ["page", "bad_page"])
def test_no_element_loads_anything_or_carries_code(
    name: str, request: pytest.FixtureRequest
) -> None:
    parsed = Page(request.getfixturevalue(name))
    assert not {tag for tag, _ in parsed.tags} & {
        "img", "iframe", "object", "embed", "link", "base", "video", "animate", "image", "use",
    }  # fmt: skip
    assert [tag for tag, _ in parsed.tags].count("script") == 2
    names = {attribute for _, attrs in parsed.tags for attribute in attrs}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src"})


def test_hostile_text_adds_no_tag_and_breaks_no_nesting(bad_page: str, page: str) -> None:
    bad, good = Page(bad_page), Page(page)
    assert (bad.open, bad.crossed) == ([], [])
    assert {tag for tag, _ in bad.tags} <= {tag for tag, _ in good.tags} | {"aside", "code"}


def test_hostile_text_is_all_there_to_be_read(bad_page: str) -> None:
    text = stdlib_html.unescape(bad_page)
    assert "<scr\\x00ipt>window.pwned=1</script>" in text
    assert "\\u202egnp.exe" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b\ud800-\udfff]", bad_page)


def test_the_data_for_the_script_cannot_end_its_element(bad_page: str) -> None:
    text = bad_page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert not re.search("[<>&\u2028\u2029]", text)
    assert len(json.loads(text)["cells"]) == 1 + 12 * 12


def test_the_same_view_gives_the_same_bytes(real_view: ReportView, page: str) -> None:
    assert render_html(real_view).encode() == page.encode()


def test_the_script_stays_small() -> None:
    assert (shipped("reports") / "report.js").stat().st_size <= 40_000


def test_no_template_turns_escaping_off() -> None:
    for path in shipped("reports").rglob("*.j2"):
        assert not re.search(r"\|\s*safe|autoescape|Markup", path.read_text("utf-8")), path


def test_samples_beyond_the_budget_are_counted_on_the_page(real_run: Run) -> None:
    text = render_html(build_view(*real_run, max_samples=10))
    assert "10 of 300 samples, the first of every task in turn" in text
    assert text.count('<details class="sample"') == 10


def test_unpriced_candidates_are_listed_under_the_chart(page: str) -> None:
    assert page.count("Not drawn, no price:") == 6


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"verdict": "fails", "quality": None, "quality_low": None,
                      "quality_high": None, "n_answered": 0, "n_scored": 0,
                      "cost_usd_per_1k": None, "cost_basis": None, "latency_p50_s": None,
                      "latency_p95_s": None, "input_tokens": None, "output_tokens": None,
                      "failures": {"unauthorized": 50}}, id="all-failed"),
        pytest.param({"n_samples": 1, "n_planned": 1, "n_answered": 1, "n_scored": 1,
                      "quality": 1.0, "quality_low": 0.05, "quality_high": 1.0,
                      "verdict": "undecided", "samples_needed": 58}, id="one-sample"),
        pytest.param({"cost_usd_per_1k": None, "cost_basis": None,
                      "unpriced_reason": "no price is known"}, id="unpriced"),
        pytest.param({"cost_usd_per_1k": 0.0}, id="free"),
        pytest.param({"task": "t" * 500, "candidate": "m" * 500}, id="long-names"),
        pytest.param({"task": "تصنيف", "candidate": "👩‍👩‍👧 模型"}, id="rtl-and-emoji"),
    ],
)  # fmt: skip
def test_degenerate_runs_still_give_a_page(
    run_of: Callable[..., Run], cell: Cell, changes: dict[str, object]
) -> None:
    odd = replace(cell, **changes)  # type: ignore[arg-type]
    parsed = Page(render_html(build_view(*run_of([odd], reference=odd.candidate))))
    assert (parsed.open, parsed.crossed) == ([], [])


def test_a_run_without_tasks_gives_a_page_that_says_so(run_of: Callable[..., Run]) -> None:
    text = render_html(build_view(*run_of([], reference="small")))
    assert "There is nothing to compare: the run holds no task." in text
    assert Page(text).crossed == []


def test_two_hundred_candidates_fit_on_the_page(run_of: Callable[..., Run], cell: Cell) -> None:
    cells = [replace(cell, candidate=f"m{i}", cost_usd_per_1k=0.1 + i) for i in range(200)]
    text = render_html(build_view(*run_of(cells, reference="m199")))
    assert text.count('<th scope="row"><span class="name">m') >= 200
    assert len(text) < 2_000_000


def test_a_projects_file_replaces_the_shipped_one_alone(small_run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.css").write_text("body { color: rebeccapurple }")
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials/provenance.html.j2").write_text("<p>ours: {{ view.reference }}</p>")
    text = render_html(build_view(*small_run), tmp_path)
    assert "body { color: rebeccapurple }" in text
    assert "<p>ours: large</p>" in text
    assert ">Routing map</h2>" in text


def test_a_projects_template_escapes_too(bad_run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text("{{ view.notes[0] }}")
    text = render_html(build_view(*bad_run), tmp_path)
    assert text == "&lt;script&gt;window.pwned=1&lt;/script&gt;"


def test_a_broken_template_is_an_error_that_names_its_line(small_run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text("<p>\n{{ view.headline")
    with pytest.raises(InputError, match=r"report\.html\.j2:2: the page cannot"):
        render_html(build_view(*small_run), tmp_path)


def test_a_template_that_asks_for_what_is_not_there_is_an_error(
    small_run: Run, tmp_path: Path
) -> None:
    (tmp_path / "report.html.j2").write_text("{{ view.vibes }}")
    with pytest.raises(InputError, match="vibes"):
        render_html(build_view(*small_run), tmp_path)


def test_a_script_that_would_end_its_own_element_is_refused(small_run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.js").write_text("const x = '</script>'")
    with pytest.raises(InputError, match="too early"):
        render_html(build_view(*small_run), tmp_path)


def test_every_sample_carries_its_tasks_place_for_the_filter(page: str) -> None:
    places = re.findall(r'<details class="sample" id="s-[0-9a-f]{12}" data-task="(\d*)"', page)
    assert places == [str(task) for task in range(6) for _ in range(50)]

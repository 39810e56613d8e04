from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.report.bench.markdown import render_markdown
from llmroute.report.bench.view import build_view
from llmroute.report.markdown import MAX_BYTES, code_span, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def test_the_summary_holds_verdict_map_and_reasons(small_run: Run) -> None:
    text = render_markdown(build_view(*small_run))
    assert text.startswith("### Routing by task costs $0.12 per 1,000 requests")
    assert (
        "| `classification` | `small` | ≈ likely | 0.92 (0.83–0.97), bar 0.85 | 50 | $0.12 | 95% "
        "| `large` |" in text
    )
    assert "- `classification`: `tiny` ✗ fails ($0.020): mean 0.70 is below the bar 0.85" in text


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("@everyone", "@e"),
        ("fixes #12", "#1"),
        ("![x](http://evil.invalid)", "!["),
        ("<img src=x>", "<"),
        ("see http://evil.invalid", "://e"),
        ("www.evil.invalid", "www.e"),
        ("a | b", "|"),
        ("```\nfence", "`"),
    ],
)
def test_prose_carries_no_markup(text: str, forbidden: str) -> None:
    assert forbidden not in plain(text)


@given(st.text())
def test_no_text_leaves_its_code_span(text: str) -> None:
    span = code_span(text)
    fence = re.match("`+", span).group()  # type: ignore[union-attr]
    inner = span[len(fence) : -len(fence)]
    assert len(fence) not in [len(run) for run in re.findall("`+", inner)]
    assert "\n" not in span
    assert not re.search(r"(?<!\\)\|", span)


def test_hostile_text_writes_no_html_image_or_mention(bad_run: Run) -> None:
    text = render_markdown(build_view(*bad_run))
    prose = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert set(re.findall("<[^>]*>", prose)) <= {
        "<details>", "</details>", "<summary>", "</summary>",
    }  # fmt: skip
    assert not re.search(r"!\[|@\w|(?<!&)#\d|://\w", prose)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


def test_no_line_can_be_read_as_a_workflow_command(bad_run: Run) -> None:
    lines = render_markdown(build_view(*bad_run)).splitlines()
    assert [line for line in lines if line.lstrip().startswith("::")] == []


def test_a_long_summary_is_cut_at_a_line_and_says_so(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [replace(cell, task=f"task {i} {'x' * 100}") for i in range(400)]
    text = render_markdown(build_view(*run_of(cells, reference="small")))
    assert len(text.encode()) <= MAX_BYTES
    assert text.endswith("bytes were cut.\n")


def test_many_notes_are_counted_rather_than_listed(small_run: Run) -> None:
    comparison, routing_map, outcomes = small_run
    noted = replace(routing_map, notes=tuple(f"note {i}" for i in range(20)))
    text = render_markdown(build_view(comparison, noted, outcomes))
    assert "> note 11\n>\n> 8 more are in the report." in text

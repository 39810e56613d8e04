"""Text out of maps, written to be obeyed, stays text in comments, summaries and logs."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from llmroute.gate.check import check_change
from llmroute.gate.compare import MapEvidence, compare_maps
from llmroute.gate.rules import RULES
from llmroute.records import (
    Gate,
    GateResult,
    Provenance,
    QualityRule,
    QualityThreshold,
    Rejected,
    RoutingMap,
    Savings,
    TaskEvidence,
    TaskRoute,
)
from llmroute.report.bench.markdown import render_markdown
from llmroute.report.bench.view import build_view
from llmroute.report.gate.junit import render_gate_junit
from llmroute.report.gate.markdown import MARKER, render_gate_markdown
from llmroute.report.gate.terminal import print_diff, print_gate
from llmroute.report.gate.view import gate_variables
from llmroute.report.markdown import plain
from llmroute.report.sanitize import loggable

if TYPE_CHECKING:
    from typing import Any

    from markdown_it.token import Token

PAYLOADS = [
    "![beacon](http://evil.invalid/x.png)",
    "![x][1]\n\n[1]: http://evil.invalid/x.png",
    "[click](javascript:alert(1))",
    "[a](http://evil.invalid 'title')",
    "<http://evil.invalid>",
    "http://evil.invalid/?q=secret",
    "www.evil.invalid",
    "HTTPS://EVIL.INVALID",
    "ftp://evil.invalid",
    "mailto:a@evil.invalid",
    "someone@evil.invalid",
    "@octocat",
    "@org/team",
    "hey @octocat, look",
    "#123",
    "fixes #1",
    "closes: #2",
    "octo/repo#3",
    "GH-4",
    "gh-5",
    "org/repo@abcdef0",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<a href='http://evil.invalid'>x</a>",
    "</details><h1>owned</h1>",
    "<!-- llmroute check -->",
    "<!-- comment",
    "--><b>out</b>",
    "<details>",
    "&lt;b&gt;",
    "&#60;img src=x&#62;",
    "`code` out",
    "``` \nfence",
    "```\n::error::x\n```",
    "~~~\nfence",
    "` `` ``` ````",
    "a`b|c`d",
    "|| pipe | pipe |",
    "\n| a | b |\n|---|---|\n| c | d |",
    "# heading",
    "\n# heading\n",
    "- list",
    "> quote",
    "1. list",
    "***bold***",
    "__bold__",
    "~~gone~~",
    "\\",
    "\\`",
    "\\|",
    "$x^2$",
    "$$\\evil$$",
    ":tada:",
    "[ ] task",
    "[^1]",
    "[^1]: note",
    "{% raw %}",
    "{{ 7*7 }}",
    "${{ secrets.TOKEN }}",
    "$(touch owned)",
    "`touch owned`",
    "::error::owned",
    "::set-output name=verdict::pass",
    "  ::add-mask::x",
    "\n::stop-commands::t",
    "%0A::error::x",
    "##[error]owned",
    "##vso[task.setvariable variable=x]y",
    "##teamcity[message text='x']",
    "\r::error::x",
    "a\r\n::error::b",
    "\x1b]8;;http://evil.invalid\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[31mred",
    "\x9b31m",
    "\u202egnp.exe",
    "a\u200bb",
    "\ufeff",
    "\u2028::error::x",
    "verdict=pass",
    "x\nverdict=pass",
    "EOF\nverdict=pass",
    "ghadelimiter_1",
    "\x00",
    "\x0b\x0c",
    "\x85",
    "\u3000::error::x",
    "a" * 5000,
    "|" * 300,
    "`" * 300,
    "@" * 300,
    "[" * 300,
    "\ud800",
    "日本語 @誰か #1",
    "emoji \U0001f469\u200d\U0001f469\u200d\U0001f467 @x",
    "=1+1",
    "]]>",
    "<![CDATA[x]]>",
    "<?php x ?>",
    "&entity;",
    "\t\t::error::x",
    "data:text/html;base64,PHNjcmlwdD4=",
    "[x]: http://evil.invalid",
    "a\n\n    code",
]


def hostile_map(text: str, quality: float) -> RoutingMap:
    """A map whose every name and sentence is the text."""
    evidence = TaskEvidence(
        60, 1.0, quality, quality - 0.05, quality + 0.05, 10 * quality, "measured", 1.0, 2.0
    )
    rejected = Rejected(f"r {text}", "fails", text, 0.1, 0.0, 0.2, 1.0, None, None)
    route = TaskRoute(
        task=text,
        route=f"{text} {quality}",
        fallbacks=(text,),
        verdict="likely",
        reason=text,
        quality_threshold=0.5,
        threshold_rule=QualityThreshold(0.5),
        weight=1.0,
        evidence=evidence,
        rejected=(rejected, replace(rejected, candidate=f"{text} 0.9")),
    )
    provenance = Provenance(
        run_id=text,
        suites={text: f"{text}{quality}"},
        candidates={text: {"model": f"{text}{quality}", "params": {text: text}}},
    )
    return RoutingMap(
        reference=f"{text} {quality}",
        rule=QualityRule(),
        tasks=(route, replace(route, task=f"second {text}")),
        savings=Savings(None, None, None, None, text),
        provenance=provenance,
        notes=(text, f"{text} {quality}"),
    )


def hostile_result(text: str) -> GateResult:
    before, after = (
        MapEvidence(hostile_map(text, quality), {text: quality}, note=text, name=text)
        for quality in (0.9, 0.4)
    )
    gate = Gate(max_age_days=1)
    return check_change(compare_maps(before, after), gate, datetime(2026, 11, 25, tzinfo=UTC))


def flattened(tokens: list[Token]) -> list[Token]:
    return [t for token in tokens for t in (token, *flattened(token.children or []))]


_REFERENCE = re.compile(r"@\w|#\w|\bGH-\w|://\w|\bwww\.\w", re.IGNORECASE)
OURS = re.compile(
    r"</?details>|</?summary>|Why not cheaper\?|[^<>]*tasks changed|<!-- llmroute check -->|\s+"
)


def check_markdown(markdown: str) -> None:
    """As a renderer of GitHub's kind reads it: no image, link, HTML, mention or reference of it."""
    tokens = flattened(MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown))
    kinds = {token.type for token in tokens}
    assert not kinds & {"image", "link_open", "html_inline", "fence", "code_block", "hr"}
    for token in tokens:
        if token.type == "html_block":
            assert OURS.sub("", token.content) == "", token.content
        if token.type == "text":
            assert not re.search(
                r"@\w|#\w|\bGH-\w|://\w|\bwww\.\w", token.content, re.IGNORECASE
            ), token.content
    lines = markdown.splitlines()
    assert not any(line.startswith(MARKER) for line in lines[1:])
    assert not any(line.lstrip().startswith("::") for line in lines)


def check_log(text: str) -> None:
    """As a CI system's log reads it, line by line, whatever it takes for a line's end."""
    for line in re.split(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text):
        assert not line.lstrip().startswith("::"), line
        assert not re.search(r"##\w*\[", line), line
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


def logs_of(result: GateResult) -> str:
    sink = io.StringIO()
    console = Console(file=sink, width=80)
    print_gate(result, console)
    print_diff(result.change, console)
    terminal = io.StringIO()
    print_gate(result, Console(file=terminal, width=300, force_terminal=True, no_color=True))
    return sink.getvalue() + re.sub("\x1b\\[[0-9;]*m", "", terminal.getvalue())


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_payload_is_obeyed_in_any_sink(payload: str) -> None:
    result = hostile_result(payload)
    rules = {finding.rule for finding in result.findings}
    assert {"route_changed", "quality_fell", "suite_changed", "candidate_changed"} <= rules
    check_markdown(render_gate_markdown(result))
    check_log(logs_of(result))
    ET.fromstring(render_gate_junit(result, tuple(RULES)))
    assert gate_variables(result) == "verdict=fail\nchanged=true\nerrors=5\nwarnings=3\n"


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_text_is_obeyed_in_any_sink(text: str) -> None:
    result = hostile_result(text)
    check_markdown(render_gate_markdown(result))
    check_log(logs_of(result))


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_payload_is_obeyed_in_the_benchs_summary(
    payload: str, small_run: tuple[Any, RoutingMap, Any]
) -> None:
    comparison, routing_map, outcomes = small_run
    tasks = tuple(
        replace(
            task,
            reason=payload,
            rejected=tuple(replace(item, reason=payload) for item in task.rejected),
        )
        for task in routing_map.tasks
    )
    noted = replace(routing_map, tasks=tasks, notes=(payload,))
    check_markdown(render_markdown(build_view(comparison, noted, outcomes)))


@given(st.text())
def test_no_line_of_a_log_is_a_command(text: str) -> None:
    check_log(loggable(text))


def test_prose_of_a_cell_stays_in_its_cell() -> None:
    assert plain("a | b\n| c") == "a &#124; b &#124; c"


@pytest.mark.parametrize("letter", ["a", "ä", "語", "👩"])
def test_the_size_holds_for_any_alphabet(letter: str) -> None:
    text = render_gate_markdown(hostile_result(letter * 400), 2000)
    assert len(text.encode()) <= 2000

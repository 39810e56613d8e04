"""GateResult → Markdown for a job summary or a comment; names and texts are made harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.report.gate.view import gate_sentence
from llmroute.report.map_diff import diff_facts, diff_rows
from llmroute.report.markdown import MAX_BYTES, code_span, fit, plain

if TYPE_CHECKING:
    from llmroute.records import Finding, GateResult
    from llmroute.report.map_diff import DiffRow

MARKER = "<!-- llmroute check -->"
"""The first line: by it a comment is found again and replaced."""
SYMBOLS = {"error": "❌", "warn": "⚠️"}


def render_gate_markdown(result: GateResult, max_bytes: int = MAX_BYTES) -> str:
    """The answer, the findings, each task before and after, and notes; cut at `max_bytes`."""
    sign = "✅" if result.passed else "❌"
    parts = [
        f"{MARKER}\n### {sign} {plain(gate_sentence(result))}",
        _findings(result.findings),
        _tasks(diff_rows(result.change)),
        "\n".join(f"- {plain(fact)}" for fact in diff_facts(result.change)),
        "\n>\n".join(f"> {plain(note)}" for note in result.change.notes),
    ]
    return fit([part for part in parts if part], max_bytes)


def _findings(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return ""
    lines = ["| | Task | Rule | What | Before | After | Why |", "|---|---|---|---|---|---|---|"]
    return "\n".join(lines + [_finding(finding) for finding in findings])


def _finding(finding: Finding) -> str:
    cells = (
        SYMBOLS[finding.level],
        code_span(finding.task) if finding.task else "",
        f"`{finding.rule}`",
        plain(finding.what),
        plain(finding.before),
        plain(finding.after),
        plain(finding.why),
    )
    return f"| {' | '.join(cells)} |"


def _tasks(rows: tuple[DiffRow, ...]) -> str:
    changed = [row for row in rows if not row.is_same]
    if not changed:
        return ""
    lines = [
        "| | Task | Route | Verdict | Quality | Bar | $ / 1,000 | n |",
        "|---|---|---|---|---|---|---|--:|",
    ]
    for row in changed:
        sign, task, *rest = row.cells
        cells = (f"`{sign}`", code_span(task), *(plain(cell) for cell in rest))
        lines.append(f"| {' | '.join(cells)} |")
    body = "\n".join(lines)
    summary = f"{len(changed)} of {len(rows)} tasks changed"
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"

"""ReportView → a Markdown summary for pull requests and chat.

Names stand in code spans, where neither mentions, links, images nor HTML are read; other text has
every character that Markdown or GitHub gives a meaning taken out of its hands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.report.view import RejectedView, ReportView, TaskView

MAX_BYTES = 60_000
"""GitHub drops comments over 64 KiB."""
NAME_CHARS = 120
MAX_NOTES = 12

_ZERO_WIDTH = "\u200b"
_SPECIAL = re.compile(r"[\\`*\[\]<>#|~&]|(?<![^\W_])_|_(?![^\W_])")
_REFERENCES = re.compile(r"(@|#|\bGH-|\bwww\.|://)(?=\w)", re.IGNORECASE)


def render_markdown(view: ReportView) -> str:
    """Verdict, routing map, why nothing cheaper, and the notes, cut at `MAX_BYTES`."""
    parts = [
        f"### {plain(view.headline.sentence)}",
        " ".join(plain(detail) for detail in (*view.headline.details, *view.further)),
        "\n".join(f"> **Warning:** {plain(banner)}\n>" for banner in view.banners).removesuffix(
            "\n>"
        ),
        _routes(view),
        _why(view),
        _recognition(view),
        _judges(view),
        _notes(view),
        _footer(view),
    ]
    return fit([part for part in parts if part])


def code_span(text: str) -> str:
    """The text on one line in a code span no text can leave, also inside a table.

    >>> code_span("a`b|c")
    '``a`b\\\\|c``'
    """
    line = one_line(text, NAME_CHARS).replace("|", "\\|") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def plain(text: str) -> str:
    """The text on one line as prose: no markup, mention, issue, commit or link is read in it.

    >>> plain("<b>*hi* #1</b>")
    '&lt;b&gt;&#42;hi&#42; &#35;\\u200b1&lt;/b&gt;'
    """
    line = _REFERENCES.sub(rf"\1{_ZERO_WIDTH}", one_line(text))
    return _SPECIAL.sub(_entity, line)


def _entity(match: re.Match[str]) -> str:
    named = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return named.get(match.group(), f"&#{ord(match.group())};")


def _routes(view: ReportView) -> str:
    if not view.tasks:
        return ""
    lines = [
        "| Task | Route | Verdict | Quality | n | $ / 1,000 | Saved | Fallbacks |",
        "|---|---|---|---|--:|--:|--:|---|",
    ]
    return "\n".join(lines + [_route(task) for task in view.tasks])


def _route(task: TaskView) -> str:
    interval = f" ({task.quality.interval})" if task.quality.interval else ""
    cells = (
        code_span(task.task),
        code_span(task.route),
        f"{task.symbol} {task.verdict}",
        f"{task.quality.text}{interval}, bar {task.bar.text}",
        str(task.n_samples),
        plain(task.cost.text),
        task.saved.text,
        ", ".join(code_span(name) for name in task.fallbacks) or "none",
    )
    return f"| {' | '.join(cells)} |"


def _why(view: ReportView) -> str:
    lines = []
    for task in view.tasks:
        lines += [f"- {code_span(task.task)}: {_rejection(item)}" for item in task.answers[:5]]
        if len(task.answers) > 5:
            lines.append(f"- {code_span(task.task)}: {len(task.answers) - 5} more in the report")
    if not lines:
        return ""
    body = "\n".join(lines)
    return f"<details><summary>Why not cheaper?</summary>\n\n{body}\n\n</details>"


def _rejection(item: RejectedView) -> str:
    price = plain(item.cost.text) if item.cost.value is not None else "no price"
    needed = (
        f"; {item.samples_needed:,} more samples would settle it" if item.samples_needed else ""
    )
    head = f"{code_span(item.candidate)} {item.symbol} {item.verdict} ({price})"
    return f"{head}: {plain(item.reason)}{needed}"


def _recognition(view: ReportView) -> str:
    """How requests are recognised, and the mistakes that cost something."""
    if view.recognition is None:
        return ""
    costly = [one for one in view.recognition.mistakes if one.is_costly]
    lines = [
        f"- {one.n} of {code_span(one.task)} taken for {code_span(one.recognised)}, "
        f"{plain(one.form)}: {code_span(one.model)} answers, below the bar by {plain(one.loss)}"
        for one in costly[:5]
    ]
    lines += [f"- {len(costly) - 5} more in the report"] if len(costly) > 5 else []
    body = "\n".join(lines)
    return plain(view.recognition.sentence) + (f"\n\n{body}" if body else "")


def _judges(view: ReportView) -> str:
    lines = []
    for one in view.judges:
        who = ", ".join(code_span(judge) for judge in one.judges)
        status = "calibrated" if one.calibrated else "uncalibrated"
        lines.append(
            f"- {code_span(one.task)} judged by {who}: {status}, {one.n_labels} labels, "
            f"α {plain(one.agreement)}, unreadable {one.unreadable}"
        )
    return "\n".join(lines)


def _notes(view: ReportView) -> str:
    left = len(view.notes) - MAX_NOTES
    lines = [plain(note) for note in view.notes[:MAX_NOTES]]
    lines += [f"{left} more are in the report."] if left > 0 else []
    return "\n>\n".join(f"> {line}" for line in lines)


def _footer(view: ReportView) -> str:
    run = f" Run {code_span(view.run_id)}." if view.run_id else ""
    scored = f"{view.n_scored:,} of {view.n_planned:,} planned calls carry a score."
    return f"{plain(view.rule)} {scored}{run}"


_CUT_BYTES = 60
"""What the line about the cut, and the end of what it falls into, take at most."""


def fit(parts: Sequence[str], max_bytes: int = MAX_BYTES) -> str:
    r"""The parts as paragraphs: whole lines up to the limit, and a line that says what was cut.

    >>> fit(["one", "two " * 20], 80)
    'one\n\n83 bytes were cut.\n'
    """
    text = "\n\n".join(parts) + "\n"
    data = text.encode()
    if len(data) <= max_bytes:
        return text
    kept = data[: max_bytes - _CUT_BYTES].decode(errors="ignore").rpartition("\n")[0].rstrip("\n")
    closing = "\n\n</details>" if kept.count("<details>") > kept.count("</details>") else ""
    return f"{kept}{closing}\n\n{len(data) - len(kept.encode()):,} bytes were cut.\n"

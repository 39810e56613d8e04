"""ReportView → a Markdown summary for pull requests and chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.report.markdown import code_span, fit, plain

if TYPE_CHECKING:
    from llmroute.report.bench.tasks import RejectedView, TaskView
    from llmroute.report.bench.view import ReportView

MAX_NOTES = 12


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

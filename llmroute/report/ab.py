"""Plan or analysis of an A/B test → what is said of it, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llmroute.report.amounts import UNKNOWN, counted, seconds_text, share_text, usd_text
from llmroute.report.columns import Table

if TYPE_CHECKING:
    from llmroute.ab.analyse import Analysis
    from llmroute.ab.deltas import Delta
    from llmroute.ab.gather import Gathered
    from llmroute.ab.plan import Design, TestSize, Within
    from llmroute.records import Interval

PLAN_SCHEMA = "llmroute/ab-plan/1"
ANALYSIS_SCHEMA = "llmroute/ab-analysis/1"

NAMES = {
    "quality": "Quality",
    "failure": "Not answered",
    "cost_usd": "Cost, $/1k",
    "latency_s": "Latency, mean",
    "latency_p95_s": "Latency, p95",
}


# -- plan -----------------------------------------------------------------------------------------


def plan_headline(design: Design, size: TestSize) -> str:
    """How many requests show what."""
    each = (
        f"{size.control_requests:,} requests an arm, {size.requests:,} in all,"
        if size.control_requests == size.treatment_requests
        else f"{size.control_requests:,} requests of control and"
        f" {size.treatment_requests:,} of treatment"
    )
    seen = "" if design.saving is None else f" and that {share_text(design.saving)} is saved"
    return (
        f"{each} show with {share_text(design.power)} power that quality falls by less than"
        f" {design.margin:g}{seen}, at a {share_text(design.alpha)} risk of saying so wrongly."
    )


def plan_lines(design: Design, size: TestSize) -> list[str]:
    """What else the test can see, and what the size stands on."""
    least = size.detectable_saving
    lines = [
        "No saving can be seen with so few."
        if least is None
        else f"A saving of {share_text(least)} of the cost or more is seen with the same power.",
        (
            f"Assumed: control's quality {design.baseline_quality:g}, treatment's"
            f" {_signed(design.difference, 3) if design.difference else 'the same'};"
            f" {_spread(design)}; a request's cost varies by {design.cost_cv:g} × its mean."
        ),
    ]
    if size.control_keys != size.control_requests:
        lines.append(
            f"Keys: {size.control_keys:,} and {size.treatment_keys:,}, each with"
            f" {design.requests_per_key:g} requests that correlate by {design.icc:g}."
        )
    if design.sequential:
        lines.append(
            "Look as often as you like, and stop once it has concluded: often far sooner than this."
        )
    return lines


def traffic_line(size: TestSize, per_day: float) -> str:
    """How long it takes."""
    days = math.ceil(size.requests / per_day)
    whole = "" if days % 7 == 0 or days < 4 else f"; {math.ceil(days / 7) * 7} make whole weeks"
    return f"At {per_day:,.0f} requests a day: {counted(days, 'day')}{whole}."


def horizon_line(design: Design, found: Within, days: float) -> str:
    """What the traffic of the horizon can show."""
    margin = "none" if found.margin is None else f"{found.margin:.3f}"
    return (
        f"{counted(round(days), 'day')} bring {found.requests:,} requests: power"
        f" {share_text(found.power)} for margin {design.margin:g}; the least margin with"
        f" {share_text(design.power)} power is {margin}."
    )


def plan_document(
    design: Design, size: TestSize, per_day: float | None, found: Within | None
) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "schema": PLAN_SCHEMA,
        "design": asdict(design),
        "size": {**asdict(size), "requests": size.requests},
        "share": design.ratio / (1 + design.ratio),
        "days": None if per_day is None else size.requests / per_day,
        "horizon": None if found is None else asdict(found),
    }


def _spread(design: Design) -> str:
    if design.quality_sd is not None:
        return f"a score's standard deviation {design.quality_sd:g}"
    return "scores spread as much as their mean allows (right or wrong)"


# -- analysis -------------------------------------------------------------------------------------


def analysis_headline(analysis: Analysis, *, keyed: bool) -> str:
    """The verdict in a sentence."""
    verdict = analysis.verdict
    who = f"{analysis.treatment.name} against {analysis.control.name}"
    if verdict.conclusion == "unsound":
        users = "" if keyed else " Were users assigned, not requests? Name --key-field."
        return f"Nothing can be concluded: {verdict.reason}.{users}"
    if verdict.conclusion == "not_asked":
        return f"{who}: no verdict without a margin (--margin 0.03)."
    if verdict.conclusion == "not_scored":
        return f"{who}: no verdict, as {verdict.reason}."
    word = verdict.conclusion.replace("_", "-")
    more = (
        ""
        if verdict.conclusion != "undecided"
        else _needed(verdict.keys_needed, "key" if keyed else "request")
    )
    return f"{who}: {word}. In quality {verdict.reason}.{more}"


def _needed(keys: int | None, noun: str) -> str:
    if keys is None:
        return " The difference stands on the margin: no number of requests would settle that."
    return f" About {counted(keys, noun)} more would settle it at the present difference."


def delta_table(deltas: Sequence[Delta]) -> Table | None:
    """A row a figure; None where there are none."""
    if not deltas:
        return None
    return Table(
        columns=("", "Control", "Treatment", "Difference", "Interval", "Relative", "n"),
        rows=tuple(_row(delta) for delta in deltas if not _is_quiet(delta)),
        right=(1, 2, 3, 4, 5, 6),
    )


def _is_quiet(delta: Delta) -> bool:
    """Failures are told of where there are any."""
    return delta.name == "failure" and not delta.control and not delta.treatment


def _row(delta: Delta) -> tuple[str, ...]:
    text = {"quality": _quality, "failure": _percent, "cost_usd": _per_1k}.get(delta.name, _seconds)
    found = delta.difference
    return (
        NAMES[delta.name],
        text(delta.control),
        text(delta.treatment),
        _plus(found.value, text),
        f"{_plus(found.low, text)} to {_plus(found.high, text)}",
        UNKNOWN if delta.relative is None or delta.name in ("quality", "failure")
        else _change(delta.relative),
        f"{delta.n_control:,} + {delta.n_treatment:,}",
    )  # fmt: skip


def _change(relative: Interval) -> str:
    values = (relative.value, relative.low, relative.high)
    middle, low, high = (_plus(value, _percent) for value in values)
    return f"{middle} ({low} to {high})"


def analysis_lines(analysis: Analysis, gathered: Gathered, alpha: float, *, anytime: bool,
                   keyed: bool) -> list[str]:  # fmt: skip
    """How the experiment was counted, and what its intervals mean."""
    ratio = analysis.ratio
    arms = (analysis.control, analysis.treatment)
    noun = "keys" if keyed else "requests"
    counts = ", ".join(f"{arm.n_keys:,} {noun} in {arm.name}" for arm in arms)
    shares = f"{ratio.observed:.2%} treated, {ratio.expected:.2%} planned"
    lines = [f"{counts}: {shares} (p = {ratio.p_value:.2g})."]
    if analysis.deltas:
        looks = "whenever one looks" if anytime else "for one look"
        lines.append(
            f"Intervals are two-sided at {share_text(1 - 2 * alpha)}, so that each bound holds at"
            f" {share_text(1 - alpha)}, {looks}; {noun} are taken as independent."
        )
    removed = [d for d in analysis.deltas if d.variance_removed is not None]
    if removed:
        each = ", ".join(f"{NAMES[d.name]} {share_text(d.variance_removed)}" for d in removed)
        lines.append(f"Variance explained by the time before, and taken out: {each}.")
    lines += _left_out(analysis, gathered)
    return lines


def _left_out(analysis: Analysis, gathered: Gathered) -> list[str]:
    others = sum(gathered.other_arms.values())
    named = ", ".join(repr(name) for name, _ in gathered.other_arms.most_common(3) if name)
    counts = (
        (gathered.n_before, "request{s} from before the start"),
        (others, f"request{{s}} in neither arm{f' ({named})' if named else ''}"),
        (gathered.n_no_chat, "request{s} that no chat model answers (embeddings, images, ...)"),
        (analysis.mixed_keys, "key{s} seen in both arms"),
    )
    return [
        f"Left out: {count:,} {words.format(s='' if count == 1 else 's')}."
        for count, words in counts
        if count
    ] + _unknown(analysis, gathered)


def _unknown(analysis: Analysis, gathered: Gathered) -> list[str]:
    """Scores, costs and latencies that are not there, by arm."""
    if not analysis.deltas:
        return []
    arms = (gathered.observations.control, gathered.observations.treatment)
    lines = []
    for metric, noun in (
        ("quality", "score"),
        ("cost_usd", "known cost"),
        ("latency_s", "latency"),
    ):
        delta = next((d for d in analysis.deltas if d.name == metric), None)
        known = (delta.n_control, delta.n_treatment) if delta else (0, 0)
        missing = [arm.keys.size - n for arm, n in zip(arms, known, strict=True)]
        if any(missing):
            lines.append(
                f"Without a {noun}: {missing[0]:,} requests of {arms[0].name},"
                f" {missing[1]:,} of {arms[1].name}."
            )
    return lines


def analysis_document(
    analysis: Analysis, gathered: Gathered, question: dict[str, Any]
) -> dict[str, Any]:
    """The analysis for programs; an infinite bound is null."""
    arms = {"control": analysis.control, "treatment": analysis.treatment}
    return {
        "schema": ANALYSIS_SCHEMA,
        "question": question,
        "arms": {
            role: {"name": arm.name, "keys": arm.n_keys, "requests": int(arm.keys.size)}
            for role, arm in arms.items()
        },
        "ratio": {**asdict(analysis.ratio), "is_sound": analysis.ratio.is_sound},
        "verdict": asdict(analysis.verdict),
        "deltas": [_finite(asdict(delta)) for delta in analysis.deltas],
        "left_out": {
            "mixed_keys": analysis.mixed_keys,
            "other_arms": dict(gathered.other_arms),
            "before": gathered.n_before,
            "no_chat": gathered.n_no_chat,
        },
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


# -- numbers --------------------------------------------------------------------------------------


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _plus(value: float, text: Any) -> str:
    """The number with its sign; a bound there is none of as a dash."""
    if not math.isfinite(value):
        return UNKNOWN
    shown: str = text(abs(value))
    if not shown.strip("$0.%s "):
        return shown
    return f"{'−' if value < 0 else '+'}{shown}"


def _quality(value: float) -> str:
    return f"{value:.3f}"


def _percent(value: float) -> str:
    return share_text(value)


def _per_1k(value: float) -> str:
    return usd_text(1000 * value)


def _seconds(value: float) -> str:
    return seconds_text(value)

"""Shadow → what is said of it, as plain values: sentences and tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmroute.report.amounts import UNKNOWN, counted, share_text, usd_text
from llmroute.report.columns import Table
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.records import Interval, Volume
    from llmroute.shadow.costs import CostSummary
    from llmroute.shadow.drift import Drift
    from llmroute.shadow_judging import JudgedPairs
    from llmroute.shadowing import Shadow

UNKNOWN_TASK = "(unknown)"
TEXT_CHARS = 160
MOST_STRANGERS = 5
DRIFTED = 0.01
"""P-value below which the traffic surely is not what the suites weigh."""

APART = {
    "failed": "failed",
    "cached": "came from the gateway's cache",
    "no_chat": "are no chat (embeddings, images, ...)",
    "no_prompt": "have no prompt in the log, and nothing else that names their task",
}
BASES = {
    "same": "as paid, the same model",
    "measured": "by the map's model's own answer",
    "ratio": "estimated from the logged tokens, by the models' ratio in the bench's outcomes",
    "mean": "estimated: input tokens as logged, output by the model's mean in the bench's outcomes",
    "bench": "at the bench's mean cost of the task, which leaves the whole without an interval",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a table where there is one, and sentences."""

    title: str
    table: Table | None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShadowView:
    """The story of a shadow run."""

    headline: str
    sections: tuple[Section, ...]


def build_shadow_view(
    shadow: Shadow, volume: Volume | None = None, judged: JudgedPairs | None = None
) -> ShadowView:
    """Everything a reader is told, in order."""
    sections = (
        Section("Where requests would go", _routes(shadow), tuple(_counted_apart(shadow))),
        Section("Who answers", _models(shadow), tuple(_strangers(shadow))),
        Section("Cost", None, tuple(_cost_lines(shadow, volume))),
        Section("Quality", None, tuple(_quality_lines(shadow, judged))),
        *([_drift(shadow.drift)] if shadow.drift else []),
        *([_examples(shadow)] if shadow.examples else []),
    )
    return ShadowView(_headline(shadow), sections)


def _headline(shadow: Shadow) -> str:
    cost, n = shadow.cost, shadow.n_decided
    if not n:
        return f"The map decides none of the {counted(shadow.n_requests, 'request')} in the log."
    moved = (
        f"{share_text(shadow.n_changed / n)} of {counted(n, 'request')} would go to another model"
    )
    if cost is None:
        return f"{moved}; what that costs is not known."
    saved = cost.saved_share
    bounds = ""
    if saved is not None and cost.has_bounds and saved.high > saved.low:
        bounds = f" ({share_text(saved.low)} to {share_text(saved.high)})"
    word = _compared(saved.value if saved else 0.0)
    of = "" if cost.n == n else f" for the {cost.n:,} whose costs are known"
    return (
        f"{moved}. The map would have cost {usd_text(cost.routed_usd.value)} instead of"
        f" {usd_text(cost.paid_usd)}{of}: {word}{bounds}."
    )


def _compared(saved: float) -> str:
    return f"{share_text(abs(saved))} {'less' if saved >= 0 else 'more'}"


# -- where ----------------------------------------------------------------------------------------


def _routes(shadow: Shadow) -> Table | None:
    if not shadow.shares:
        return None
    rows = [
        (share.task or UNKNOWN_TASK, share.layer, share.routed, f"{share.n:,}",
         share_text(share.n / shadow.n_decided))
        for share in shadow.shares
    ]  # fmt: skip
    return Table(("Task", "Recognised by", "Model", "Requests", "Share"), tuple(rows), (3, 4))


def _counted_apart(shadow: Shadow) -> Iterator[str]:
    for reason, n in shadow.apart.items():
        yield f"Not decided: {counted(n, 'request')} that {APART[reason]}."
    if shadow.n_unknown:
        yield (
            f"{counted(shadow.n_unknown, 'request')} of no task the map knows:"
            f" {shadow.reference}, the reference, answers."
        )


def _models(shadow: Shadow) -> Table | None:
    routed: Counter[str] = Counter()
    for share in shadow.shares:
        routed[share.routed] += share.n
    names = sorted({*routed, *shadow.logged}, key=lambda name: (-routed[name], name))
    rows = [_model_row(name, shadow.logged.get(name, 0), routed[name], shadow) for name in names]
    others = sum(shadow.strangers.values())
    if others:
        rows.append(_model_row("none of the map's", others, 0, shadow))
    if not rows:
        return None
    return Table(("Model", "Was", "Share", "Would be", "Share"), tuple(rows), (1, 2, 3, 4))


def _model_row(name: str, was: int, would_be: int, shadow: Shadow) -> tuple[str, ...]:
    n = shadow.n_decided
    return name, f"{was:,}", share_text(was / n), f"{would_be:,}", share_text(would_be / n)


def _strangers(shadow: Shadow) -> Iterator[str]:
    if not shadow.strangers:
        return
    most = sorted(shadow.strangers.items(), key=lambda pair: (-pair[1], pair[0]))
    named = ", ".join(f"{one_line(name, 60)} ({n:,})" for name, n in most[:MOST_STRANGERS])
    rest = f", and {len(most) - MOST_STRANGERS} more" if len(most) > MOST_STRANGERS else ""
    yield (
        f"None of the map's: {named}{rest}. Where one is a candidate under another name, say so:"
        " --alias NAME=CANDIDATE."
    )


# -- cost -----------------------------------------------------------------------------------------


def _cost_lines(shadow: Shadow, volume: Volume | None) -> Iterator[str]:
    cost = shadow.cost
    if cost is not None:
        yield from _cost_figures(cost, volume)
    for reason, n in sorted(shadow.unknown_costs.items(), key=lambda pair: -pair[1]):
        yield f"Left out of the costs: {counted(n, 'request')} ({UNKNOWN_COST[reason]})."


UNKNOWN_COST = {
    "what was paid is not known": "what was paid is not known: neither cost, nor tokens and price",
    "routed: no price": "the map's model has no price: --prices FILE",
    "routed: cascade": "a cascade: whether the weak answer stands, only that answer can tell",
    "routed: not counted": "nothing says how many tokens the map's model takes: --outcomes FILE",
}


def _cost_figures(cost: CostSummary, volume: Volume | None) -> Iterator[str]:
    yield (
        f"Paid {usd_text(cost.paid_usd)} for {counted(cost.n, 'request')};"
        f" the map's models {_dollars(cost.routed_usd, bounded=cost.has_bounds)}."
    )
    listed = sorted(cost.bases.items(), key=lambda pair: -pair[1])
    yield "The latter: " + "; ".join(f"{n:,} {BASES[basis]}" for basis, n in listed) + "."
    saved = cost.saved_usd_per_1k
    yield (
        f"For 1,000 requests like these: {usd_text(cost.paid_usd_per_1k)} paid,"
        f" {_dollars(saved, bounded=cost.has_bounds)} saved."
    )
    if volume is not None:
        found = projected(cost, volume)
        total = _dollars(_as_interval(found["saved_usd"]), bounded=cost.has_bounds)
        each = f"a {volume.period}"
        yield f"At {volume.requests:,.0f} requests {each}: {total} saved {each}."
    if cost.cost_cv is not None:
        yield (
            f"A request's cost varies by {cost.cost_cv:.1f} × its mean: an A/B test is planned"
            f" with --cost-cv {cost.cost_cv:.1f}."
        )


def projected(cost: CostSummary, volume: Volume) -> dict[str, Any]:
    """The figures carried over to a volume."""
    saved, scale = cost.saved_usd_per_1k, volume.requests / 1000
    bounds = {"value": saved.value, "low": saved.low, "high": saved.high}
    return {
        "requests": volume.requests,
        "period": volume.period,
        "paid_usd": cost.paid_usd_per_1k * scale,
        "saved_usd": {name: value * scale for name, value in bounds.items()},
        "has_bounds": cost.has_bounds,
    }


def _as_interval(bounds: dict[str, float]) -> Interval:
    from llmroute.records import Interval

    return Interval(**bounds)


def _dollars(amount: Interval, *, bounded: bool) -> str:
    if not bounded:
        return usd_text(amount.value)
    if amount.low == amount.high:
        return usd_text(amount.value)
    return f"{usd_text(amount.value)} ({usd_text(amount.low)} to {usd_text(amount.high)})"


# -- quality --------------------------------------------------------------------------------------


def _quality_lines(shadow: Shadow, judged: JudgedPairs | None) -> Iterator[str]:
    found = shadow.quality
    if found is not None:
        yield (
            f"Both answers are scored on {found.n:,} of the {found.n_changed:,} requests that would"
            f" go to another model: {found.routed:.3f} instead of {found.logged:.3f}"
            f" ({_signed_interval(found.difference)})."
        )
    elif shadow.n_changed and judged is None:
        yield (
            "The log holds the answer of one model a request: how the map's models would have"
            " answered these very requests is not known."
        )
    if judged is not None:
        yield from _judged_lines(judged)
    yield from _off_policy_lines(shadow)
    if (bench := shadow.bench) is not None:
        yield (
            f"By the map's evidence, in this mix of tasks: {bench.routed:.3f} instead of"
            f" {bench.logged:.3f} (the suites' samples, not these requests; {bench.n:,} requests)."
        )


def _judged_lines(judged: JudgedPairs) -> Iterator[str]:
    who = " + ".join(judged.judges)
    drawn = f"{judged.n_pairs:,} of the {judged.n_eligible:,} requests that have both answers"
    if judged.quality is None:
        yield f"Judge {who} gave no verdict that counts on {drawn}."
        return
    found = judged.quality
    yield (
        f"Judge {who}, by rubric {judged.rubric}, on {drawn} ({found.n:,} with both verdicts):"
        f" {found.routed:.3f} instead of {found.logged:.3f} ({_signed_interval(found.difference)})."
        " No person's label corrects it: `llmroute judge agree` says how far it can be trusted."
    )


def _off_policy_lines(shadow: Shadow) -> Iterator[str]:
    found = shadow.off_policy
    if found is None:
        return
    if found.doubly_robust is None or found.difference is None:
        yield f"Randomised requests ({found.n:,}) tell nothing: {found.reason}."
        return
    missing = f"; {found.n_unscored:,} more have no score" if found.n_unscored else ""
    yield (
        f"By {found.n:,} requests whose model was drawn at random ({found.effective:,.0f} effective"
        f"{missing}): {found.doubly_robust.value:.3f} instead of {found.logged:.3f}"
        f" ({_signed_interval(found.difference)}), doubly robust."
    )


def _signed_interval(interval: Interval) -> str:
    values = (interval.value, interval.low, interval.high)
    middle, low, high = (f"{value:+.3f}".replace("-", "−") for value in values)
    return f"{middle}; {low} to {high}"


# -- drift and examples ---------------------------------------------------------------------------


def _drift(drift: Drift) -> Section:
    rows = tuple(
        (share.task, f"{share.n:,}", share_text(share.seen.value), _shares(share.seen),
         share_text(share.planned))
        for share in drift.shares
    )  # fmt: skip
    table = Table(("Task", "Requests", "Share", "Interval", "Suite weight"), rows, (1, 2, 3, 4))
    return Section("Traffic beside the suites' weights", table, tuple(_drift_lines(drift)))


def _shares(interval: Interval) -> str:
    return f"{share_text(interval.low)} to {share_text(interval.high)}"


def _drift_lines(drift: Drift) -> Iterator[str]:
    p = "p < 0.0001" if drift.p_value < 0.0001 else f"p = {drift.p_value:.2g}"
    if drift.p_value >= DRIFTED:
        yield f"No other mix than the suites' weights is seen ({p})."
        return
    moved = share_text(drift.distance)
    yield f"{moved} of the requests are of other tasks than the suites weigh ({p}). Paste:"
    for share in drift.shares:
        none = "" if share.n else ", of which there is no request"
        yield f"weight: {max(share.seen.value, 1e-4):.4g}  # suite of task {share.task}{none}"


def _examples(shadow: Shadow) -> Section:
    rows = tuple(
        (one_line(example.text, TEXT_CHARS) or UNKNOWN, example.task or UNKNOWN_TASK, example.layer,
         example.logged, example.routed)
        for example in shadow.examples
    )  # fmt: skip
    return Section("Examples", Table(("Request", "Task", "By", "Was", "Would be"), rows, ()))


def span_text(shadow: Shadow) -> str:
    """When the requests came, or nothing where no time is logged."""
    if shadow.first_s is None or shadow.last_s is None:
        return ""
    first, last = (datetime.fromtimestamp(at, UTC) for at in (shadow.first_s, shadow.last_s))
    days = math.ceil((shadow.last_s - shadow.first_s) / 86_400) or 1
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d} ({counted(days, 'day')}, UTC)"

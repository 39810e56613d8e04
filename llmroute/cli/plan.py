"""PlanEstimate → what `bench --dry-run` prints, and the question before money is spent."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import typer

from llmroute.cli.console import print_table, say, show_text
from llmroute.deciding import Result
from llmroute.plan.estimate import PlanEstimate
from llmroute.records import Budget, Interval
from llmroute.report.amounts import usd_text


def print_plan(estimate: PlanEstimate, *, as_json: bool) -> None:
    """The plan to stdout, as tables or as JSON."""
    if as_json:
        typer.echo(json.dumps(_document(estimate), indent=2))
        return
    print_table(
        ("candidate", "calls", "stored", "prompt tokens", "answer tokens", "cost", "at most"),
        [
            (
                c.candidate,
                f"{c.n_calls:,}",
                f"{c.n_stored:,}",
                f"{'' if c.input_is_counted or not c.n_missing else '~'}{c.input_tokens:,}",
                f"~{c.output_tokens.value:,.0f}" if c.n_missing else "0",
                usd_text(c.cost_usd.value) if c.cost_usd else "not priced",
                usd_text(c.cost_usd.high) if c.cost_usd else "",
            )
            for c in estimate.candidates
        ],
        right=(1, 2, 3, 4, 5, 6),
    )
    show_text("")
    print_table(
        ("task", "samples", "bar", "settles a candidate 0.05 above the bar", "samples for 80 %"),
        [
            (
                t.task,
                str(t.n_samples),
                "relative" if t.quality_threshold is None else f"{t.quality_threshold:g}",
                "not known beforehand" if t.power is None else f"{t.power:.0%} of the time",
                "" if t.samples_needed is None else f"{t.samples_needed:,}",
            )
            for t in estimate.tasks
        ],
        right=(1, 2, 4),
    )
    show_text("\n" + summary(estimate))
    if any(c.n_missing and not c.input_is_counted for c in estimate.candidates):
        show_text("~ estimated: this model's tokenizer is not at hand.")


def summary(estimate: PlanEstimate) -> str:
    """The plan in a sentence."""
    cost = estimate.cost_usd
    unpriced = f"; not priced: {', '.join(estimate.unpriced)}" if estimate.unpriced else ""
    return (
        f"{estimate.n_missing:,} calls to make, about {usd_text(cost.value)} "
        f"({usd_text(cost.low)} to at most {usd_text(cost.high)}){unpriced}, "
        f"about {duration_text(estimate.seconds)}."
    )


def confirm(estimate: PlanEstimate, confirm_usd: float) -> bool:
    """Whether to go on: asked where the plan is expected to cost more than `confirm_usd`."""
    if estimate.cost_usd.value <= confirm_usd:
        return True
    say(summary(estimate))
    return typer.confirm("Go on?", err=True)


def what_a_higher_cap_buys(estimate: PlanEstimate, result: Result, budget: Budget) -> str:
    """What was left out at the cap, and what it would take to ask it."""
    cost = estimate.cost_usd
    return (
        f"The cap of {usd_text(budget.max_usd)} is reached: {usd_text(result.spent_usd)} spent, "
        f"{result.n_unsent:,} calls were not sent. About {usd_text(cost.value)} more, at most "
        f"{usd_text(cost.high)}, would ask them: run it again with a higher --max-usd."
    )


def duration_text(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration_text(0.4), duration_text(75), duration_text(5000)
    ('a second', '1 min 15 s', '1 h 23 min')
    """
    whole = round(seconds)
    if whole < 2:
        return "a second"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _document(estimate: PlanEstimate) -> dict[str, Any]:
    def rounded(interval: Interval | None) -> dict[str, float] | None:
        if interval is None:
            return None
        return {key: float(f"{value:.6g}") for key, value in asdict(interval).items()}

    return {
        "schema": "llmroute/plan/1",
        "n_calls": sum(c.n_calls for c in estimate.candidates),
        "n_stored": sum(c.n_stored for c in estimate.candidates),
        "n_missing": estimate.n_missing,
        "cost_usd": rounded(estimate.cost_usd),
        "unpriced": list(estimate.unpriced),
        "seconds": round(estimate.seconds, 1),
        "candidates": [
            {
                **asdict(c),
                "n_missing": c.n_missing,
                "output_tokens": rounded(c.output_tokens),
                "cost_usd": rounded(c.cost_usd),
                "seconds": round(c.seconds, 1),
            }
            for c in estimate.candidates
        ],
        "tasks": [asdict(task) for task in estimate.tasks],
    }

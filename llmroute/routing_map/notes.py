"""Comparison → warnings its reader must see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmroute.builtin.floor import FLOOR
from llmroute.plan.power import likely_power, samples_needed
from llmroute.records import Comparison, QualityRule, TaskComparison

BETTER = 0.05
"""How much better than the bar a candidate is whose chance of being recognised is stated."""
ENOUGH_POWER = 0.5


def write_notes(
    comparison: Comparison, floors: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """What is doubtful about a comparison, as sentences.

    Args:
        comparison: every task × candidate.
        floors: task → quality of the floor program, where it is not a candidate itself.
    """
    return (
        *_naive(comparison.rule),
        *_reference(comparison),
        *(note for t in comparison.tasks for note in _task_notes(t, comparison, floors or {})),
    )


def _naive(rule: QualityRule) -> Iterator[str]:
    if rule.evidence == "mean":
        yield (
            "Routes were chosen by observed means alone (evidence: mean). On small suites that "
            "picks a model below the bar far more often than 'likely' or 'proven' do."
        )


def _reference(comparison: Comparison) -> Iterator[str]:
    if not comparison.reference_chosen:
        yield (
            f"No reference was named, so it is {comparison.reference}, which scores best. "
            "Name what you pay for today (reference:, --reference) to see what the map saves you."
        )


def _task_notes(
    task: TaskComparison, comparison: Comparison, floors: Mapping[str, float]
) -> Iterator[str]:
    yield from _floor(task, floors)
    yield from _power(task, comparison.rule)
    yield from _incomplete(task, comparison.rule)
    unpriced = [c.candidate for c in task.cells if c.cost_usd_per_1k is None and c.n_answered]
    if unpriced:
        yield f"{task.task}: not priced, so never chosen: {', '.join(unpriced)}."


def _floor(task: TaskComparison, floors: Mapping[str, float]) -> Iterator[str]:
    cell = task.cell(FLOOR)
    quality = cell.quality if cell is not None else floors.get(task.task)
    bar = task.quality_threshold
    if quality is not None and bar is not None and quality >= bar:
        yield (
            f"{task.task}: {FLOOR}, a small program, scores {quality:.2f} against a bar of "
            f"{bar:.2f}. The suite is too easy to choose a model with: add harder samples."
        )


def _power(task: TaskComparison, rule: QualityRule) -> Iterator[str]:
    bar = task.quality_threshold
    n = max((cell.n_samples for cell in task.cells), default=0)
    if bar is None or rule.evidence == "mean" or bar + BETTER > 1:
        return
    margin = rule.margin if rule.evidence == "likely" else 0.0
    power = likely_power(n, bar, better=BETTER, confidence=rule.confidence, margin=margin)
    if power >= ENOUGH_POWER:
        return
    enough = samples_needed(bar, better=BETTER, confidence=rule.confidence, margin=margin)
    yield (
        f"{task.task}: {n} samples recognise a candidate {BETTER:.2f} above the bar with "
        f"probability {power:.2f}" + (f"; {enough} would with 0.80." if enough else ".")
    )


def _incomplete(task: TaskComparison, rule: QualityRule) -> Iterator[str]:
    for cell in task.cells:
        if cell.n_planned and cell.coverage < rule.min_coverage:
            kinds = ", ".join(f"{n} {kind}" for kind, n in cell.failures.items())
            yield (
                f"{task.task}: {cell.candidate} has a score for {cell.n_scored} of "
                f"{cell.n_planned} calls ({kinds}) and cannot clear."
            )

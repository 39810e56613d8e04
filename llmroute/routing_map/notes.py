"""Comparison → warnings its reader must see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmroute.analysis.judge_diagnostics import warnings_of
from llmroute.analysis.judging import MAX_FLIP_RATE
from llmroute.builtin.floor import FLOOR
from llmroute.errors import failure_words
from llmroute.plan.power import likely_power, samples_needed
from llmroute.records import Comparison, QualityRule, TaskComparison

BETTER = 0.05
"""How much better than the bar a candidate is whose chance of being recognised is stated."""
ENOUGH_POWER = 0.5
MOST_LISTED = 6


def write_notes(
    comparison: Comparison, floors: Mapping[str, float] | None = None, *, raced: bool = False
) -> tuple[str, ...]:
    """What is doubtful about a comparison, as sentences.

    Args:
        comparison: every task × candidate.
        floors: task → quality of the floor program, where it is not a candidate itself.
        raced: what was not asked was left out on purpose.
    """
    tasks = comparison.tasks
    return (
        *_naive(comparison.rule),
        *_reference(comparison),
        *_floors(tasks, floors or {}),
        *_weak_suites(tasks, comparison.rule),
        *_incomplete(tasks, comparison.rule, raced),
        *_unpriced(tasks),
        *(w for one in comparison.judges for w in warnings_of(one, MAX_FLIP_RATE)),
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


def _floors(tasks: Sequence[TaskComparison], floors: Mapping[str, float]) -> Iterator[str]:
    for task in tasks:
        cell = task.cell(FLOOR)
        quality = cell.quality if cell is not None else floors.get(task.task)
        bar = task.quality_threshold
        if quality is not None and bar is not None and quality >= bar:
            yield (
                f"{task.task}: {FLOOR}, a small program, scores {quality:.2f} against a bar of "
                f"{bar:.2f}. The suite is too easy to choose a model with: add harder samples."
            )


def _weak_suites(tasks: Sequence[TaskComparison], rule: QualityRule) -> Iterator[str]:
    weak = [words for task in tasks for words in _weakness(task, rule)]
    if weak:
        yield (
            f"Few samples: a candidate {BETTER:.2f} above the bar would more often than not go "
            f"unrecognised on {_listed(weak)}."
        )


def _weakness(task: TaskComparison, rule: QualityRule) -> Iterator[str]:
    bar = task.quality_threshold
    n = max((cell.n_samples for cell in task.cells), default=0)
    if bar is None or rule.evidence == "mean" or bar + BETTER > 1:
        return
    margin = rule.margin if rule.evidence == "likely" else 0.0
    power = likely_power(n, bar, better=BETTER, confidence=rule.confidence, margin=margin)
    if power >= ENOUGH_POWER:
        return
    enough = samples_needed(bar, better=BETTER, confidence=rule.confidence, margin=margin)
    yield f"{task.task} ({n} samples" + (f", {enough} for a chance of 0.80)" if enough else ")")


def _incomplete(tasks: Sequence[TaskComparison], rule: QualityRule, raced: bool) -> Iterator[str]:
    """One note a candidate: what it could not be judged by."""
    short: dict[str, list[str]] = {}
    for task in tasks:
        for cell in task.cells:
            if raced and not cell.failures.keys() - {"not_asked"}:
                continue
            if cell.n_planned and cell.coverage < rule.min_coverage:
                kinds = ", ".join(f"{n} {failure_words(kind)}" for kind, n in cell.failures.items())
                words = f"{task.task} ({cell.n_scored} of {cell.n_planned} scored: {kinds})"
                short.setdefault(cell.candidate, []).append(words)
    for candidate, where in short.items():
        yield f"{candidate} cannot clear for want of scores on {_listed(where)}."


def _unpriced(tasks: Sequence[TaskComparison]) -> Iterator[str]:
    where: dict[str, list[str]] = {}
    for task in tasks:
        for cell in task.cells:
            if cell.cost_usd_per_1k is None and cell.n_answered:
                where.setdefault(cell.candidate, []).append(task.task)
    for candidate, names in where.items():
        yield f"{candidate} is not priced, so it is never chosen on {_listed(names)}."


def _listed(words: Sequence[str]) -> str:
    more = len(words) - MOST_LISTED
    return ", ".join(words[:MOST_LISTED]) + (f" and {more} more tasks" if more > 0 else "")

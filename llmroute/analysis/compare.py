"""Outcomes × prices × rule → Comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from llmroute.analysis.frame import build_frame
from llmroute.analysis.frontier import pareto_frontier
from llmroute.analysis.judge_diagnostics import diagnose
from llmroute.analysis.judging import TaskJudging, judge_tasks
from llmroute.analysis.summary import Summary, summarise_task
from llmroute.analysis.verdict import Bar, Decision, decide
from llmroute.errors import InputError, UnknownName
from llmroute.records import (
    Cell,
    Comparison,
    Outcomes,
    Price,
    QualityRule,
    QualityThreshold,
    TaskComparison,
)


@dataclass(frozen=True, slots=True)
class TaskRules:
    """What differs from task to task."""

    thresholds: Mapping[str, QualityThreshold] = field(default_factory=dict)
    """Task → bar, where it is not the rule's."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Task → share of the traffic; missing: 1."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Candidate → model id, which tells who made it; missing: its name."""


def compare(
    outcomes: Outcomes,
    prices: Mapping[str, Price],
    rule: QualityRule,
    *,
    reference: str | None = None,
    candidates: Sequence[str] | None = None,
    task_rules: TaskRules | None = None,
) -> Comparison:
    """Every task × candidate under one rule, tasks in order of appearance.

    Args:
        outcomes: results of calls; what is missing beside another candidate's was not asked.
            Scores of judges are corrected by the labels that stand beside them.
        prices: candidate → price.
        rule: threshold, evidence, confidence, margin, least coverage.
        reference: what is paid for today; None: the candidate with the best mean quality
            among those that were scored nearly everywhere.
        candidates: who is compared, in order; None: everyone in the outcomes.
        task_rules: bars and traffic shares of single tasks.

    Raises:
        InputError: there are no outcomes.
        UnknownName: the reference is not among the candidates.
    """
    if not outcomes.rows:
        raise InputError(
            "there are no outcomes to compare",
            fix="Run `llmroute bench`, or name a file that holds outcomes.",
        )
    names = tuple(candidates or dict.fromkeys(row.candidate for row in outcomes.rows))
    if reference is not None and reference not in names:
        raise UnknownName("candidate", reference, names, where="reference")
    rules = task_rules or TaskRules()
    frame = build_frame(outcomes, prices)
    judging = judge_tasks(outcomes.rows, rule.min_labels)
    summaries = {
        str(task): _with_judge(summarise_task(rows, names, prices), judging.get(str(task)))
        for task, rows in frame.groupby("task", sort=False)
    }
    chosen = reference or _best_reference(summaries, rules, rule)
    return Comparison(
        rule=rule,
        reference=chosen,
        reference_chosen=reference is not None,
        candidates=names,
        tasks=tuple(
            compare_task(task, cells, rule, chosen, rules) for task, cells in summaries.items()
        ),
        judges=tuple(
            diagnose(task, judged.rows, judged.best_evidence, rules.models)
            for task, judged in judging.items()
        ),
    )


def _with_judge(summaries: tuple[Summary, ...], judging: TaskJudging | None) -> tuple[Summary, ...]:
    """The summaries with who judged them, and their qualities as far as labels correct them."""
    if judging is None:
        return summaries
    found = [(summary, *judging.of_candidate(summary.candidate)) for summary in summaries]
    return tuple(replace(s, judge=judge, corrected=corrected) for s, judge, corrected in found)


def _best_reference(
    summaries: Mapping[str, tuple[Summary, ...]], rules: TaskRules, rule: QualityRule
) -> str:
    """The best mean quality over all calls, among the candidates with the widest coverage.

    Means over different samples must not compete: a candidate asked only the easy half
    would win. Whoever falls short of the best coverage by more than the rule allows is left out.
    """
    totals = {}
    for index, first in enumerate(next(iter(summaries.values()))):
        cells = [(task, candidates[index]) for task, candidates in summaries.items()]
        coverage = sum(c.n_scored for _, c in cells) / sum(c.n_planned for _, c in cells)
        weights = [rules.weights.get(task, 1.0) * c.n_scored for task, c in cells]
        means = [c.quality or 0.0 for _, c in cells]
        quality = float(np.average(means, weights=weights)) if sum(weights) else -1.0
        totals[first.candidate] = (coverage, quality)
    widest = max(coverage for coverage, _ in totals.values())
    enough = widest - (1 - rule.min_coverage)
    wide = {name: quality for name, (coverage, quality) in totals.items() if coverage >= enough}
    return min(wide, key=lambda name: (-wide[name], name))


def compare_task(
    task: str,
    summaries: tuple[Summary, ...],
    rule: QualityRule,
    reference: str,
    rules: TaskRules,
) -> TaskComparison:
    """All candidates of one task under one rule.

    Args:
        task: its name.
        summaries: what was counted and measured of each candidate.
        rule: threshold, evidence, confidence, margin, least coverage.
        reference: the candidate a bar relative to the reference looks at.
        rules: the task's own bar and weight, if any.
    """
    threshold = rules.thresholds.get(task, rule.threshold)
    bar = _bar(threshold, summaries, reference, rule)
    compared = sum(1 for s in summaries if s.quality is not None)
    frontier = pareto_frontier([_point(s, rule) for s in summaries])
    cells = tuple(
        _cell(task, summary, bar, _decide(summary, bar, threshold, rule, compared), on_frontier)
        for summary, on_frontier in zip(summaries, frontier, strict=True)
    )
    return TaskComparison(
        task=task,
        quality_threshold=None if bar is None else bar.value,
        threshold_rule=threshold,
        weight=rules.weights.get(task, 1.0),
        cells=cells,
        costs_usd={s.candidate: s.costs_usd for s in summaries},
    )


def _decide(
    summary: Summary,
    bar: Bar | None,
    threshold: QualityThreshold,
    rule: QualityRule,
    compared: int,
) -> Decision:
    if bar is not None:
        return decide(summary, bar, rule, compared)
    reason = f"there is no {threshold.relative_to} quality on this task to measure it against"
    blind = decide(summary, Bar(0.0), rule, compared)
    return Decision("undecided", reason, blind.low, blind.high, None, None)


def _bar(
    threshold: QualityThreshold,
    summaries: tuple[Summary, ...],
    reference: str,
    rule: QualityRule,
) -> Bar | None:
    """The bar in quality units; None where it is relative to something nobody scored."""
    if threshold.relative_to is None:
        return Bar(threshold.value)
    scored = [s for s in summaries if s.quality is not None]
    if threshold.relative_to == "reference":
        rivals = [s for s in scored if s.candidate == reference]
    else:
        rivals = [s for s in scored if s.coverage >= rule.min_coverage]
    if not rivals:
        return None
    best = max(s.quality or 0.0 for s in rivals)
    return Bar(threshold.value * best, threshold.value, tuple(rivals))


def _point(summary: Summary, rule: QualityRule) -> tuple[float, float] | None:
    quality, cost = summary.quality, summary.cost_usd_per_1k
    if quality is None or cost is None or summary.coverage < rule.min_coverage:
        return None
    return cost, quality


def _cell(
    task: str, summary: Summary, bar: Bar | None, decision: Decision, on_frontier: bool
) -> Cell:
    return Cell(
        task=task,
        candidate=summary.candidate,
        verdict=decision.verdict,
        reason=decision.reason,
        quality_threshold=None if bar is None else bar.value,
        n_samples=summary.n_samples,
        n_planned=summary.n_planned,
        n_answered=summary.n_answered,
        n_scored=summary.n_scored,
        failures=summary.failures,
        quality=summary.quality,
        quality_low=decision.low,
        quality_high=decision.high,
        difference=decision.difference,
        cost_usd_per_1k=summary.cost_usd_per_1k,
        cost_basis=summary.cost_basis,
        unpriced_reason=summary.unpriced_reason,
        latency_p50_s=summary.latency_p50_s,
        latency_p95_s=summary.latency_p95_s,
        input_tokens=summary.input_tokens,
        output_tokens=summary.output_tokens,
        samples_needed=decision.samples_needed,
        on_frontier=on_frontier,
        judged_quality=None if summary.corrected is None else summary.scored_quality,
        judge=summary.judge,
    )

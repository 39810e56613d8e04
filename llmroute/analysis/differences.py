"""Outcomes + Comparison → how much better or worse than the reference, on the same samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from llmroute.analysis.intervals import lower_bound, upper_bound
from llmroute.records import Comparison, Interval, Outcome, Outcomes, TaskComparison

TIE = 1e-9
"""Scores of one sample that are no further apart than this are a tie."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """One candidate beside the reference on the samples that both have a score on."""

    candidate: str
    wins: int
    """Samples on which the candidate scores higher."""
    ties: int
    losses: int
    difference: Interval | None
    """Mean of candidate − reference in [−1, 1], with one-sided bounds at the rule's confidence;
    None: no sample has both scores."""

    @property
    def n_samples(self) -> int:
        """Samples that both have a score on."""
        return self.wins + self.ties + self.losses


@dataclass(frozen=True, slots=True)
class TaskDifferences:
    """Every other candidate of one task beside the reference."""

    task: str
    pairs: tuple[PairedDifference, ...]
    uncorrected: bool
    """Whether people's labels correct a quality of the task, which single scores can't carry."""


def measure_differences(outcomes: Outcomes, comparison: Comparison) -> tuple[TaskDifferences, ...]:
    """One entry for each task on which the reference was scored, tasks and candidates in order.

    A sample counts with its mean over repeats; samples of one group are one cluster, as in every
    bound. Differences lie in [−1, 1] and are moved to [0, 1], where the bounds of `intervals` hold
    for any number of them.
    """
    tables: dict[str, _Scores] = {}
    for row in outcomes.rows:
        if row.score is not None:
            tables.setdefault(row.task, _Scores()).add(row, row.score)
    return tuple(
        _of_task(task, tables[task.task], comparison)
        for task in comparison.tasks
        if task.task in tables and comparison.reference in tables[task.task].scores
    )


@dataclass(slots=True)
class _Scores:
    """One task's scores, and to which cluster and how heavy each sample is."""

    scores: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    cluster: dict[str, str] = field(default_factory=dict)
    weight: dict[str, float] = field(default_factory=dict)

    def add(self, row: Outcome, score: float) -> None:
        """Take a scored answer in."""
        self.scores.setdefault(row.candidate, {}).setdefault(row.sample_id, []).append(score)
        self.weight[row.sample_id] = row.weight
        self.cluster[row.sample_id] = row.cluster

    def means(self, candidate: str) -> dict[str, float]:
        """Sample → mean score over its repeats."""
        found = self.scores.get(candidate, {})
        return {sample: sum(scores) / len(scores) for sample, scores in found.items()}


def _of_task(task: TaskComparison, table: _Scores, comparison: Comparison) -> TaskDifferences:
    reference = table.means(comparison.reference)
    others = [cell.candidate for cell in task.cells if cell.candidate != comparison.reference]
    return TaskDifferences(
        task=task.task,
        pairs=tuple(
            _pair(name, table.means(name), reference, table, comparison.rule.confidence)
            for name in others
        ),
        uncorrected=any(cell.judged_quality is not None for cell in task.cells),
    )


def _pair(
    name: str,
    own: Mapping[str, float],
    reference: Mapping[str, float],
    table: _Scores,
    confidence: float,
) -> PairedDifference:
    both = [sample for sample in own if sample in reference]
    differences = [own[sample] - reference[sample] for sample in both]
    wins = sum(difference > TIE for difference in differences)
    losses = sum(difference < -TIE for difference in differences)
    return PairedDifference(
        candidate=name,
        wins=wins,
        ties=len(both) - wins - losses,
        losses=losses,
        difference=_bounded(differences, both, table, confidence) if both else None,
    )


def _bounded(
    differences: Sequence[float], samples: Iterable[str], table: _Scores, confidence: float
) -> Interval:
    """The mean difference with its bounds, clusters weighted by what they hold."""
    names = [(table.cluster[sample], table.weight[sample]) for sample in samples]
    clusters = np.unique([cluster for cluster, _ in names], return_inverse=True)[1]
    weights = np.array([weight for _, weight in names])
    totals = np.bincount(clusters, weights).astype(np.float64)
    scaled = np.clip((np.bincount(clusters, weights * differences) / totals + 1) / 2, 0.0, 1.0)
    return Interval(
        _unscaled(float(np.average(scaled, weights=totals))),
        _unscaled(lower_bound(scaled, confidence, totals)),
        _unscaled(upper_bound(scaled, confidence, totals)),
    )


def _unscaled(value: float) -> float:
    return 2 * value - 1

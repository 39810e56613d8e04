"""Every task × candidate, compared under one rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmroute.records.interval import Interval
from llmroute.records.judging import JudgeDiagnosis, JudgeEvidence
from llmroute.records.quality import QualityRule, QualityThreshold, Verdict

CostBasis = Literal["recorded", "measured", "list_price"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One candidate on one task: everything the choice and the report need."""

    task: str
    candidate: str
    verdict: Verdict
    reason: str
    """Why the verdict is what it is, as a clause a person can read."""
    quality_threshold: float | None
    """The bar in quality units; None where it is relative to something nobody scored."""
    n_samples: int
    """Distinct samples of the task."""
    n_planned: int
    """Samples × repeats."""
    n_answered: int
    n_scored: int
    failures: Mapping[str, int]
    """Failure kind or "not_scored" → how many."""
    quality: float | None
    """Mean score over what was scored; None where nothing was."""
    quality_low: float | None
    """One-sided lower bound at the run's confidence."""
    quality_high: float | None
    difference: Interval | None
    """Relative bars: mean of s − share·s_other over paired samples, with one-sided bounds."""
    cost_usd_per_1k: float | None
    """Mean cost of 1,000 requests; None: not priced."""
    cost_basis: CostBasis | None
    unpriced_reason: str | None
    latency_p50_s: float | None
    latency_p95_s: float | None
    input_tokens: float | None
    """Mean a request."""
    output_tokens: float | None
    samples_needed: int | None
    """Further samples that would settle an undecided cell at its present quality."""
    on_frontier: bool
    """No other candidate of the task is at least as good and cheaper."""
    judged_quality: float | None = None
    """The judge's own mean, where `quality` is corrected by people's labels."""
    judge: JudgeEvidence | None = None
    """Who judged its answers; None: a metric scored them."""

    @property
    def coverage(self) -> float:
        """Share of the planned calls that carry a score, in [0, 1]."""
        return self.n_scored / self.n_planned if self.n_planned else 0.0

    @property
    def bound_width(self) -> float | None:
        """How far the bound that decides lies below the estimate; None: nothing was scored."""
        if self.difference is not None:
            return self.difference.value - self.difference.low
        if self.quality is None or self.quality_low is None:
            return None
        return self.quality - self.quality_low


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """All candidates of one task, in candidate order."""

    task: str
    quality_threshold: float | None
    """The bar in quality units; None where it is relative and nothing could be compared."""
    threshold_rule: QualityThreshold
    weight: float
    cells: tuple[Cell, ...]
    costs_usd: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """Candidate → mean cost of each sample, samples in one order for all; None: not known."""

    def cell(self, candidate: str) -> Cell | None:
        """The candidate's cell, or None where it is not part of the task."""
        return next((cell for cell in self.cells if cell.candidate == candidate), None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every task × candidate, compared under one rule."""

    rule: QualityRule
    reference: str
    """What is paid for today; savings are against it."""
    reference_chosen: bool
    """Whether a person named it; else it is the candidate with the best mean quality."""
    candidates: tuple[str, ...]
    tasks: tuple[TaskComparison, ...]
    judges: tuple[JudgeDiagnosis, ...] = ()
    """One for each task that a judge scored."""

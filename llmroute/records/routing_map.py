"""Task → route, with the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmroute.records.comparison import CostBasis
from llmroute.records.judging import JudgeEvidence
from llmroute.records.quality import (
    QualityRule,
    QualityThreshold,
    RouteVerdict,
    TaskLimits,
    Verdict,
)
from llmroute.records.query_router import Cascade, QueryRouter
from llmroute.records.recognition import FittedRecogniser, Match
from llmroute.records.savings import Savings
from llmroute.records.suite import Plugin


@dataclass(frozen=True, slots=True)
class Rejected:
    """A candidate that is not the route, and why."""

    candidate: str
    verdict: Verdict
    reason: str
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    coverage: float
    cost_usd_per_1k: float | None
    samples_needed: int | None


@dataclass(frozen=True, slots=True)
class TaskEvidence:
    """What is known of the route on its task."""

    n_samples: int
    coverage: float
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    cost_usd_per_1k: float | None
    cost_basis: CostBasis | None
    latency_p50_s: float | None
    latency_p95_s: float | None
    suite_hash: str | None = None
    judge: JudgeEvidence | None = None
    """Who judged it; None: a metric scored it."""


@dataclass(frozen=True, slots=True)
class TaskRoute:
    """Where requests of one task go."""

    task: str
    route: str
    fallbacks: tuple[str, ...]
    verdict: RouteVerdict
    """The route's own verdict; "fallback": none clears, so the reference answers."""
    reason: str
    quality_threshold: float | None
    threshold_rule: QualityThreshold
    weight: float
    evidence: TaskEvidence
    rejected: tuple[Rejected, ...]
    limits: TaskLimits = TaskLimits()
    """What else the route had to keep to."""

    def cost_usd_per_1k(self, candidate: str) -> float | None:
        """What 1,000 of the task's requests cost with this candidate; None: not known."""
        if candidate == self.route:
            return self.evidence.cost_usd_per_1k
        costs = {other.candidate: other.cost_usd_per_1k for other in self.rejected}
        return costs.get(candidate)

    def quality(self, candidate: str) -> float | None:
        """The candidate's mean score on the task; None: not known."""
        if candidate == self.route:
            return self.evidence.quality
        qualities = {other.candidate: other.quality for other in self.rejected}
        return qualities.get(candidate)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the map was made from; nothing in it depends on when the map was written."""

    run_id: str | None = None
    started: str | None = None
    """UTC, ISO 8601."""
    oldest_answer: str | None = None
    """UTC, ISO 8601: a run may stand on answers the store has kept since long before it."""
    suites: Mapping[str, str] = field(default_factory=dict)
    """Task → content hash of its suite."""
    candidates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Candidate → model, parameters, price, endpoint."""
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    repeats: int = 1
    strategy: str = "grid"
    race: Mapping[str, float] | None = None
    """strategy "race": the risk of another route than the grid's, a task, and calls and dollars
    spent beside what the grid would have taken."""
    sources: tuple[str, ...] = ()
    """Outcomes files the map was made from, by name and hash."""


@dataclass(frozen=True, slots=True)
class RoutingMap:
    """Task → route, with the evidence for it."""

    reference: str
    rule: QualityRule
    tasks: tuple[TaskRoute, ...]
    savings: Savings
    matches: Mapping[str, Match] = field(default_factory=dict)
    checks: Mapping[str, tuple[Plugin, ...]] = field(default_factory=dict)
    """Task → the checks its answers must pass in production."""
    provenance: Provenance = Provenance()
    notes: tuple[str, ...] = ()
    """Warnings a reader must see: too few samples, a suite that a rule solves, ..."""
    query_router: QueryRouter | None = None
    """Where one was calibrated and has earned its place."""
    cascade: Cascade | None = None
    """The same; with a query router, both belong together."""
    recogniser: FittedRecogniser | None = None
    """None: one task, or too few samples to learn the tasks from."""

"""What a candidate must show before a task is routed to it, and what it has shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Evidence = Literal["proven", "likely", "mean"]
Verdict = Literal["proven", "likely", "undecided", "fails"]
RouteVerdict = Literal["proven", "likely", "undecided", "fails", "fallback"]
"""Of what answers a task: fallback where no candidate qualifies."""


@dataclass(frozen=True, slots=True)
class QualityThreshold:
    """The bar of a task: a number, or a share of another candidate's quality."""

    value: float
    relative_to: Literal["reference", "best"] | None = None


@dataclass(frozen=True, slots=True)
class QualityRule:
    """What a candidate must show before it is routed to."""

    threshold: QualityThreshold = QualityThreshold(0.85)
    evidence: Evidence = "likely"
    confidence: float = 0.95
    margin: float = 0.05
    min_coverage: float = 0.98
    min_labels: int = 50
    """Labelled answers of a task below which its judge counts as uncalibrated."""

    def corrected(self, n_compared: int) -> float:
        """The confidence of one bound of `n_compared`, so that all hold together (Bonferroni).

        >>> round(QualityRule(confidence=0.95).corrected(5), 4)
        0.99
        """
        return 1 - (1 - self.confidence) / max(n_compared, 1)


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """What else a route must keep to, and who is not asked."""

    max_latency_p95_s: float | None = None
    max_cost_usd_per_1k: float | None = None
    excluded: tuple[str, ...] = ()

"""A fully asked candidate → what the full grid says of it, by the analysis' own rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from llmroute.analysis.summary import Summary
from llmroute.analysis.verdict import Bar, decide, meets_evidence
from llmroute.records import QualityRule, QualityThreshold


@dataclass(frozen=True, slots=True)
class GridRule:
    """The full grid's rule on one task."""

    rule: QualityRule
    threshold: QualityThreshold
    n_compared: int
    """Candidates of the task, among which "proven" divides its error."""

    def meets(self, summary: Summary, reference: Summary | None = None) -> bool:
        """Whether the grid would find enough evidence for the candidate.

        Args:
            summary: the candidate after its last sample.
            reference: whom a relative bar looks at, after its last sample too.
        """
        if summary.coverage < self.rule.min_coverage:
            return False
        bar = self._bar(reference)
        if bar is None:  # nothing to measure against: undecided, which the naive rule lets pass
            return self.rule.evidence == "mean"
        verdict = decide(summary, bar, self.rule, self.n_compared).verdict
        return meets_evidence(verdict, self.rule.evidence)

    def _bar(self, reference: Summary | None) -> Bar | None:
        if self.threshold.relative_to is None:
            return Bar(self.threshold.value)
        if reference is None or reference.quality is None:
            return None
        return Bar(self.threshold.value * reference.quality, self.threshold.value, (reference,))


@lru_cache(maxsize=1024)
def fewest_right(n: int, grid: GridRule) -> int:
    """The fewest right answers of n that meet the rule; n + 1 where even n do not.

    More right answers never meet less: mean and Clopper–Pearson bound both rise with the count.
    """
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        right = np.repeat([1.0, 0.0], [middle, n - middle])
        if grid.meets(summarise("", right, np.ones(n), {}, n, n)):
            high = middle
        else:
            low = middle + 1
    return low


def summarise(
    candidate: str,
    clusters: np.ndarray,
    weights: np.ndarray,
    scores: Mapping[str, float],
    n_scored: int,
    n_planned: int,
) -> Summary:
    """A Summary that holds what a verdict is made of, and nothing on cost or latency."""
    return Summary(
        candidate=candidate,
        n_samples=len(scores),
        n_planned=n_planned,
        n_answered=n_scored,
        n_scored=n_scored,
        failures={},
        scores=scores,
        clusters=clusters,
        cluster_weights=weights,
        cost_usd_per_1k=None,
        cost_basis=None,
        unpriced_reason=None,
        costs_usd=(),
        latency_p50_s=None,
        latency_p95_s=None,
        input_tokens=None,
        output_tokens=None,
    )

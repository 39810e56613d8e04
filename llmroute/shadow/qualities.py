"""Served requests → how good the map's answers would have been, where that is known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from llmroute.analysis.distributions import student_t_quantile
from llmroute.records import Interval
from llmroute.shadow.served import Served

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class QualitySummary:
    """Scores of both answers, over the requests the map would have sent elsewhere."""

    n_changed: int
    n: int
    """Of these with both scores."""
    logged: float
    routed: float
    difference: Interval
    """routed − logged, with two-sided bounds."""


@dataclass(frozen=True, slots=True)
class BenchSummary:
    """What the map's evidence says of both models, in the log's mix of tasks."""

    n: int
    """Requests of recognised tasks on which both models were scored in the bench."""
    logged: float
    routed: float


@dataclass(slots=True)
class BenchQualities:
    """Sums of the evidence's means."""

    n: int = 0
    logged: float = 0.0
    routed: float = 0.0

    def add(self, served: Served) -> None:
        """One request."""
        if served.bench_quality is not None and served.bench_logged is not None:
            self.n += 1
            self.logged += served.bench_logged
            self.routed += served.bench_quality

    def summary(self) -> BenchSummary | None:
        """None where no request has both."""
        return BenchSummary(self.n, self.logged / self.n, self.routed / self.n) if self.n else None


@dataclass(slots=True)
class Qualities:
    """Sums of scores over changed requests: where the model is the same, so is the answer."""

    n_changed: int = 0
    n: int = 0
    logged: float = 0.0
    routed: float = 0.0
    squares: float = 0.0

    def add(self, served: Served) -> None:
        """One request."""
        if served.changed:
            self.add_pair(served.score, served.routed_score)

    def add_pair(self, logged: float | None, routed: float | None) -> None:
        """Both answers' scores to one changed request."""
        self.n_changed += 1
        if logged is None or routed is None:
            return
        self.n += 1
        self.logged += logged
        self.routed += routed
        self.squares += (routed - logged) ** 2

    def summary(self) -> QualitySummary | None:
        """None where no changed request has both scores."""
        if not self.n:
            return None
        logged, routed = self.logged / self.n, self.routed / self.n
        return QualitySummary(
            self.n_changed, self.n, logged, routed, _paired(routed - logged, self.squares, self.n)
        )


def compare_scores(pairs: Iterable[tuple[float | None, float | None]]) -> QualitySummary | None:
    """(logged, routed) scores of changed requests; None where no pair has both."""
    sums = Qualities()
    for pair in pairs:
        sums.add_pair(*pair)
    return sums.summary()


def _paired(value: float, squares: float, n: int) -> Interval:
    """Student's t over differences in [−1, 1], with two pseudo-pairs.

    Half a pair at either end and one at 0, so that a few equal scores are not "surely equal"
    (Agresti & Min, "Simple improved confidence intervals for comparing matched proportions",
    Statistics in Medicine 24, 2005).
    """
    size = n + 2
    centre = value * n / size
    variance = (squares + 1 - size * centre**2) / (size - 1)
    reach = student_t_quantile(0.5 + CONFIDENCE / 2, size - 1) * math.sqrt(variance / size)
    return Interval(value, max(-1.0, centre - reach), min(1.0, centre + reach))

"""Served requests whose model was drawn at random → what the map's choice would have brought.

A log knows the answer of one model only. Where that model was drawn with a known probability p (the
logged *propensity*), requests that happen to have gone where the map would send them stand for
all: weighted by 1/p they estimate the map's quality without bias (inverse propensity score;
Horvitz & Thompson, JASA 47, 1952). What the bench measured for the task is taken as a first guess,
which the weighted rest corrects: doubly robust (Dudík, Langford & Li, "Doubly robust policy
evaluation and learning", ICML 2011).

The weights average 1 if the propensities are true and every model of the map had a chance. Where
they surely do not, no figure is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from llmroute.records import Interval
from llmroute.shadow.served import Served

CONFIDENCE = 0.95
MISFIT = 5.0
"""Standard errors from 1 at which the weights' mean surely is not 1."""
LEAST_EFFECTIVE = 20.0
"""Requests the weighted ones must be worth."""


@dataclass(frozen=True, slots=True)
class OffPolicySummary:
    """The map's quality by the randomised part of the log, or why it can't be told."""

    n: int
    """Requests with a propensity and a score."""
    n_unscored: int
    effective: float
    """Equally weighted requests the matching ones are worth, (Σw)²/Σw²."""
    mean_weight: float
    logged: float
    """Mean score as it was."""
    ips: float | None
    doubly_robust: Interval | None
    difference: Interval | None
    """doubly_robust − logged, over the same requests."""
    reason: str | None
    """Why there is no figure."""


@dataclass(slots=True)
class OffPolicy:
    """Sums over requests with a propensity."""

    n: int = 0
    n_unscored: int = 0
    weights: float = 0.0
    weight_squares: float = 0.0
    scores: float = 0.0
    ips: float = 0.0
    robust: float = 0.0
    robust_squares: float = 0.0
    difference_squares: float = 0.0

    def add(self, served: Served) -> None:
        """One request; without a propensity it says nothing."""
        if served.propensity is None:
            return
        if served.score is None:
            self.n_unscored += 1
            return
        weight = 0.0 if served.changed else 1 / served.propensity
        guess = served.bench_quality or 0.0
        robust = guess + weight * (served.score - guess)
        self.n += 1
        self.weights += weight
        self.weight_squares += weight**2
        self.scores += served.score
        self.ips += weight * served.score
        self.robust += robust
        self.robust_squares += robust**2
        self.difference_squares += (robust - served.score) ** 2

    def summary(self) -> OffPolicySummary | None:
        """None where no request has a propensity."""
        if not self.n:
            return None
        mean = self.robust / self.n
        logged = self.scores / self.n
        effective = self.weights**2 / self.weight_squares if self.weight_squares else 0.0
        reason = self._flaw(effective)
        return OffPolicySummary(
            n=self.n,
            n_unscored=self.n_unscored,
            effective=effective,
            mean_weight=self.weights / self.n,
            logged=logged,
            ips=None if reason else self.ips / self.n,
            doubly_robust=None if reason else self._interval(mean, self.robust_squares),
            difference=None if reason else self._interval(mean - logged, self.difference_squares),
            reason=reason,
        )

    def _flaw(self, effective: float) -> str | None:
        mean = self.weights / self.n
        error = math.sqrt(self._variance(mean, self.weight_squares) / self.n)
        if not self.weights:
            return "no randomised request went where the map would send it"
        if abs(mean - 1) > MISFIT * error:
            return (
                f"the weights average {mean:.2f} instead of 1: the propensities are not those the"
                " models were drawn with, or some of the map's models had no chance"
            )
        if effective < LEAST_EFFECTIVE:
            return f"the matching requests are worth {effective:.0f} equally weighted ones only"
        return None

    def _variance(self, mean: float, squares: float) -> float:
        return max(0.0, squares - self.n * mean**2) / max(1, self.n - 1)

    def _interval(self, mean: float, squares: float) -> Interval:
        z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
        reach = z * math.sqrt(self._variance(mean, squares) / self.n)
        return Interval(mean, mean - reach, mean + reach)

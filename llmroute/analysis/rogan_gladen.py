"""Judged × the judge's error rates → the share of right answers, with bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from llmroute.analysis.distributions import fisher_p_value
from llmroute.analysis.intervals import Floats
from llmroute.analysis.judged import Judged, independent_of, sums
from llmroute.records import Correction

ALIKE_LEVEL = 0.01
"""Below this p-value the judge errs otherwise on one candidate's answers than on the others'."""


@dataclass(frozen=True, slots=True)
class RoganGladen:
    """A share of right answers, from a judge whose error rates are known as far as labels say."""

    judged: float
    """Share the judge calls right, of `n_judged` independent answers."""
    n_judged: float
    sensitivity: float
    """q₁: share of right answers it calls right, of `n_right` independent labels."""
    n_right: float
    specificity: float
    """q₀: share of wrong answers it calls wrong, of `n_wrong` independent labels."""
    n_wrong: float
    n_labels: int
    method: Correction = "rogan_gladen"

    @property
    def value(self) -> float:
        """θ = (p + q₀ − 1) / (q₀ + q₁ − 1), in [0, 1].

        Rogan & Gladen, "Estimating prevalence from the results of a screening test", American
        Journal of Epidemiology 107 (1978).

        >>> judge = RoganGladen(0.9, 300, 0.95, 100, 0.8, 100, 200)
        >>> round(judge.value, 3)
        0.933
        """
        return _between(_prevalence(self.judged, self.sensitivity, self.specificity))

    @property
    def relative_error(self) -> float:
        """Standard error of q₀ + q₁ − 1 beside itself; infinite where the judge is no better
        than chance."""
        informed = self.sensitivity + self.specificity - 1
        if informed <= 0:
            return math.inf
        variance = self.sensitivity * (1 - self.sensitivity) / self.n_right
        variance += self.specificity * (1 - self.specificity) / self.n_wrong
        return math.sqrt(variance) / informed

    def low(self, confidence: float) -> float:
        """One-sided lower bound."""
        return self._bound(-NormalDist().inv_cdf(confidence))

    def high(self, confidence: float) -> float:
        """One-sided upper bound."""
        return self._bound(NormalDist().inv_cdf(confidence))

    def _bound(self, z: float) -> float:
        """Lang & Reiczigel, "Confidence limits for prevalence of disease adjusted for estimated
        sensitivity and specificity", Preventive Veterinary Medicine 113 (2014), §2.

        Their adjusted counts carry the error of the three rates and hold their level where the
        delta method's do not: few labels, rates near 1.
        """
        n, n_right, n_wrong = self.n_judged + z * z, self.n_right + 2, self.n_wrong + 2
        p = (self.n_judged * self.judged + z * z / 2) / n
        q1 = (self.n_right * self.sensitivity + 1) / n_right
        q0 = (self.n_wrong * self.specificity + 1) / n_wrong
        theta = _prevalence(p, q1, q0)
        of_right, of_wrong = q1 * (1 - q1) / n_right, q0 * (1 - q0) / n_wrong
        shift = 2 * z * z * (theta * of_right - (1 - theta) * of_wrong)
        spread = math.sqrt(p * (1 - p) / n + theta**2 * of_right + (1 - theta) ** 2 * of_wrong)
        return _between(theta + shift + z * spread / (q0 + q1 - 1))


def rogan_gladen(cell: Judged, task: Judged) -> RoganGladen:
    """The cell's share of right answers, by the error rates that the task's labels show.

    An answer on which people are split counts as right and as wrong in their shares.

    Args:
        cell: one candidate's answers, judged right (1) or wrong (0).
        task: all candidates' answers, some labelled.
    """
    judged, n_judged = _rate(cell.scores, cell.weights, cell.clusters)
    labels = np.where(task.labelled, task.labels, 0.0)
    right, wrong = task.label_weights * labels, task.label_weights * (1 - labels)
    sensitivity, n_right = _rate(task.scores, right, task.clusters)
    specificity, n_wrong = _rate(1 - task.scores, wrong, task.clusters)
    n_labels = int(task.labelled.sum())
    return RoganGladen(judged, n_judged, sensitivity, n_right, specificity, n_wrong, n_labels)


def errs_alike(cell: Judged, task: Judged) -> bool:
    """Whether the labels leave it open that the judge errs on the cell as on the other cells.

    Fisher's exact test of the judge's errors, among right answers and among wrong ones.
    """
    own, every = _errors(cell), _errors(task)
    return all(
        fisher_p_value(mine, n_mine, others - mine, n_others - n_mine) >= ALIKE_LEVEL / 2
        for (mine, n_mine), (others, n_others) in zip(own, every, strict=True)
    )


def _errors(judged: Judged) -> list[tuple[int, int]]:
    """(errors, labels) among answers that people call wrong, and among those they call right."""
    return [
        (int((judged.scores[judged.labels == truth] != truth).sum()),
         int((judged.labels == truth).sum()))
        for truth in (0.0, 1.0)
    ]  # fmt: skip


def _prevalence(judged: float, sensitivity: float, specificity: float) -> float:
    return (judged + specificity - 1) / max(sensitivity + specificity - 1, 1e-9)


def _rate(hits: Floats, weights: Floats, clusters: NDArray[np.int64]) -> tuple[float, float]:
    """A weighted share, and how many independent answers would be as sure of it."""
    rate = float(np.average(hits, weights=weights))
    independent = independent_of(weights, clusters)
    spread = sums(weights / weights.sum() * (hits - rate), clusters)
    variance = float((spread**2).sum()) * independent / max(independent - 1, 1.0)
    if variance <= 1e-12:
        return rate, independent
    return rate, min(rate * (1 - rate) / variance, float((weights > 0).sum()))


def _between(value: float) -> float:
    return min(max(value, 0.0), 1.0)

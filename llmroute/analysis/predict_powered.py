"""Judged → its mean by PPI++, with bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from llmroute.analysis.distributions import student_t_quantile
from llmroute.analysis.intervals import Floats
from llmroute.analysis.judged import Judged, independent_of, sums
from llmroute.records import Correction


@dataclass(frozen=True, slots=True)
class PredictionPowered:
    """A mean by PPI++."""

    value: float
    n_labels: int
    tuning: float
    """λ in [0, 1]: how far the judge is made use of; 0: labels alone."""
    n_effective: float
    """How many independent right-or-wrong labels would be as sure."""
    degrees: float
    """Degrees of freedom of the variance."""
    method: Correction = "ppi"

    def low(self, confidence: float) -> float:
        """One-sided lower bound by Wilson's interval of `n_effective` labels."""
        return self._wilson(-student_t_quantile(confidence, self.degrees))

    def high(self, confidence: float) -> float:
        """One-sided upper bound."""
        return self._wilson(student_t_quantile(confidence, self.degrees))

    def _wilson(self, z: float) -> float:
        """The end of Wilson's interval (JASA 22, 1927) on the side of z's sign."""
        p, n = self.value, self.n_effective
        spread = abs(z) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (p + z * z / (2 * n) + math.copysign(spread, z)) / (1 + z * z / n)


def predict_powered(cell: Judged) -> PredictionPowered:
    """The mean that people would give, λ·mean(judge) + mean(labels − λ·judge where labelled).

    Angelopoulos, Duchi & Zrnic, "PPI++", arXiv 2311.01453, §6, with their λ kept in [0, 1]. The
    judge's mean is taken over all answers, labelled ones included, which makes the best λ the
    slope of labels on scores: the regression estimator of double sampling (Cochran, "Sampling
    Techniques", 1977, §12.6). Variances are of sums over clusters.

    Departures, for few labels, where the normal interval covers 90 % and less near quality 1:
    the quantile is Student's with two degrees taken; half of the largest squared residual and 0.05
    (0.25 where none is left) count once more, for the one not yet seen; and the bounds are Wilson's
    at the effective number of labels (Korn & Graubard, Survey Methodology 24, 1998), never fewer
    than there are. Coverage at 2,000 draws, simulated and recorded:
    `benchmarks/judge_correction.py`.
    """
    w = cell.label_weights
    labels = np.where(cell.labelled, cell.labels, 0.0)
    tuning = _slope(cell.scores, labels, w)
    judge = float(np.average(cell.scores, weights=cell.weights))
    residuals = labels - tuning * cell.scores
    rectifier = float(np.average(residuals, weights=w))
    independent = independent_of(w, cell.clusters)
    of_judge = tuning * cell.weights / cell.weights.sum() * (cell.scores - judge)
    of_labels = w / w.sum() * (residuals - rectifier)
    few = math.sqrt(independent / max(independent - 2, 1.0))
    largest = float((sums(of_labels, cell.clusters) ** 2).max()) * independent**2
    unseen = (largest / 2 + 0.05 if largest > 1e-9 else 0.25) / independent**2
    variance = float((sums(of_judge + few * of_labels, cell.clusters) ** 2).sum())
    variance += few**2 * unseen
    value = min(max(tuning * judge + rectifier, 0.0), 1.0)
    return PredictionPowered(
        value=value,
        n_labels=int(cell.labelled.sum()),
        tuning=tuning,
        n_effective=max(value * (1 - value) / variance, independent),
        degrees=max(independent - 2, 1.0),
    )


def _slope(scores: Floats, labels: Floats, weights: Floats) -> float:
    """Least-squares slope of labels on scores, in [0, 1]; 0 where scores do not vary."""
    centred = scores - np.average(scores, weights=weights)
    spread = float((weights * centred**2).sum())
    if spread <= 1e-12 * weights.sum():
        return 0.0
    return min(max(float((weights * centred * labels).sum()) / spread, 0.0), 1.0)

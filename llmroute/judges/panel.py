"""Errors of a panel's judges → how many independent votes they are worth."""

from __future__ import annotations

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, bootstrap, estimate, interval
from llmroute.calibration.pair import Floats, Ints
from llmroute.records import Interval


def effective_votes(
    errors: Floats, groups: Ints, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval | None:
    """How many judges with independent errors would be as good as these: m / (1 + (m − 1)·ρ̄).

    ρ̄ is the mean correlation of two judges' errors (Kish, "Survey Sampling", 1965, §5.4: the
    design effect of a cluster). Judges that err together are one vote, however many they are;
    errors that cancel are counted as independent, never as more votes than there are judges.

    Args:
        errors: judge's score less people's, shape (n_items, n_judges); an item that lacks one is
            left out.
        groups: shape (n_items,): items of one group are drawn together.
        resamples: of the bootstrap.
        seed: of its draws.

    Returns:
        The number with its two-sided 95 % interval, or None where fewer than two judges err, or
        fewer than two items were graded by all.
    """
    known = ~np.isnan(errors).any(axis=1)
    errors, groups = errors[known], np.asarray(groups)[known]
    m = errors.shape[1]
    if m < 2 or errors.shape[0] < 2:
        return None

    def figures(counts: Floats) -> Floats:
        return _votes(_mean_correlation(errors, counts), m)[:, None]

    value = float(estimate(figures, groups.size)[0])
    if np.isnan(value):
        return None
    return interval(value, bootstrap(figures, groups, resamples=resamples, seed=seed)[:, 0])


def _votes(correlation: Floats, m: int) -> Floats:
    votes: Floats = m / (1 + (m - 1) * np.clip(correlation, 0.0, 1.0))
    return votes


def _mean_correlation(errors: Floats, counts: Floats) -> Floats:
    """Mean Pearson correlation over pairs of judges under each row of counts, shape (b,)."""
    n = counts.sum(axis=1)
    means = counts @ errors / n[:, None]
    first, second = np.triu_indices(errors.shape[1], 1)
    products = counts @ (errors[:, first] * errors[:, second]) / n[:, None]
    variances = counts @ errors**2 / n[:, None] - means**2
    spreads = np.sqrt(np.where(variances > 1e-12, variances, np.nan))
    correlations = (products - means[:, first] * means[:, second]) / (
        spreads[:, first] * spreads[:, second]
    )
    known = ~np.isnan(correlations)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.nansum(correlations, axis=1) / known.sum(axis=1)
    return mean

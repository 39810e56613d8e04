"""Scores × Pair → how far a score can be read as a chance: reliability, ECE and Brier score.

The event is "the strong model does better", a coin deciding where both do the same. Of a query
with scores w and s its chance is (1 + s − w)/2: that of s(1 − w) + [s w + (1 − s)(1 − w)]/2, for
two graders that pass each model with these probabilities. It is what routers and escalators learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, bootstrap, interval
from llmroute.calibration.pair import Floats, Ints, Pair
from llmroute.records import Interval

BINS = 10
LEAST_BIN = 20
"""Prompts of a bin: fewer show nothing but noise."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Prompts of about one score."""

    low: float
    high: float
    """Of the scores in it."""
    n: int
    forecast: float
    """Mean score."""
    observed: Interval
    """How often the strong model did better."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well scores tell how often the strong model does better."""

    bins: tuple[ReliabilityBin, ...]
    ece: float
    """Expected calibration error, in [0, 1]; 0: every score can be taken at its word."""
    ece_by_chance: float
    """What bins of this size would show in the mean, were every score true."""
    brier: float
    """In [0, 1]; lower is better."""
    brier_of_mean: float
    """Of a forecast that says the mean for every prompt."""


def strong_wins(pair: Pair) -> Floats:
    """Chance that the strong model does better, shape (n,), in [0, 1]; ½ where both are alike."""
    wins: Floats = (1 + pair.gaps) / 2
    return wins


def brier_score(forecasts: Floats, wins: Floats) -> float:
    """mean of y (1 − p)² + (1 − y) p²: the expected squared error of forecast p.

    Brier, Monthly Weather Review 78 (1950), in the form for two classes. A row of wins y counts as
    y of a win and 1 − y of none, so that a tie costs ¼ at the least.

    >>> round(brier_score(np.array([0.9, 0.2, 0.5]), np.array([1.0, 0.0, 0.5])), 3)
    0.1
    """
    return float(np.mean(wins * (1 - forecasts) ** 2 + (1 - wins) * forecasts**2))


def reliability(
    forecasts: Floats, pair: Pair, *, resamples: int = RESAMPLES, seed: int = 0
) -> Reliability:
    """Forecasts in bins of about equal numbers, set beside what came of them.

    ECE = Σ n_b/n · |mean outcome − mean forecast| over the bins (Naeini, Cooper & Hauskrecht, AAAI
    2015; Guo et al., 1706.04599, eq. 3), in bins of equal numbers as Nguyen & O'Connor have them
    (1508.05154), for scores of routers crowd together. It is above 0 even for true forecasts: the
    mean of |Normal(0, σ)| is σ √(2/π), which gives `ece_by_chance` with each bin's standard error.

    Args:
        forecasts: out-of-fold, shape (n,), in [0, 1].
        pair: the scored queries.
        resamples: of the bootstrap over groups.
        seed: of the bootstrap.
    """
    wins, member = strong_wins(pair), _bins(forecasts)
    inside = (member[:, None] == np.unique(member)).astype(np.float64)

    def errors(counts: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = counts @ (inside * (wins - forecasts)[:, None]) / (counts @ inside)
        return found

    draws = bootstrap(errors, pair.groups, resamples=resamples, seed=seed)
    off, sizes = errors(np.ones((1, len(pair))))[0], inside.sum(axis=0) / len(pair)
    spread = np.nanstd(draws, axis=0)
    return Reliability(
        bins=tuple(
            _bin(forecasts[inside[:, k] > 0], float(off[k]), draws[:, k])
            for k in range(inside.shape[1])
        ),
        ece=float(sizes @ np.abs(off)),
        ece_by_chance=float(sizes @ spread) * sqrt(2 / pi),
        brier=brier_score(forecasts, wins),
        brier_of_mean=float(wins.mean() * (1 - wins.mean())),
    )


def _bins(forecasts: Floats) -> Ints:
    """Each row's bin; equal scores share one, whatever that does to the numbers."""
    n = forecasts.size
    _, block, size = np.unique(forecasts, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    bins: Ints = (middle / n * max(1, min(BINS, n // LEAST_BIN))).astype(np.int64)[block]
    return bins


def _bin(forecasts: Floats, off: float, draws: Floats) -> ReliabilityBin:
    mean = float(forecasts.mean())
    error = interval(off, draws)
    return ReliabilityBin(
        low=float(forecasts.min()),
        high=float(forecasts.max()),
        n=forecasts.size,
        forecast=mean,
        observed=Interval(mean + off, max(0.0, mean + error.low), min(1.0, mean + error.high)),
    )

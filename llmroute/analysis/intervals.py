"""Scores → one-sided bounds of their mean, each with its source.

Every bound here is valid at its confidence for any number of samples, not only for many: a bound
that is right "asymptotically" is what lets 20 prompts choose a model that is below the bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PERMUTATIONS = 16
"""Orders over which the betting bound is averaged; more change its width by under 1 %."""


def lower_bound(
    values: Floats | Sequence[float],
    confidence: float,
    weights: Floats | Sequence[float] | None = None,
) -> float:
    """One-sided lower confidence bound of the mean of independent values in [0, 1].

    Right or wrong scores (all 0 or 1, equal weights): Clopper–Pearson. Anything else: the
    betting bound. Both depend on the values only, never on their order.

    Args:
        values: shape (n,), each in [0, 1].
        confidence: in (0, 1).
        weights: shape (n,), positive; a value counts in proportion. None: all alike.

    >>> round(lower_bound([1.0] * 18 + [0.0] * 2, 0.95), 4)
    0.7174
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        return 0.0
    equal = weights is None or len(set(np.asarray(weights).tolist())) == 1
    if equal and bool(np.isin(x, (0.0, 1.0)).all()):
        return clopper_pearson_low(int(x.sum()), x.size, confidence)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    return betting_low(x, w, confidence)


def upper_bound(
    values: Floats | Sequence[float],
    confidence: float,
    weights: Floats | Sequence[float] | None = None,
) -> float:
    """One-sided upper confidence bound of the mean: `lower_bound` seen in the mirror.

    >>> round(upper_bound([1.0] * 18 + [0.0] * 2, 0.95), 4)
    0.9819
    """
    return 1.0 - lower_bound(1.0 - np.asarray(values, dtype=np.float64), confidence, weights)


@lru_cache(maxsize=65536)
def clopper_pearson_low(successes: int, n: int, confidence: float) -> float:
    """Exact one-sided lower bound of a probability after `successes` in `n` trials.

    The p at which so many successes or more have probability 1 − confidence. Clopper & Pearson,
    "The use of confidence or fiducial limits", Biometrika 26 (1934).

    >>> clopper_pearson_low(0, 10, 0.95)
    0.0
    >>> round(clopper_pearson_low(10, 10, 0.95), 6)  # 0.05 ** (1 / 10)
    0.741134
    """
    if successes == 0:
        return 0.0
    alpha = 1.0 - confidence
    low, high = 0.0, successes / n
    for _ in range(60):
        middle = (low + high) / 2
        if beta_cdf(middle, successes, n - successes + 1) > alpha:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def surely_above(successes: int, n: int, confidence: float, floor: float) -> bool:
    """Whether `clopper_pearson_low` is at least `floor`, without finding the bound itself.

    >>> surely_above(10, 10, 0.95, 0.74), surely_above(10, 10, 0.95, 0.75)
    (True, False)
    """
    if successes == 0:
        return floor <= 0
    return beta_cdf(floor, successes, n - successes + 1) <= 1.0 - confidence


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by Lentz's continued fraction.

    Numerical Recipes, 3rd edition, §6.4. For counts, a and b ≥ 1: below 1 it loses digits near
    the ends. Agrees with SciPy to 1e-10 for counts up to 3,000.

    >>> beta_cdf(0.5, 2, 2)
    0.5
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    front = math.exp(
        a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    )
    return front * _beta_fraction(x, a, b) / a


def _beta_fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + term / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return fraction


def betting_low(values: Floats, weights: Floats, confidence: float) -> float:
    """Lower bound of the mean of values in [0, 1] from the wealth of a gambler.

    For each mean m, a gambler stakes a share λ of his wealth on "the next value is above m". Were
    m the true mean, his wealth would be a martingale and exceed 1/α with probability at most α
    (Ville); the bound is the smallest m at which it does not. Stakes are the predictable
    plug-in of Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting",
    JRSS-B 86 (2024), §4.1, truncated at 3/4 of what could ruin him.

    The wealth depends on the order of the values, so it is averaged over fixed orders drawn after
    sorting: an average of such wealths obeys the same inequality, and the bound becomes a
    function of the values alone.

    Args:
        values: shape (n,), each in [0, 1].
        weights: shape (n,), positive: a cluster's size. Scaled to at most 1; the stake on a value
            is in proportion, so a large cluster counts for more. Valid where a cluster's
            mean does not depend on its size.
        confidence: in (0, 1).
    """
    order = np.lexsort((weights, values))
    values, weights = values[order], weights[order]
    x, w = _shuffled(values, weights / weights.max())
    goal = math.log(1.0 / (1.0 - confidence))
    stakes = _stakes(x, w, goal)
    low, high = 0.0, float(np.average(values, weights=weights))
    for _ in range(24):
        middle = (low + high) / 2
        if _log_wealth(x, w, stakes, middle) >= goal:
            low = middle
        else:
            high = middle
    return low


def _shuffled(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    orders = np.stack([rng.permutation(values.size) for _ in range(PERMUTATIONS)])
    return values[orders], weights[orders]


def _stakes(x: Floats, w: Floats, goal: float) -> Floats:
    """λ before each bet, from the mean and variance of what came before it."""
    n = x.shape[1]
    seen = np.arange(1, n + 1) + 1.0
    means = (0.5 + np.cumsum(x, axis=1)) / seen
    variances = (0.25 + np.cumsum((x - means) ** 2, axis=1)) / seen
    before = np.concatenate([np.full((x.shape[0], 1), 0.25), variances[:, :-1]], axis=1)
    spread = float(np.mean(w[0] ** 2)) / float(np.mean(w[0]))
    stakes: Floats = np.sqrt(2.0 * goal / (n * spread * before))
    return stakes


def _log_wealth(x: Floats, w: Floats, stakes: Floats, mean: float) -> float:
    capped = np.minimum(stakes, 0.75 / mean) if mean > 0 else stakes
    logs = np.log1p(capped * w * (x - mean)).sum(axis=1)
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))

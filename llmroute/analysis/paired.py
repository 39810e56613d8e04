"""Two measurements of one thing → how surely the second is lower.

Where the same samples were measured twice, differences are tested sample by sample; where they were
not, two intervals are all there is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from llmroute.analysis.intervals import Floats, beta_cdf
from llmroute.records import Interval

FLIPS = 9_999
"""Random draws of all signs: the standard error of a p-value near 0.05 is 0.002."""
_CHUNK = 500


def sign_flip_p(differences: Floats | Sequence[float]) -> float:
    """How likely a sum this low is, were every difference as likely to have the other sign.

    So it is where nothing changed: two answers of one model to one prompt can be exchanged. Fisher,
    "The Design of Experiments" (1935), §21. For right-or-wrong scores it is McNemar's test, worked
    out with the mid-p value (half of what is as low counts): the exact one is timid with few
    flips, mid-p keeps to its level and finds more (Fagerland, Lydersen & Laake, BMC Medical
    Research Methodology 13:91, 2013; `benchmarks/gate.py` measures both here). Otherwise signs are
    drawn at random, always the same ones, and the observed sum counts as one of the draws
    (Phipson & Smyth 2010).

    Args:
        differences: second − first, one a sample or cluster of samples; order does not matter.

    Returns:
        A one-sided p-value in (0, 1].

    >>> round(sign_flip_p([-1, -1, -1, -1, -1, 0, 0]), 9)  # 0.5 ** 5 / 2
    0.015625
    >>> sign_flip_p([0.0, 0.0])
    1.0
    """
    d = np.sort(np.asarray(differences, dtype=np.float64))
    d = d[d != 0]
    if d.size == 0:
        return 1.0
    if np.allclose(np.abs(d), abs(d[0]), rtol=1e-9):
        return _mid_p(int((d < 0).sum()), d.size)
    return _drawn_p(d)


def _mid_p(falls: int, n: int) -> float:
    """P(more falls) + ½ P(as many), each of n being a fall with probability ½."""
    at_least = beta_cdf(0.5, falls, n - falls + 1) if falls else 1.0
    more = beta_cdf(0.5, falls + 1, n - falls) if falls < n else 0.0
    return (at_least + more) / 2


def _drawn_p(d: Floats) -> float:
    rng = np.random.default_rng(0)
    limit = float(d.sum()) + 1e-9 * float(np.abs(d).sum())
    as_low = 0
    for start in range(0, FLIPS, _CHUNK):
        n = min(_CHUNK, FLIPS - start)
        signs = rng.integers(0, 2, (n, d.size), dtype=np.int8)
        sums = np.abs(d) @ (2.0 * signs.T - 1.0)
        as_low += int((sums <= limit).sum())
    return (1 + as_low) / (FLIPS + 1)


def interval_drop_p(
    before: Interval, after: Interval, confidence_before: float, confidence_after: float
) -> float:
    """How likely a fall this large is, by two independent estimates and their one-sided bounds.

    The bounds of a difference from those of its two parts: Newcombe's method 10, "Interval
    estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), for any bounds by Zou & Donner, ibid. 27 (2008). A fall uses the lower part of the
    first interval and the upper part of the second, each read as so many standard errors.

    >>> before, after = Interval(0.95, 0.90, 0.98), Interval(0.80, 0.72, 0.86)
    >>> round(interval_drop_p(before, after, 0.95, 0.95), 4)
    0.0008
    """
    below = (before.value - before.low) / NormalDist().inv_cdf(confidence_before)
    above = (after.high - after.value) / NormalDist().inv_cdf(confidence_after)
    difference, error = after.value - before.value, math.hypot(below, above)
    if error == 0:
        return 1.0 if difference >= 0 else 0.0
    return NormalDist().cdf(difference / error)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values corrected for being several: rejecting those ≤ α errs anywhere at most at α.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected = [1.0] * len(p_values)
    most = 0.0
    for rank, i in enumerate(order):
        most = max(most, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = most
    return tuple(corrected)

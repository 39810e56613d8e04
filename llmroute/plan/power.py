"""Number of samples → how surely a good candidate would be seen to be good."""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log

from llmroute.analysis.intervals import surely_above

POWER = 0.8
"""The chance of being recognised that counts as enough; statistics' usual one (Cohen, 1988)."""
MOST = 20_000


def likely_power(n: int, bar: float, *, better: float, confidence: float, margin: float) -> float:
    """The chance that a candidate which is `better` than the bar is found *likely*, in [0, 1].

    Answers are right or wrong, right with probability bar + better. *Likely* is q ≥ bar and
    lower bound ≥ bar − margin (Clopper–Pearson). Scores between 0 and 1 vary less, so that this
    is the least the samples can do.

    >>> round(likely_power(40, 0.85, better=0.05, confidence=0.95, margin=0.05), 2)
    0.42
    """
    needed = _fewest_right(n, bar, confidence, margin)
    truth = min(bar + better, 1.0)
    return sum(_binomial(k, n, truth) for k in range(needed, n + 1))


@lru_cache(maxsize=256)
def samples_needed(bar: float, *, better: float, confidence: float, margin: float) -> int | None:
    """The fewest samples whose `likely_power` is 0.8 there and stays so; None beyond 20,000.

    Power rises with n in a saw-tooth; the answer is the end of the last tooth below 0.8.
    """
    enough = None
    step = 1
    n = 1
    while n <= MOST:
        power = likely_power(n, bar, better=better, confidence=confidence, margin=margin)
        enough = (enough or n) if power >= POWER else None
        if enough and n >= 2 * enough + 20:
            return enough
        step = max(1, n // 100)
        n += step
    return enough


def _fewest_right(n: int, bar: float, confidence: float, margin: float) -> int:
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        clears = middle >= bar * n - 1e-9
        if clears and surely_above(middle, n, confidence, bar - margin):
            high = middle
        else:
            low = middle + 1
    return low


def _binomial(k: int, n: int, p: float) -> float:
    if p >= 1:
        return float(k == n)
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(ways + k * log(p) + (n - k) * log(1 - p))

"""Scores seen so far, without replacement → whether the suite's total is surely on one side.

A suite is a finite population of N units (samples, or groups of them) asked in random order, so
what is not known yet shrinks to nothing: at the last unit every bound here is exact. Two tests:

`count_boundary` for right or wrong scores. "At least k of N are right" is tested by the
prior–posterior-ratio martingale with a uniform working prior on the count: after t answers, s of
them right, its value is 1 / ((t + 1) · P_k(S_t = s)), P_k hypergeometric. By Ville's inequality
it passes 1/α with probability at most α under k, at whatever moment one looks (Waudby-Smith &
Ramdas, "Confidence sequences for sampling without replacement", NeurIPS 2020, §2). Ville
is not tight; where looks are known beforehand, the level is raised until the *exact*
probability of ever passing it, by counting paths, reaches α.

`TotalTest` for scores in [0, 1]: the wealth of a gambler who bets that the total is below the
bar, averaged over fixed stakes (the same paper, §3–4; Waudby-Smith & Ramdas, "Estimating means of
bounded random variables by betting", JRSS-B 86, 2024, §5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_COUNTED = 1000
"""Suites beyond so many samples use Ville's level: it is close by then, and counting is slow."""

STAKES = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 0.97])
"""Shares of the greatest stake that cannot ruin the gambler."""


@dataclass(frozen=True, slots=True)
class CountBoundary:
    """When it is sure that fewer than `needed` of `n` are right; one entry a look."""

    n: int
    needed: int
    looks: tuple[int, ...]
    """Numbers of samples after which is looked; increasing, the last is n."""
    drop_at: tuple[int, ...]
    """So many right or fewer: surely fewer than needed; -1 where nothing is few enough."""
    risk: float
    """Greatest probability of ever being at or below `drop_at` with `needed` right or more."""


@lru_cache(maxsize=1024)
def count_boundary(n: int, needed: int, looks: tuple[int, ...], risk: float) -> CountBoundary:
    """The boundary on the number right at each look, exact in its risk.

    Dropping is least safe where exactly `needed` are right: turning a wrong answer into a right
    one lowers the count at no look, whatever the order.

    Args:
        n: samples of the suite.
        needed: fewest right answers that clear; 0 or less: any; above n: none.
        looks: increasing, the last is n.
        risk: bound on the risk of a false drop, in (0, 1).

    >>> count_boundary(40, 37, (5, 10, 20, 40), 0.05).drop_at
    (3, 7, 16, 36)
    """
    if needed <= 0:
        return CountBoundary(n, needed, looks, (-1,) * len(looks), 0.0)
    certain = [min(needed - 1 - (n - t), t) for t in looks]
    if needed > n:
        return CountBoundary(n, needed, looks, looks, 0.0)
    few, spent = _sharpened(n, needed, looks[:-1], risk)
    drop_at = [max(pair) for pair in zip([*few, -1], certain, strict=True)]
    return CountBoundary(n, needed, looks, tuple(drop_at), spent)


def _sharpened(n: int, k: int, looks: tuple[int, ...], risk: float) -> tuple[list[int], float]:
    """The highest boundary for "at least k of n", and the probability of passing it under k."""
    inverse_wealth = [_inverse_wealth(n, k, t) for t in looks]
    boundary = _fewest(inverse_wealth, risk, n, k, looks)
    if n > MOST_COUNTED:
        return boundary, risk
    low, high = math.log(risk), math.log(risk) + 6.0
    for _ in range(24):
        middle = (low + high) / 2
        boundary = _fewest(inverse_wealth, math.exp(middle), n, k, looks)
        if _crossing(n, k, looks, boundary) <= risk:
            low = middle
        else:
            high = middle
    boundary = _fewest(inverse_wealth, math.exp(low), n, k, looks)
    return boundary, _crossing(n, k, looks, boundary)


def _inverse_wealth(n: int, k: int, t: int) -> Floats:
    """(t + 1) · P_k(S_t = s) for s = 0..t."""
    return (t + 1) * np.exp(_log_hypergeometric(n, k, t))


def _fewest(
    inverse_wealth: list[Floats], level: float, n: int, k: int, looks: tuple[int, ...]
) -> list[int]:
    """At each look the greatest count below expectation at which the wealth is 1/level."""
    boundary = []
    for t, inverse in zip(looks, inverse_wealth, strict=True):
        below = inverse[: math.ceil(t * k / n)]
        boundary.append(int((below <= level).cumprod().sum()) - 1)
    return boundary


def _crossing(n: int, k: int, looks: tuple[int, ...], boundary: list[int]) -> float:
    """P_k(S_t ≤ boundary at some look), by counting paths.

    Paths are weighed as if answers were independent with probability p = k/n (so that weights
    neither overflow nor vanish), then reweighed: given s right of t, every order is equally likely.
    """
    p = min(max(k / n, 0.5 / n), 1 - 0.5 / n)
    alive, seen, total = np.ones(1), 0, 0.0
    for t, bound in zip(looks, boundary, strict=True):
        alive = np.convolve(alive, np.exp(_log_binomial(t - seen, p)))
        seen = t
        if bound >= 0:
            few = slice(0, bound + 1)
            ratio = np.exp(_log_hypergeometric(n, k, t)[few] - _log_binomial(t, p)[few])
            total += float((alive[few] * ratio).sum())
            alive[few] = 0.0
    return total


@lru_cache(maxsize=8192)
def _log_hypergeometric(n: int, k: int, t: int) -> Floats:
    """log P(S_t = s), s = 0..t: t drawn of n, k of which are right."""
    s = np.arange(t + 1)
    logs = _log_choose(k, s) + _log_choose(n - k, t - s) - _log_choose(n, np.array([t]))
    return np.asarray(logs, dtype=np.float64)


@lru_cache(maxsize=8192)
def _log_binomial(t: int, p: float) -> Floats:
    s = np.arange(t + 1)
    logs = _log_choose(t, s) + s * math.log(p) + (t - s) * math.log1p(-p)
    return np.asarray(logs, dtype=np.float64)


def _log_choose(n: int, k: NDArray[np.int64]) -> Floats:
    """log of n over k; -inf where k is not in 0..n."""
    inside = (k >= 0) & (k <= n)
    safe = np.where(inside, k, 0)
    table = _log_factorials(n)
    return np.where(inside, table[n] - table[safe] - table[n - safe], -np.inf)


@lru_cache(maxsize=64)
def _log_factorials(n: int) -> Floats:
    return np.concatenate([np.zeros(1), np.cumsum(np.log(np.arange(1, n + 1)))])


@dataclass(slots=True)
class TotalTest:
    """Is the total of `n` values in [0, 1] surely below `bar`?

    Were the total `bar` or more, each stake's wealth would be a non-negative supermartingale that
    starts at 1 (given what was seen, the next value's mean is at least what is missing to the
    bar, spread over what is left), and so would their average: it passes 1/risk with probability
    at most `risk` at any moment. Once what is left cannot reach the bar, it is certain.

    >>> test = TotalTest(n=20, bar=18.0, risk=0.05)
    >>> for value in (0.5, 0.25, 0.5, 0.5, 0.25): test.add(value)
    >>> test.surely_below
    True
    """

    n: int
    bar: float
    risk: float
    seen: int = 0
    total: float = 0.0
    surely_below: bool = False
    """Once True, it stays so."""
    _wealth: Floats = field(default_factory=lambda: np.ones_like(STAKES))

    def __post_init__(self) -> None:
        self._look()

    def add(self, value: float) -> None:
        """Take in the next value of the random order, in [0, 1]."""
        # A hair below the bar, so that rounding never drops a total that equals it.
        expected = (self.bar - 1e-9 - self.total) / (self.n - self.seen)
        if 0.0 < expected < 1.0:
            self._wealth *= 1.0 + STAKES * (expected - value) / (1.0 - expected)
        self.seen += 1
        self.total += value
        self._look()

    def _look(self) -> None:
        certain = self.total + (self.n - self.seen) < self.bar - 1e-9
        if certain or float(self._wealth.mean()) >= 1.0 / self.risk:
            self.surely_below = True

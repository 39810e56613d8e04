"""Test statistics → probabilities and quantiles.

Written out because SciPy is no dependency; it is the oracle in the tests.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

from llmroute.analysis.intervals import beta_cdf


@lru_cache(maxsize=1024)
def student_t_quantile(p: float, df: float) -> float:
    """The value a Student t variable stays below with probability p in (0.5, 1).

    By bisection on its tail, I_{df/(df+t²)}(df/2, 1/2) / 2 (Abramowitz & Stegun 26.7.1).

    >>> round(student_t_quantile(0.95, 10), 4), round(student_t_quantile(0.975, 1e6), 4)
    (1.8125, 1.96)
    """
    if df > 1e6:  # the normal's to 1e-6; the beta function loses as many digits there
        return NormalDist().inv_cdf(p)
    low, high = 0.0, 1.0
    while _t_tail(high, df) > 1 - p:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if _t_tail(middle, df) > 1 - p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_tail(t: float, df: float) -> float:
    return beta_cdf(df / (df + t * t), df / 2, 0.5) / 2


def chi_square_tail(x: float, df: int) -> float:
    """The probability that a chi-square variable with `df` degrees of freedom is x or more.

    The finite sums of Abramowitz & Stegun 26.4.4 (odd) and 26.4.5 (even).

    >>> round(chi_square_tail(3.841, 1), 3), round(chi_square_tail(9.488, 4), 3)
    (0.05, 0.05)
    """
    if x <= 0:
        return 1.0
    odd = df % 2
    tail = math.erfc(math.sqrt(x / 2)) if odd else 0.0
    log_term = -x / 2 + (0.5 * math.log(2 * x / math.pi) if odd else 0.0)
    for step in range(1 + odd, df, 2):
        tail += math.exp(log_term)
        log_term += math.log(x / (step + 1))
    return min(1.0, tail)


def binomial_p_value(successes: int, n: int, p: float) -> float:
    """Exact two-sided p-value of `successes` in `n` trials: twice the smaller tail, at most 1.

    >>> round(binomial_p_value(60, 100, 0.5), 4)
    0.0569
    """
    at_least = beta_cdf(p, successes, n - successes + 1) if successes else 1.0
    at_most = 1.0 - beta_cdf(p, successes + 1, n - successes) if successes < n else 1.0
    return min(1.0, 2 * min(at_least, at_most))


def fisher_p_value(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """Exact two-sided p-value of "both shares are one": Fisher's test of two counts.

    The probability, given all margins, of every table that is no likelier than this one.

    >>> round(fisher_p_value(1, 10, 11, 14), 6)
    0.002759
    """
    total, everyone = hits + other_hits, n + other_n
    chances = [
        math.comb(n, k) * math.comb(other_n, total - k) / math.comb(everyone, total)
        for k in range(max(0, total - other_n), min(n, total) + 1)
    ]
    seen = chances[hits - max(0, total - other_n)]
    return min(1.0, math.fsum(chance for chance in chances if chance <= seen * (1 + 1e-9)))


def anytime_binomial_p_value(successes: int, n: int, p: float) -> float:
    """A p-value of "the share is p" that holds however often one looks.

    (n + 1) · P_p(S = successes), at most 1: the inverse of a martingale that starts at 1, the
    share's uniform mixture against p (Lindon & Malek, "Anytime-valid inference for multinomial
    count data", NeurIPS 2022; Ville's inequality). Of one look only: the p-value over looks is
    the least of them.

    >>> round(anytime_binomial_p_value(50, 100, 0.5), 2)
    1.0
    >>> round(anytime_binomial_p_value(80, 100, 0.5), 8)
    4e-08
    """
    ways = math.lgamma(n + 1) - math.lgamma(successes + 1) - math.lgamma(n - successes + 1)
    chance = ways + successes * math.log(p) + (n - successes) * math.log1p(-p)
    return math.exp(min(0.0, math.log(n + 1) + chance))

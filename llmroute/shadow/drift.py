"""Tasks of a log beside the suites' weights → whether the traffic is what the map was made for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from llmroute.analysis.distributions import chi_square_tail
from llmroute.records import Interval

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class TaskShare:
    """One task's share of the traffic."""

    task: str
    n: int
    planned: float
    """Its suite's weight over all suites'."""
    seen: Interval
    """Its share of the recognised requests."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the log's tasks are from the suites' weights."""

    shares: tuple[TaskShare, ...]
    distance: float
    """Share of the traffic that would have to be of another task (total variation), in [0, 1]."""
    p_value: float
    """Of "the log is drawn with the suites' weights": Pearson's chi-square."""


def measure_drift(counts: Mapping[str, int], weights: Mapping[str, float]) -> Drift | None:
    """The tasks' shares beside the weights, the largest first; None where nothing can be compared.

    Requests are taken as independent: where one user sends many, the p-value is too small.

    Args:
        counts: task → requests recognised as its.
        weights: task → its suite's weight.
    """
    n, total = sum(counts.get(task, 0) for task in weights), sum(weights.values())
    if n == 0 or len(weights) < 2:
        return None
    rows = [(task, counts.get(task, 0), weight / total) for task, weight in weights.items()]
    ordered = sorted(rows, key=lambda row: -row[1])
    statistic = sum((seen - n * planned) ** 2 / (n * planned) for _, seen, planned in rows)
    return Drift(
        shares=tuple(TaskShare(task, k, planned, wilson(k, n)) for task, k, planned in ordered),
        distance=sum(abs(k / n - planned) for _, k, planned in rows) / 2,
        p_value=chi_square_tail(statistic, len(rows) - 1),
    )


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """A share with its two-sided score interval (Wilson, JASA 22, 1927).

    >>> found = wilson(8, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4902, 0.9433)
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, scale = successes / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, centre - reach), min(1.0, centre + reach))

"""Served requests → what was paid beside what the map would have cost, one pass, exact sums.

Two kinds of doubt stand beside the difference. *Estimation*: tokens of a model that was not asked
come from a ratio or a mean, whose error all requests of its group share, and around which each
answer would have varied. *Sampling*: the log is one draw of the traffic, which matters where a
figure is carried over to other requests.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from llmroute.records import Interval
from llmroute.shadow.lengths import Length
from llmroute.shadow.served import Basis, Served

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class CostSummary:
    """Costs over the requests where both are known."""

    n: int
    paid_usd: float
    routed_usd: Interval
    """For these requests: estimation alone."""
    saved_share: Interval | None
    """1 − routed ÷ paid, for these requests; None where nothing was paid."""
    saved_usd_per_1k: Interval
    """For requests like these: estimation and sampling."""
    paid_usd_per_1k: float
    cost_cv: float | None
    """Standard deviation of what a request cost ÷ its mean."""
    bases: Mapping[Basis, int]

    @property
    def has_bounds(self) -> bool:
        """Whether every estimate has an error: a bench's mean has none here."""
        return "bench" not in self.bases


@dataclass(slots=True)
class Costs:
    """Sums of costs."""

    n: int = 0
    paid: float = 0.0
    routed: float = 0.0
    paid_squares: float = 0.0
    saved_squares: float = 0.0
    bases: Counter[Basis] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    """Why a request's costs are not both known → how many."""
    noise: float = 0.0
    slopes: dict[Length, tuple[float, float]] = field(default_factory=dict)
    """Dollars more for all if a length's input ratio, or its output, were larger by one."""

    def add(self, served: Served) -> None:
        """One request; one whose costs are not both known is counted with the reason."""
        if served.cost is None or served.paid_usd is None:
            paid = None if served.paid_usd is not None else "what was paid is not known"
            self.unknown[paid or f"routed: {served.unknown_cost}"] += 1
            return
        paid_usd, cost = served.paid_usd, served.cost
        self.n += 1
        self.paid += paid_usd
        self.routed += cost.usd
        self.paid_squares += paid_usd**2
        self.saved_squares += (paid_usd - cost.usd) ** 2
        self.bases[cost.basis] += 1
        self.noise += cost.noise
        if cost.length is not None:
            given, made = self.slopes.get(cost.length, (0.0, 0.0))
            self.slopes[cost.length] = (given + cost.slopes[0], made + cost.slopes[1])

    def summary(self) -> CostSummary | None:
        """None where no request has both costs."""
        if not self.n:
            return None
        z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
        error = math.sqrt(self.noise + sum(_variance(*item) for item in self.slopes.items()))
        routed = Interval(self.routed, max(0.0, self.routed - z * error), self.routed + z * error)
        saved = (self.paid - self.routed) / self.n
        sampled = self._spread(self.saved_squares, saved) / self.n
        spread = z * math.sqrt(sampled + (error / self.n) ** 2)
        mean = self.paid / self.n
        return CostSummary(
            n=self.n,
            paid_usd=self.paid,
            routed_usd=routed,
            saved_share=self._saved_share(routed),
            saved_usd_per_1k=Interval(
                1000 * saved, 1000 * (saved - spread), 1000 * (saved + spread)
            ),
            paid_usd_per_1k=1000 * mean,
            cost_cv=math.sqrt(self._spread(self.paid_squares, mean)) / mean if mean else None,
            bases=dict(self.bases),
        )

    def _spread(self, squares: float, mean: float) -> float:
        return max(0.0, squares - self.n * mean**2) / max(1, self.n - 1)

    def _saved_share(self, routed: Interval) -> Interval | None:
        if self.paid <= 0:
            return None
        return Interval(
            1 - routed.value / self.paid, 1 - routed.high / self.paid, 1 - routed.low / self.paid
        )


def _variance(length: Length, slopes: tuple[float, float]) -> float:
    """Of the sum of costs, by the error of one length's two estimates."""
    given = 0.0 if length.input_ratio is None else slopes[0] * length.input_ratio.error
    return given**2 + (slopes[1] * length.output.error) ** 2

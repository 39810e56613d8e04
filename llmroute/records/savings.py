"""The money: what the map saves, what making it cost, and at which traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmroute.records.interval import Interval


@dataclass(frozen=True, slots=True)
class Savings:
    """The map's cost beside the reference's, for 1,000 requests in the suites' traffic shares."""

    reference_usd_per_1k: float | None
    routed_usd_per_1k: float | None
    saved_usd_per_1k: Interval | None
    saved_share: Interval | None
    """1 − routed / reference."""
    reason: str | None = None
    """Why there is no figure."""


@dataclass(frozen=True, slots=True)
class Volume:
    """How many requests there are in production."""

    requests: float
    period: Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Spending:
    """What the calls behind a map cost, at the prices it was made with."""

    answers_usd: float | None
    """None: no answer's cost is known, of some."""
    judges_usd: float
    n_unknown: int
    """Answered calls whose cost is not known; they are in neither figure."""

    @property
    def total_usd(self) -> float | None:
        """Answers and verdicts together, as far as costs are known."""
        return None if self.answers_usd is None else self.answers_usd + self.judges_usd

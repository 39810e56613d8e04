"""One candidate's answers so far, unit by unit in the race's order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmroute.analysis.summary import Summary, without_noise
from llmroute.race.grid import summarise
from llmroute.race.order import Unit
from llmroute.race.rule import RaceCandidate
from llmroute.records import Sample

Status = Literal["open", "clears", "out", "unpriced"]

SURE_ERRORS = 3.0
"""Two measured mean costs differ surely when they are so many standard errors apart."""


@dataclass(slots=True)
class Contender:
    """What was recorded of one candidate, and what is decided about it."""

    candidate: RaceCandidate
    units: Sequence[Unit]
    repeats: int
    status: Status = "open"
    reason: str = ""
    look: int = 0
    """Looks already taken."""
    seen: int = 0
    """Units at the last look; costs and verdicts know no more than these."""
    prefix: int = 0
    """Units asked and recorded without a gap from the first."""
    n_recorded: int = 0
    n_missing: int = 0
    """Recorded calls without a score, in the prefix."""
    spent_usd: float = 0.0
    cost_total: float = 0.0
    costed_weight: float = 0.0
    """Weighted cost of the units seen, and the weight of those whose cost is known."""
    scores: dict[tuple[str, int], float | None] = field(default_factory=dict)
    """(sample, repeat) → score; None: it has none."""
    costs: dict[tuple[str, int], float | None] = field(default_factory=dict)
    unit_costs: NDArray[np.float64] = field(init=False)
    """Weighted cost of each unit, shape (n_units,); NaN where not all its calls' are known."""
    unit_missing: NDArray[np.int64] = field(init=False)
    """Calls of each unit without a score, shape (n_units,)."""
    best: NDArray[np.float64] = field(init=False)
    """Weighted score of each unit, absent scores as 1."""
    worst: NDArray[np.float64] = field(init=False)
    """The same, absent scores as 0."""
    best_total: float = 0.0
    worst_total: float = 0.0
    """Sums over the prefix."""

    def __post_init__(self) -> None:
        self.unit_costs = np.full(len(self.units), np.nan)
        self.unit_missing = np.zeros(len(self.units), np.int64)
        self.best = np.zeros(len(self.units))
        self.worst = np.zeros(len(self.units))

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.candidate.name

    @property
    def done(self) -> bool:
        """Whether the last look was taken."""
        return self.seen == len(self.units)

    def record(
        self, sample_id: str, repeat: int, score: float | None, cost_usd: float | None
    ) -> None:
        """Keep one call's result; the first result of a call counts."""
        key = (sample_id, repeat)
        if key in self.scores:
            return
        self.scores[key] = score
        self.costs[key] = cost_usd
        self.n_recorded += 1
        if cost_usd is not None:
            self.spent_usd += cost_usd

    def advance(self) -> None:
        """Move the prefix over all units that are complete by now."""
        while self.prefix < len(self.units):
            unit = self.units[self.prefix]
            if any((sample.id, r) not in self.scores for sample, r in self._calls(unit)):
                return
            self._take(self.prefix, unit)
            self.prefix += 1

    def missing_samples(self, until: int) -> list[str]:
        """Samples of the first `until` units with a call that is not recorded, in order."""
        return [
            sample.id
            for unit in self.units[self.prefix : until]
            for sample in unit.samples
            if any((sample.id, repeat) not in self.scores for repeat in range(self.repeats))
        ]

    def missing_until(self, units: int) -> int:
        """Calls without a score in the first `units` units, whatever has arrived beyond them."""
        return int(self.unit_missing[:units].sum())

    def calls_until(self, units: int) -> int:
        """Calls in the first `units` units."""
        return self.repeats * sum(len(unit.samples) for unit in self.units[:units])

    def _calls(self, unit: Unit) -> list[tuple[Sample, int]]:
        return [(sample, repeat) for sample in unit.samples for repeat in range(self.repeats)]

    def _take(self, index: int, unit: Unit) -> None:
        cost = 0.0
        for sample, repeat in self._calls(unit):
            share = sample.weight / self.repeats
            score, paid = self.scores[sample.id, repeat], self.costs[sample.id, repeat]
            self.n_missing += score is None
            self.unit_missing[index] += score is None
            self.worst[index] += share * (0.0 if score is None else score)
            self.best[index] += share * (1.0 if score is None else score)
            cost += share * (math.nan if paid is None else paid)
        self.unit_costs[index] = cost
        self.best_total += float(self.best[index])
        self.worst_total += float(self.worst[index])

    # -- cost -------------------------------------------------------------------------------------

    def mean_cost_usd(self) -> float | None:
        """Measured mean cost of a call up to the last look; None where none is known."""
        if not self.costed_weight:
            return None
        return without_noise(self.cost_total / self.costed_weight)

    def take_look(self, units: int) -> None:
        """Let the costs of the first `units` units be known."""
        for index in range(self.seen, units):
            if not math.isnan(self.unit_costs[index]):
                self.cost_total += float(self.unit_costs[index])
                self.costed_weight += self.units[index].weight
        self.seen = units
        self.look += 1

    def compare_cost(self, other: Contender) -> int | None:
        """1: surely dearer than the other, -1: surely cheaper, 0: alike so far; None: not sure.

        Measured over the units both were asked. After the last unit it is exact; before, means
        must be three standard errors apart (a normal approximation, corrected for the finite
        suite), and costs that never differed are alike.
        """
        if self.done and other.done:
            mine, theirs = self.mean_cost_usd(), other.mean_cost_usd()
            return None if mine is None or theirs is None else (mine > theirs) - (mine < theirs)
        shared = min(self.seen, other.seen)
        differences = self.unit_costs[:shared] - other.unit_costs[:shared]
        differences = differences[~np.isnan(differences)]
        if differences.size < 2:
            return None
        if not differences.any():
            return 0
        mean = float(differences.mean())
        unseen = 1.0 - differences.size / len(self.units)
        error = float(differences.std()) * math.sqrt(unseen / differences.size)
        if abs(mean) <= SURE_ERRORS * error:
            return None
        return 1 if mean > 0 else -1

    # -- quality ----------------------------------------------------------------------------------

    def surely_scores_below(self, other: Contender) -> bool:
        """Whether no answer still to come can bring its quality up to that of one fully asked."""
        if self.n_missing or other.n_missing or not other.done:
            return False
        rest = sum(unit.weight for unit in self.units[self.prefix :])
        return self.best_total + rest < other.worst_total - 1e-9

    def summarise(self) -> Summary:
        """What the full grid counts of this candidate, after its last unit."""
        clusters, weights = [], []
        for unit in sorted(self.units, key=lambda unit: unit.key):
            means = [(self._sample_mean(s.id), s.weight) for s in unit.samples]
            known = [(mean, weight) for mean, weight in means if mean is not None]
            if known:
                weights.append(math.fsum(weight for _, weight in known))
                total = math.fsum(mean * weight for mean, weight in known)
                clusters.append(min(max(total / weights[-1], 0.0), 1.0))
        scores = {
            sample.id: mean
            for unit in self.units
            for sample in unit.samples
            if (mean := self._sample_mean(sample.id)) is not None
        }
        n_scored = sum(score is not None for score in self.scores.values())
        n_planned = self.repeats * sum(len(unit.samples) for unit in self.units)
        return summarise(
            self.name, np.array(clusters), np.array(weights), scores, n_scored, n_planned
        )

    def _sample_mean(self, sample_id: str) -> float | None:
        values = [self.scores.get((sample_id, repeat)) for repeat in range(self.repeats)]
        known = [value for value in values if value is not None]
        return math.fsum(known) / len(known) if known else None

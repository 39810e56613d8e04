"""A candidate's answers at a look → whether it surely fails the full grid's rule.

Each test can only drop. It is given every absent score as if it were a right answer: a candidate
that meets the rule with absent scores would meet it with right answers in their place too, so that
a drop is as safe as without any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from llmroute.race.contender import Contender
from llmroute.race.grid import GridRule, fewest_right
from llmroute.race.order import Unit
from llmroute.race.rule import RaceRule
from llmroute.race.sequences import CountBoundary, TotalTest, count_boundary


class DropTest(Protocol):
    """One candidate's test; asked at each look once, in order."""

    @property
    def risk(self) -> float:
        """Bound on the probability of ever dropping a candidate that meets the rule."""

    @property
    def hopeless(self) -> bool:
        """Whether nobody could meet the rule, whatever the answers."""

    def soonest(self, contender: Contender, look: int) -> int:
        """The first look from `look` on at which it could fail, were all further answers wrong."""

    def surely_fails(self, contender: Contender, look: int) -> bool:
        """Whether the first `looks[look]` units rule the candidate out."""


@dataclass(slots=True)
class CountDrop:
    """Right or wrong scores of equal weight: fewer right than any grid that meets the rule."""

    boundary: CountBoundary
    weight: float

    @property
    def risk(self) -> float:
        """The boundary's own, counted exactly."""
        return self.boundary.risk

    @property
    def hopeless(self) -> bool:
        """Whether even all right would be too few."""
        return self.boundary.needed > self.boundary.n

    def soonest(self, contender: Contender, look: int) -> int:
        """Where the boundary passes the count so far; asking less before could not decide."""
        right = self._right(contender, contender.seen)
        last = len(self.boundary.looks) - 1
        return next((i for i in range(look, last) if right <= self.boundary.drop_at[i]), last)

    def surely_fails(self, contender: Contender, look: int) -> bool:
        """Compare the count with the boundary."""
        right = self._right(contender, self.boundary.looks[look])
        return right <= self.boundary.drop_at[look]

    def _right(self, contender: Contender, units: int) -> int:
        return round(float(contender.best[:units].sum()) / self.weight)


@dataclass(slots=True)
class TotalDrop:
    """Scores in [0, 1], weights, groups or repeats: mean quality surely below the bar.

    That the bound of a mean above the bar could be too low is left to the last sample.
    """

    looks: tuple[int, ...]
    test: TotalTest
    most_weight: float
    """The heaviest unit's, so that each unit's weighted score is in [0, 1] of it."""
    seen: int = field(default=0)

    @property
    def risk(self) -> float:
        """What the test was given."""
        return self.test.risk

    @property
    def hopeless(self) -> bool:
        """Whether the bar is above 1."""
        return self.test.surely_below and self.seen == 0

    def soonest(self, contender: Contender, look: int) -> int:  # noqa: ARG002
        """The next one: a gambler may win at any."""
        return look

    def surely_fails(self, contender: Contender, look: int) -> bool:
        """Feed the test with the units since the last look."""
        until = self.looks[look]
        for value in contender.best[self.seen : until]:
            self.test.add(float(value) / self.most_weight)
        self.seen = until
        return self.test.surely_below


@dataclass(slots=True)
class PairedDrop:
    """A share of the reference's quality: mean of s − share · s_reference surely below 0.

    Differences are moved from [−share, 1] to [0, 1]; the reference's absent scores count as 0.
    """

    looks: tuple[int, ...]
    test: TotalTest
    most_weight: float
    share: float
    reference: Contender
    seen: int = field(default=0)

    @property
    def risk(self) -> float:
        """What the test was given."""
        return self.test.risk

    @property
    def hopeless(self) -> bool:
        """Whether the bar is above 1."""
        return self.test.surely_below and self.seen == 0

    def soonest(self, contender: Contender, look: int) -> int:  # noqa: ARG002
        """The next one: a gambler may win at any."""
        return look

    def surely_fails(self, contender: Contender, look: int) -> bool:
        """Feed the test with the units since the last look; the reference was asked as many."""
        until = self.looks[look]
        for index in range(self.seen, until):
            weight = contender.units[index].weight
            difference = contender.best[index] - self.share * self.reference.worst[index]
            moved = (difference + self.share * weight) / (1.0 + self.share)
            self.test.add(float(moved) / self.most_weight)
        self.seen = until
        return self.test.surely_below


def drop_tests(
    units: Sequence[Unit],
    looks: tuple[int, ...],
    rule: RaceRule,
    grid: GridRule,
    reference: Contender | None,
) -> Callable[[], DropTest]:
    """A maker of fresh tests, one a candidate: the sharpest that the scores allow.

    Args:
        units: the suite in its random order.
        looks: numbers of units after which is looked.
        rule: what the race decides by.
        grid: the full grid's rule.
        reference: whom a relative bar looks at; None: the bar is a number.
    """
    n, weights = len(units), [unit.weight for unit in units]
    most = max(weights)
    if reference is not None:
        share = rule.bar.value
        paired_bar = share / (1.0 + share) * sum(weights) / most
        return lambda: PairedDrop(
            looks, TotalTest(n, paired_bar, rule.risk), most, share, reference
        )
    single = all(len(unit.samples) == 1 for unit in units) and rule.repeats == 1
    if rule.right_or_wrong and single and len(set(weights)) == 1:
        boundary = count_boundary(n, fewest_right(n, grid), looks, rule.risk)
        return lambda: CountDrop(boundary, most)
    bar = rule.bar.value * sum(weights) / most
    return lambda: TotalDrop(looks, TotalTest(n, bar, rule.risk), most)

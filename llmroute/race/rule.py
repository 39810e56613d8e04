"""What a race decides by, and who takes part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmroute.errors import InputError
from llmroute.records import QualityRule, QualityThreshold, Sample

RISK = 0.05
"""Greatest probability, a task, that a race routes otherwise than the grid."""


@dataclass(frozen=True, slots=True)
class RaceCandidate:
    """A candidate as a race sees it before the first call."""

    name: str
    cost_usd: float | None
    """Expected cost of one call; None: not priced, and so never the route."""
    least_cost_usd: float | None = None
    """What a call costs at the very least, such as its prompt alone; None: `cost_usd` is right."""


@dataclass(frozen=True, slots=True)
class RaceRule:
    """What a race decides by."""

    rule: QualityRule
    threshold: QualityThreshold | None = None
    """The task's own bar; None: the rule's."""
    reference: str | None = None
    """The candidate that a bar relative to the reference looks at; None: nobody named one."""
    right_or_wrong: bool = False
    """Every score is 0 or 1, by the metric's nature: allows the sharper test."""
    n_compared: int | None = None
    """Candidates of the grid, among which "proven" divides its error; None: those in the race."""
    repeats: int = 1
    risk: float = RISK
    """Greatest probability that the route differs from the grid's, in (0, 1)."""
    batch: int = 5
    """Samples a candidate is asked at once, at least; groups are not torn apart."""
    ahead: int = 1
    """Candidates raced side by side: 1 spends least, more end sooner."""

    @property
    def bar(self) -> QualityThreshold:
        """The bar of the task."""
        return self.threshold or self.rule.threshold


def check_race(
    task: str, samples: Sequence[Sample], candidates: Sequence[RaceCandidate], rule: RaceRule
) -> None:
    """Refuse what cannot be raced.

    Raises:
        InputError: no samples or candidates, a name twice, or a setting out of range.
    """
    where = f"race of {task}"
    if not samples or not candidates:
        raise InputError("there is nothing to race", where=where, fix="Add samples or candidates.")
    for kind, names in (
        ("sample", [s.id for s in samples]),
        ("candidate", [c.name for c in candidates]),
    ):
        if len(set(names)) < len(names):
            raise InputError(f"a {kind} is named twice", where=where, fix=f"Rename one {kind}.")
    if not 0.0 < rule.risk < 1.0:
        raise InputError(f"risk is {rule.risk}, not between 0 and 1", where=where, fix="Try 0.05.")
    if min(rule.batch, rule.ahead, rule.repeats) < 1:
        raise InputError("batch, ahead and repeats are at least 1", where=where, fix="Raise them.")

"""Outcomes of two runs → what was measured of the same samples in both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from llmroute.analysis.paired import sign_flip_p
from llmroute.records import Outcome, Outcomes, Price, Shift

LEAST_SHARED = 0.5
"""Share of the previous samples that must have been measured again for pairs to speak for them."""


@dataclass(slots=True)
class _Sample:
    """One candidate's results on one sample, over its repeats."""

    weight: float
    cluster: str
    asked: tuple[str | None, Any]
    """Prompt and target: an id alone may stand for another question by now."""
    scores: list[float] = field(default_factory=list)
    costs_usd: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run measured, sample by sample."""

    samples: Mapping[tuple[str, str], Mapping[str, _Sample]]
    """(task, candidate) → sample id → results."""

    @classmethod
    def of(cls, outcomes: Outcomes, prices: Mapping[str, Price]) -> Measured:
        """The outcomes, each costed as recorded or else by its candidate's price."""
        samples: dict[tuple[str, str], dict[str, _Sample]] = {}
        for row in outcomes.rows:
            cell = samples.setdefault((row.task, row.candidate), {})
            if row.sample_id not in cell:
                cell[row.sample_id] = _Sample(row.weight, _cluster(row), _asked(row, outcomes))
            sample = cell[row.sample_id]
            if row.score is not None:
                sample.scores.append(row.score)
            cost = row.cost_usd(prices.get(row.candidate))
            if cost is not None:
                sample.costs_usd.append(cost)
        return cls(samples)

    def quality_shift(self, later: Measured, task: str, first: str, second: str) -> Shift | None:
        """How the score moved from candidate `first` here to `second` in the later run.

        None where too few of the samples were scored in both.
        """
        return self._shift(later, task, first, second, lambda sample: sample.scores, worse=-1)

    def cost_shift(self, later: Measured, task: str, first: str, second: str) -> Shift | None:
        """The same of what a request costs, in US dollars."""
        return self._shift(later, task, first, second, lambda sample: sample.costs_usd, worse=1)

    def _shift(
        self,
        later: Measured,
        task: str,
        first: str,
        second: str,
        values_of: Callable[[_Sample], list[float]],
        *,
        worse: int,
    ) -> Shift | None:
        old, new = self.samples.get((task, first), {}), later.samples.get((task, second), {})
        known = [id_ for id_, sample in old.items() if values_of(sample)]
        shared = [i for i in known if i in new and values_of(new[i]) and _same(old[i], new[i])]
        if not shared or len(shared) < LEAST_SHARED * len(known):
            return None
        sums: dict[str, list[float]] = {}
        for i in shared:
            moved = _mean(values_of(new[i])) - _mean(values_of(old[i]))
            sums.setdefault(old[i].cluster, []).append(old[i].weight * moved)
        clusters = [fsum(values) for values in sums.values()]
        weight = fsum(old[i].weight for i in shared)
        p_value = sign_flip_p([-worse * value for value in clusters])
        return Shift(fsum(clusters) / weight, p_value, len(shared))


def _cluster(row: Outcome) -> str:
    return f"sample {row.sample_id}" if row.group is None else f"group {row.group}"


def _asked(row: Outcome, outcomes: Outcomes) -> tuple[str | None, Any]:
    prompt = outcomes.prompts.get((row.task, row.sample_id))
    return (None, None) if prompt is None else (prompt.text, prompt.target)


def _same(old: _Sample, new: _Sample) -> bool:
    """Whether it is the same question; what one side does not say is not held against it."""
    return all(
        None in pair or pair[0] == pair[1] for pair in zip(old.asked, new.asked, strict=True)
    )


def _mean(values: list[float]) -> float:
    return fsum(values) / len(values)

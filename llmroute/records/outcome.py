"""What became of every sample under every candidate: the interchange form of a bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmroute.records.price import Price, Usage


@dataclass(frozen=True, slots=True)
class Score:
    """One completion's value, or why it has none."""

    value: float | None
    """In [0, 1], higher is better; None: not scored, and `reason` says why."""
    prediction: str | None = None
    """What `extract` found in the output."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """Each metric's own value, where several are combined."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One candidate's result on one sample: the interchange form of a bench."""

    task: str
    sample_id: str
    candidate: str
    repeat: int = 0
    score: float | None = None
    reason: str | None = None
    """Why there is no score: a failure kind ("timed_out", ...) or "not_scored: ..."."""
    answered: bool = False
    output: str | None = None
    prediction: str | None = None
    usage: Usage = Usage()
    busy_s: float | None = None
    recorded_cost_usd: float | None = None
    latency_s: float | None = None
    finish_reason: str | None = None
    weight: float = 1.0
    group: str | None = None
    judge: str | None = None
    """Who graded it, a panel joined by `PANEL`; None: a metric did."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """Each criterion's value; of a panel "judge NAME", of a comparison "flipped"."""
    rubric: str | None = None
    """What the judge went by; None: not known, or a metric scored it."""
    labels: Mapping[str, float] = field(default_factory=dict)
    """Person → the score they gave the answer, or of a comparison how far it is the better one."""
    label_weight: float = 1.0
    """How many answers a labelled one stands for, up to a factor."""

    @property
    def cluster(self) -> str:
        """What counts as one piece of evidence: the sample, or the group it belongs to."""
        return self.sample_id if self.group is None else f"group {self.group}"

    def cost_usd(self, price: Price | None) -> float | None:
        """What the answer cost, as of `Completion.cost_usd`; None where there is no answer."""
        if self.recorded_cost_usd is not None or price is None or not self.answered:
            return self.recorded_cost_usd
        return price.cost_usd(self.usage, self.latency_s if self.busy_s is None else self.busy_s)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was asked, once a sample, beside the outcomes of all candidates on it."""

    task: str
    sample_id: str
    text: str | None
    target: Any = None
    tags: tuple[str, ...] = ()
    difficulty: str | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All results of one run, or of one or more outcomes files."""

    rows: tuple[Outcome, ...]
    prompts: Mapping[tuple[str, str], Prompt] = field(default_factory=dict)
    """(task, sample_id) → Prompt."""

"""What judges are asked, and how models grade a suite's answers by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Panel = Literal["mean", "majority"]
PANEL = " + "
"""Between the names of a panel's judges, where they stand as one."""


@dataclass(frozen=True, slots=True)
class Level:
    """One answer a criterion allows, in words a judge can hold an answer against."""

    label: str
    value: float
    """In [0, 1]; the judge is not shown it."""
    anchor: str
    """What an answer at this level looks like."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question a judge answers about an answer."""

    name: str
    question: str
    levels: tuple[Level, ...]
    """Two or three, from worst to best."""
    weight: float = 1.0
    """Share in the rubric's mean; shares need not sum to 1."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What a judge may say, worst first."""
        return tuple(level.label for level in self.levels)

    def value(self, label: str) -> float:
        """What a label is worth, in [0, 1].

        >>> levels = (Level("no", 0.0, "Wrong."), Level("yes", 1.0, "Right."))
        >>> Criterion("right", "Is it right?", levels).value("yes")
        1.0
        """
        return next(level.value for level in self.levels if level.label == label)


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a judge is asked, criterion by criterion."""

    name: str
    criteria: tuple[Criterion, ...]
    prompt: str
    """Template of the judge's user message."""
    description: str = ""
    system: str = ""
    """Template of the system message, the same for every answer."""
    pairwise_prompt: str | None = None
    """Template of the message that shows two answers; None: it can't compare."""
    uses_target: bool = False
    """Whether the judge is shown the sample's target; then every sample needs one."""
    fields: tuple[str, ...] = ()
    """Fields of the sample the judge is shown; every sample needs each of them."""
    short_answers_allowed: bool = False
    """One word can be right; else it scores 0 without a judge."""
    max_words: int | None = None
    """The length an answer is asked to keep to."""
    path: Path | None = None
    """Where it was read from, for messages; no part of its content."""


@dataclass(frozen=True, slots=True)
class JudgeUse:
    """How models grade the answers to a suite."""

    rubric: Rubric
    judges: tuple[str, ...]
    """Their names; several are a panel."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every judge call, over the judge's own."""
    panel: Panel = "mean"
    pairwise: str | None = None
    """Graded beside this candidate's answers; "reference": the run's reference."""

"""One task: its samples, how they are asked, and how answers to them are scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmroute.records.quality import QualityThreshold
from llmroute.records.recognition import Match
from llmroute.records.rubric import JudgeUse


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: str
    """"system", "user" or "assistant"."""
    content: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt of a suite, and what a right answer says."""

    id: str
    input: str | tuple[Message, ...]
    target: Any = None
    """A JSON value (text, number, list or object); None where nothing is compared with."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Every further key of the sample: what the prompt template and some metrics read."""
    tags: tuple[str, ...] = ()
    difficulty: str | None = None
    weight: float = 1.0
    group: str | None = None
    """Samples of one group (one document, one customer) are not independent: one cluster."""


@dataclass(frozen=True, slots=True)
class Example:
    """One few-shot example: shown to the model as a user turn and an assistant turn."""

    input: str
    target: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as it is written in a file: its name and its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    """Share in a weighted combination of metrics; shares need not sum to 1."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One task's samples, how they are put to a model, and how its answers are scored."""

    name: str
    task: str
    samples: tuple[Sample, ...]
    description: str = ""
    system: str | None = None
    prompt: str = "{{ input }}"
    """Template of the user message over `input`, `labels` and the sample's fields."""
    examples: tuple[Example, ...] = ()
    labels: tuple[str, ...] = ()
    """The allowed answers of a classification task, for the template and the choice metric."""
    metrics: tuple[Plugin, ...] = ()
    judge: JudgeUse | None = None
    """Grades instead of metrics."""
    extract: tuple[Plugin, ...] = ()
    checks: tuple[Plugin, ...] = ()
    """What a cascade sees in the task's answers, and what guards them in production."""
    quality_threshold: QualityThreshold | None = None
    """None: the configuration's."""
    weight: float = 1.0
    """Share of the traffic; shares need not sum to 1."""
    match: Match = Match()
    max_tokens: int | None = None
    """Upper bound of the answer's length for every candidate that does not set its own."""
    path: Path | None = None
    """Where it was read from, for messages; no part of its content."""

"""llmroute.yaml as it is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmroute.records.candidate import Candidate, Limits
from llmroute.records.gate import Gate
from llmroute.records.quality import QualityRule, QualityThreshold, TaskLimits
from llmroute.records.recognition import RECOGNISER_EMBEDDING
from llmroute.records.rubric import Panel
from llmroute.records.savings import Volume


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may spend."""

    max_usd: float | None = None
    """None: no cap."""
    confirm_usd: float = 1.0
    """A plan dearer than this is confirmed by a person first."""


@dataclass(frozen=True, slots=True)
class Judging:
    """Who grades the suites that a judge grades, where they do not say it themselves."""

    models: tuple[Candidate, ...] = ()
    """The judges; more than one are a panel. A suite may name one of them, or another model."""
    rubric: str | None = None
    """Of suites with neither metric nor judge: a shipped rubric's name, or a file."""
    panel: Panel = "mean"
    pairwise: str | None = None
    allow_self_judging: bool = False
    """Whether a judge may grade its own model's answers."""
    labels: tuple[Path, ...] = ()
    """Files of people's labels, by which its scores are corrected."""


@dataclass(frozen=True, slots=True)
class Config:
    """llmroute.yaml as it is meant: paths resolved, environment values filled in."""

    suites: tuple[Path, ...]
    """Suite files, folders of them, or glob patterns."""
    candidates: tuple[Candidate, ...]
    reference: str | None = None
    """What is paid for today; None: the candidate with the best mean quality."""
    quality: QualityRule = QualityRule()
    judge: Judging = Judging()
    budget: Budget = Budget()
    repeats: int = 1
    seed: int = 0
    concurrency: int = 64
    """Most calls in flight, all candidates together."""
    provider_limits: Mapping[str, Limits] = field(default_factory=dict)
    """Provider, or host of an api_base → what all candidates of one key keep to together."""
    task_limits: Mapping[str, TaskLimits] = field(default_factory=dict)
    task_thresholds: Mapping[str, QualityThreshold] = field(default_factory=dict)
    """Task → its own bar, before the suite's and the configuration's."""
    gate: Gate = Gate()
    recogniser_embedding: str = RECOGNISER_EMBEDDING
    """What tells tasks apart by likeness, as `llmroute.embeddings` names embedders."""
    volume: Volume | None = None
    """The traffic in production; None: not stated."""
    store: Path = Path(".llmroute/store.db")
    out: Path = Path("llmroute-out")
    path: Path | None = None
    """The file it was read from; None: the embedded default."""

    @property
    def folder(self) -> Path:
        """The folder of the configuration file; the current one where there is no file."""
        return self.path.parent if self.path else Path()

"""What the gate objects to, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmroute.records.change import MapChange

GateLevel = Literal["error", "warn", "off"]


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What a person says of one of the gate's rules; None: the rule's own default."""

    level: GateLevel | None = None
    tolerance: float | None = None
    """In the rule's unit: what changes by no more than this passes."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate objects to."""

    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    max_age_days: float | None = None
    """None: evidence may be of any age."""
    confidence: float = 0.95
    """Noise alone is called a fall in quality, on any of the tasks, at most 1 − this often."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the gate objects to."""

    rule: str
    level: GateLevel
    task: str | None
    """None: it is about the whole map."""
    what: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The gate's answer: what changed, what it objects to, and why."""

    change: MapChange
    findings: tuple[Finding, ...]
    """Errors before warnings, tasks in the map's order."""

    @property
    def passed(self) -> bool:
        """Whether there is no error; warnings pass."""
        return not self.of_level("error")

    @property
    def routes_changed(self) -> bool:
        """Whether any request may be answered by another candidate than before."""
        return any(
            (task.before and task.before.route) != (task.after and task.after.route)
            for task in self.change.tasks
        )

    def of_level(self, level: GateLevel) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)

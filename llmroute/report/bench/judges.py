"""Comparison → the report's section on judges, as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import UNKNOWN, share_text

if TYPE_CHECKING:
    from llmroute.records import Comparison, Interval, JudgeDiagnosis


@dataclass(frozen=True, slots=True)
class JudgeView:
    """One task's judge."""

    task: str
    judges: tuple[str, ...]
    rubric: str
    calibrated: bool
    n_labels: int
    agreement: str
    ceiling: str
    length_slope: str
    own_family: str
    flip_rate: str
    unreadable: str
    effective_votes: str


def view_judges(comparison: Comparison) -> tuple[JudgeView, ...]:
    """A row a judged task; none where metrics scored everything."""
    return tuple(_view(found) for found in comparison.judges)


def _view(found: JudgeDiagnosis) -> JudgeView:
    evidence = found.evidence
    votes = evidence.effective_votes
    return JudgeView(
        task=found.task,
        judges=evidence.judges,
        rubric=evidence.rubric or UNKNOWN,
        calibrated=evidence.calibrated,
        n_labels=evidence.n_labels,
        agreement=_bounds(evidence.agreement),
        ceiling=_bounds(evidence.ceiling),
        length_slope=_bounds(found.length_slope, signed=True),
        own_family=_bounds(found.own_family, signed=True),
        flip_rate=share_text(evidence.flip_rate),
        unreadable=share_text(evidence.unreadable_share),
        effective_votes=UNKNOWN if votes is None else f"{votes:.1f}",
    )


def _bounds(interval: Interval | None, *, signed: bool = False) -> str:
    if interval is None:
        return UNKNOWN
    form = "+.3f" if signed else ".2f"
    return f"{interval.value:{form}} ({interval.low:{form}} to {interval.high:{form}})"

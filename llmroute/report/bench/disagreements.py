"""Judged outcomes → where judge and people, or the judges of a panel, say different things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from llmroute.judges.recorded import PANEL_MEMBER
from llmroute.report.amounts import quality_text

if TYPE_CHECKING:
    from llmroute.records import Outcome
    from llmroute.report.attributes import ElementId
    from llmroute.report.bench.samples import SamplesView

MAX_ROWS = 20
LEAST_GAP = 0.25
"""A smaller difference is no disagreement: a step of a five-level scale."""
MAX_LEVELS = 7
"""More distinct scores are no levels but a scale, and a table of them says nothing."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One answer that was graded differently."""

    task: str
    sample_id: str
    anchor: ElementId | None
    """Of the sample on the page; None: it is not shown."""
    candidate: str
    what: str
    """'the judge 1.00, people 0.00 (2)', or each judge of a panel with its score."""
    gap: float
    """Between the scores, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """How often the judge gave each score where people gave which."""

    task: str
    levels: tuple[str, ...]
    """Scores, the lowest first."""
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    """A score of the judge, and how many labelled answers with it people put on each level."""


def view_disagreements(rows: Iterable[Outcome], samples: SamplesView) -> tuple[Disagreement, ...]:
    """The widest first, `MAX_ROWS` at most: the judge against people's mean, else its panel."""
    shown = {(one.task, one.sample_id): one.anchor for one in samples.shown}
    found = [one for row in rows if (one := _disagreement(row, shown)) is not None]
    found.sort(key=lambda one: (-one.gap, one.task, one.sample_id, one.candidate))
    return tuple(found[:MAX_ROWS])


def _disagreement(row: Outcome, shown: Mapping[tuple[str, str], ElementId]) -> Disagreement | None:
    if row.judge is None or row.score is None:
        return None
    people = fmean(row.labels.values()) if row.labels else None
    panel = {
        name.removeprefix(PANEL_MEMBER): value
        for name, value in row.parts.items()
        if name.startswith(PANEL_MEMBER)
    }
    if people is not None:
        gap = abs(row.score - people)
        said = f"people {quality_text(people)} ({len(row.labels)})"
        what = f"the judge {quality_text(row.score)}, {said}"
    elif len(panel) > 1:
        gap = max(panel.values()) - min(panel.values())
        what = ", ".join(f"{name} {quality_text(value)}" for name, value in panel.items())
    else:
        return None
    if gap < LEAST_GAP:
        return None
    anchor = shown.get((row.task, row.sample_id))
    return Disagreement(row.task, row.sample_id, anchor, row.candidate, what, gap)


def view_confusions(rows: Iterable[Outcome]) -> tuple[ConfusionView, ...]:
    """A table a judged and labelled task whose scores are few levels; none else."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.judge is not None and row.score is not None and row.labels:
            pairs.setdefault(row.task, []).append((row.score, fmean(row.labels.values())))
    found = (_confusion(task, pairs[task]) for task in pairs)
    return tuple(view for view in found if view is not None)


def _confusion(task: str, pairs: Sequence[tuple[float, float]]) -> ConfusionView | None:
    rounded = [(quality_text(judge), quality_text(people)) for judge, people in pairs]
    levels = tuple(sorted({level for pair in rounded for level in pair}, key=float))
    if len(levels) > MAX_LEVELS:
        return None
    counts = Counter(rounded)
    return ConfusionView(
        task=task,
        levels=levels,
        rows=tuple((judge, tuple(counts[judge, one] for one in levels)) for judge in levels),
    )

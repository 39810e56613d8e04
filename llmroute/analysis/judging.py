"""Judged and labelled outcomes → qualities by people's measure, and whose word each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmroute.analysis.correction import correct
from llmroute.analysis.judged import Corrected, Judged
from llmroute.judges.assess import alphas
from llmroute.judges.recorded import FLIPPED, recorded_verdicts
from llmroute.judges.table import tabulate
from llmroute.records import PANEL, Interval, JudgeEvidence, Label, Outcome

MAX_FLIP_RATE = 0.2
"""A judge that changes its mind more often when two answers change places can't compare them."""
UNREADABLE = "not_scored: unreadable verdict"


@dataclass(frozen=True, slots=True)
class TaskJudging:
    """How one task's answers were judged."""

    evidence: JudgeEvidence
    """Of the task; `of_candidate` says what of it holds for one cell."""
    corrected: Mapping[str, Corrected | str]
    """Candidate → its quality as people would find it, or why it cannot be told."""
    rows: tuple[Outcome, ...]

    @property
    def best_evidence(self) -> JudgeEvidence:
        """Of the task: calibrated where any of its cells is."""
        found = [self.of_candidate(candidate)[0] for candidate in self.corrected]
        return max(found, key=lambda one: one.calibrated, default=self.evidence)

    def of_candidate(self, candidate: str) -> tuple[JudgeEvidence, Corrected | None]:
        """The evidence behind one candidate's quality, and its correction."""
        found = self.corrected.get(candidate, "no answer of it was scored")
        if isinstance(found, str):
            return replace(self.evidence, reason=found), None
        whose = {"ppi": "of its own", "rogan_gladen": "of the task's"}[found.method]
        known = replace(
            self.evidence,
            calibrated=True,
            reason=f"corrected by {found.n_labels} {whose} labels",
            correction=found.method,
        )
        return known, found


def judge_tasks(rows: Iterable[Outcome], min_labels: int) -> dict[str, TaskJudging]:
    """Every judged task's evidence and corrections, in the order of the outcomes.

    Args:
        rows: outcomes, judged or not, labelled or not.
        min_labels: labelled answers of a task below which its judge is uncalibrated.
    """
    by_task: dict[str, list[Outcome]] = {}
    for row in rows:
        if row.judge is not None:
            by_task.setdefault(row.task, []).append(row)
    return {task: _judge_task(judged, min_labels) for task, judged in by_task.items()}


def _judge_task(rows: Sequence[Outcome], min_labels: int) -> TaskJudging:
    scored = [row for row in rows if row.score is not None]
    n_labels = sum(bool(row.labels) for row in scored)
    candidates = dict.fromkeys(row.candidate for row in scored)
    corrected: dict[str, Corrected | str]
    if n_labels < min_labels:
        why = f"{n_labels or 'none'} of the {min_labels} answers are labelled that it takes"
        corrected = dict.fromkeys(candidates, why)
    else:
        task = _arrays(scored)
        corrected = {name: correct(_of_candidate(task, scored, name), task) for name in candidates}
    return TaskJudging(_evidence(rows, n_labels), corrected, tuple(rows))


# -- arrays ---------------------------------------------------------------------------------------


def _arrays(rows: Sequence[Outcome]) -> Judged:
    """All scored answers of a task; repeats of a sample share its weight."""
    repeats = Counter((row.candidate, row.sample_id) for row in rows)
    means = [_mean(list(row.labels.values())) for row in rows]
    said = [row.score for row in rows] + [score for row in rows for score in row.labels.values()]
    clusters = [row.cluster for row in rows]
    return Judged(
        scores=np.array([row.score for row in rows], dtype=np.float64),
        labels=np.array([np.nan if mean is None else mean for mean in means]),
        weights=np.array([row.weight / repeats[row.candidate, row.sample_id] for row in rows]),
        stands_for=np.array([row.label_weight for row in rows]),
        clusters=np.unique(np.array(clusters), return_inverse=True)[1],
        right_or_wrong=all(score in (0.0, 1.0) for score in said),
    )


def _of_candidate(task: Judged, rows: Sequence[Outcome], candidate: str) -> Judged:
    own = np.array([row.candidate == candidate for row in rows])
    return Judged(
        scores=task.scores[own],
        labels=task.labels[own],
        weights=task.weights[own],
        stands_for=task.stands_for[own],
        clusters=task.clusters[own],
        right_or_wrong=task.right_or_wrong,
    )


# -- evidence -------------------------------------------------------------------------------------


def _evidence(rows: Sequence[Outcome], n_labels: int) -> JudgeEvidence:
    """What is known of a task's judge, whatever its scores are corrected by."""
    judge = rows[0].judge or ""
    agreement, ceiling, votes = _agreement(rows, judge)
    return JudgeEvidence(
        judges=tuple(judge.split(PANEL)),
        rubric=rows[0].rubric,
        calibrated=False,
        reason="",
        n_labels=n_labels,
        agreement=agreement,
        ceiling=ceiling,
        flip_rate=_mean([row.parts[FLIPPED] for row in rows if FLIPPED in row.parts]),
        unreadable_share=unreadable_share(rows),
        effective_votes=votes.value if votes is not None else None,
    )


def _agreement(
    rows: Sequence[Outcome], judge: str
) -> tuple[Interval | None, Interval | None, Interval | None]:
    """α of the judge and people, α among people, effective votes; None where nobody labelled."""
    labels = [
        Label(
            row.task, row.sample_id, row.candidate, rater, score, row.repeat,
            weight=row.label_weight, group=row.group,
        )
        for row in rows
        for rater, score in row.labels.items()
    ]  # fmt: skip
    for table in tabulate(labels, recorded_verdicts(rows, {})):
        if judge in table.judges:
            return alphas(table, judge)
    return None, None, None


def unreadable_share(rows: Iterable[Outcome]) -> float:
    """Share of unreadable verdicts among the answers a judge was asked about.

    >>> read = Outcome("t", "s", "a", score=1.0, parts={"right": 1.0})
    >>> unreadable_share([read, Outcome("t", "s", "b", reason=UNREADABLE)])
    0.5
    """
    judged = list(rows)
    unreadable = sum((row.reason or "").startswith(UNREADABLE) for row in judged)
    asked = unreadable + sum(bool(row.parts) for row in judged)
    return unreadable / asked if asked else 0.0


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None

"""Outcomes → answers for people to label: few, telling, and drawn so that they stand for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmroute.judges.labels import AnswerKey
from llmroute.judges.recorded import FLIPPED, PANEL_MEMBER
from llmroute.records import Outcome, Outcomes, Prompt

NEAR = 0.25
"""A score this close to the bar is near the boundary, unless it is 0 or 1: those are clear."""


@dataclass(frozen=True, slots=True)
class ToLabel:
    """One answer, or two beside each other, as a person is shown it."""

    key: AnswerKey
    prompt: Prompt
    answer: str
    other_answer: str | None
    """Of the rival in `key`, where two are compared."""
    weight: float
    """How many answers it stands for."""
    group: str | None


def draw_sample(
    outcomes: Outcomes,
    n: int,
    *,
    tasks: Sequence[str],
    bars: Mapping[str, float],
    rng: np.random.Generator,
    rivals: Mapping[str, str] | None = None,
) -> tuple[ToLabel, ...]:
    """Up to n answers a task: half near the boundary, all candidates and levels in their shares.

    Answers near the boundary decide how a judge is to be corrected, so they are drawn more often
    than others; each carries how many it stands for, one over its chance of being drawn, and
    estimates that use these weights are not biased by the choice (Horvitz & Thompson, JASA 47,
    1952). Within each half every k-th answer is taken after ordering by candidate and score,
    which keeps both in their shares (systematic sampling; Cochran, "Sampling Techniques", 1977,
    ch. 8).

    Args:
        outcomes: answers, judged or not.
        n: how many of each task.
        tasks: which.
        bars: task → quality threshold.
        rng: chooses, and shuffles what it has chosen.
        rivals: task → whose answers its judge compares with.
    """
    drawn: list[ToLabel] = []
    for task in tasks:
        rows = [r for r in outcomes.rows if r.task == task and r.answered and r.output]
        rival = (rivals or {}).get(task)
        beside = {(r.sample_id, r.repeat): r for r in rows if r.candidate == rival}
        for row, weight in _draw_rows(rows, n, bars.get(task), rng):
            drawn.append(_shown(row, outcomes, weight, beside, rng))
    return tuple(drawn)


def _draw_rows(
    rows: Sequence[Outcome], n: int, bar: float | None, rng: np.random.Generator
) -> list[tuple[Outcome, float]]:
    near = [row for row in rows if is_near(row, bar)]
    far = [row for row in rows if not is_near(row, bar)]
    n_near = min(len(near), max(n // 2, n - len(far)))
    chosen = [*_systematic(near, n_near, rng), *_systematic(far, n - n_near, rng)]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def is_near(row: Outcome, bar: float | None) -> bool:
    """Whether the verdict could as well have been another: a middling score, a split or a flip.

    >>> [is_near(Outcome("t", "s", "a", score=score), 0.85) for score in (0.0, 0.5, 0.75, 1.0)]
    [False, False, True, False]
    """
    votes = {value for name, value in row.parts.items() if name.startswith(PANEL_MEMBER)}
    if len(votes) > 1 or row.parts.get(FLIPPED, 0.0) > 0:
        return True
    if row.score is None or row.score in (0.0, 1.0):
        return False
    return bar is None or abs(row.score - bar) <= NEAR


def _systematic(
    rows: Sequence[Outcome], n: int, rng: np.random.Generator
) -> list[tuple[Outcome, float]]:
    """n rows at equal steps from a random start, each with how many it stands for."""
    if n >= len(rows):
        return [(row, 1.0) for row in rows]
    if n <= 0:
        return []
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    ordered = sorted(shuffled, key=lambda r: (r.candidate, -1.0 if r.score is None else r.score))
    step = len(rows) / n
    at = (rng.random() + np.arange(n)) * step
    return [(ordered[int(i)], step) for i in at]


def _shown(
    row: Outcome,
    outcomes: Outcomes,
    weight: float,
    beside: Mapping[tuple[str, int], Outcome],
    rng: np.random.Generator,
) -> ToLabel:
    """The row as a person sees it; of two answers, either comes first as often."""
    prompt = outcomes.prompts.get((row.task, row.sample_id)) or Prompt(
        row.task, row.sample_id, None
    )
    other = beside.get((row.sample_id, row.repeat))
    if other is None or other.candidate == row.candidate:
        alone: AnswerKey = (row.task, row.sample_id, row.candidate, row.repeat, None)
        return ToLabel(alone, prompt, row.output or "", None, weight, row.group)
    first, second = (row, other) if rng.random() < 0.5 else (other, row)
    both: AnswerKey = (row.task, row.sample_id, first.candidate, row.repeat, second.candidate)
    return ToLabel(both, prompt, first.output or "", second.output, weight, row.group)

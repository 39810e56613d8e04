"""Labels and verdicts → one table a task: items in rows, people and judges in columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmroute.calibration.pair import Floats, Ints
from llmroute.judges.agreement import MISSING
from llmroute.judges.labels import AnswerKey, LevelsOf, answer_key, no_levels
from llmroute.records import Label

MOST_LEVELS = 7
"""Scores of more values than these are a scale: they have no confusion matrix and no κ."""
WINNER_LEVELS = {"second": 0.0, "tie": 0.5, "first": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What people and judges say of the answers to one task that people labelled."""

    task: str
    compared: bool
    """Whether two answers stand beside each other, rather than one alone."""
    keys: tuple[AnswerKey, ...]
    people: tuple[str, ...]
    judges: tuple[str, ...]
    labels: Floats
    """Shape (n_items, n_people), in [0, 1]; NaN where a person said nothing."""
    verdicts: Floats
    """Shape (n_items, n_judges); NaN where a judge gave no readable verdict."""
    weights: Floats
    """Shape (n_items,): how many answers each stands for, beside the others; their mean is 1."""
    groups: Ints
    """Shape (n_items,): items of one group are not independent."""
    levels: Mapping[str, float]
    """Name → value, worst first; empty on a scale."""

    def codes(self, scores: Floats) -> Ints:
        """Index of each score's level, `MISSING` where there is none."""
        values = np.array(list(self.levels.values()))
        known = ~np.isnan(scores)
        at = np.abs(np.where(known, scores, 0.0)[..., None] - values).argmin(axis=-1)
        return np.where(known, at, MISSING).astype(np.int64)

    def majority(self, people: Sequence[int] | None = None) -> Floats:
        """What most of these people say of each item, shape (n_items,); NaN where it is a tie.

        On a scale, where nobody says the same, their mean.
        """
        labels = self.labels if people is None else self.labels[:, list(people)]
        if not self.levels:
            return mean_of(labels)
        values = np.array(list(self.levels.values()))
        votes = (self.codes(labels)[:, :, None] == np.arange(values.size)).sum(axis=1)
        most = votes.max(axis=1, keepdims=True)
        decided = (most[:, 0] > 0) & ((votes == most).sum(axis=1) == 1)
        return np.where(decided, values[votes.argmax(axis=1)], np.nan)


def tabulate(
    people: Iterable[Label],
    judges: Iterable[Label],
    levels: LevelsOf = no_levels,
) -> tuple[Table, ...]:
    """One table for each task, and of a task one for grades and one for comparisons.

    Args:
        people: their labels.
        judges: verdicts on the same answers; those on others are passed over.
        levels: the levels of a task's rubric.
    """
    by_task: dict[tuple[str, bool], list[Label]] = {}
    for label in people:
        by_task.setdefault((label.task, label.rival is not None), []).append(label)
    said: dict[AnswerKey, list[Label]] = {}
    for verdict in judges:
        said.setdefault(answer_key(verdict), []).append(verdict)
    return tuple(
        _tabulate(task, compared, labels, said, levels(task))
        for (task, compared), labels in by_task.items()
    )


def _tabulate(
    task: str,
    compared: bool,
    labels: Sequence[Label],
    said: Mapping[AnswerKey, Sequence[Label]],
    levels: Mapping[str, float],
) -> Table:
    first = {answer_key(label): label for label in reversed(labels)}
    keys = tuple(dict.fromkeys(answer_key(label) for label in labels))
    verdicts = [verdict for key in keys for verdict in said.get(key, ())]
    people, scores = _matrix(keys, labels)
    judges, judged = _matrix(keys, verdicts)
    groups = [first[key].group or first[key].sample_id for key in keys]
    weights = np.array([first[key].weight for key in keys])
    return Table(
        task=task,
        compared=compared,
        keys=keys,
        people=people,
        judges=judges,
        labels=scores,
        verdicts=judged,
        weights=weights / weights.mean(),
        groups=np.unique(groups, return_inverse=True)[1].astype(np.int64),
        levels=WINNER_LEVELS if compared else _levels(levels, scores, judged),
    )


def _matrix(keys: Sequence[AnswerKey], labels: Sequence[Label]) -> tuple[tuple[str, ...], Floats]:
    raters = tuple(dict.fromkeys(label.rater for label in labels))
    rows = {key: row for row, key in enumerate(keys)}
    columns = {rater: column for column, rater in enumerate(raters)}
    matrix = np.full((len(keys), len(raters)), np.nan)
    for label in labels:
        matrix[rows[answer_key(label)], columns[label.rater]] = label.score
    return raters, matrix


def _levels(known: Mapping[str, float], *scores: Floats) -> Mapping[str, float]:
    """The rubric's levels where every score is one of them, else the values that occur."""
    values = np.unique(np.concatenate([part[~np.isnan(part)].round(9) for part in scores]))
    names = {value: name for name, value in reversed(tuple(known.items()))}
    if names and set(values) <= set(names):
        return {names[value]: value for value in sorted(names)}
    return {f"{value:.3g}": float(value) for value in values} if values.size <= MOST_LEVELS else {}


def mean_of(scores: Floats) -> Floats:
    """Mean of each row over what is there, shape (n_items,); NaN where nothing is."""
    known = ~np.isnan(scores)
    n = known.sum(axis=1)
    means = np.where(known, scores, 0.0).sum(axis=1) / np.maximum(n, 1)
    return np.where(n > 0, means, np.nan)

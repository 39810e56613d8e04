"""Outcomes × people's labels → the same outcomes, each with what people say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from llmroute.judges.labels import AnswerKey, answer_digest, answer_key
from llmroute.judges.recorded import about_answer
from llmroute.records import Label, Outcome


@dataclass(frozen=True, slots=True)
class Labelled:
    """Outcomes with their labels, and what became of labels that found no answer."""

    rows: tuple[Outcome, ...]
    n_outdated: int = 0
    """Labels of answers that have been replaced since."""
    n_elsewhere: int = 0
    """Labels of answers that are not among the outcomes."""


def attach_labels(
    rows: Sequence[Outcome], labels: Iterable[Label], rivals: Mapping[str, str]
) -> Labelled:
    """The outcomes with these labels instead of any they had.

    Args:
        rows: outcomes.
        labels: people's.
        rivals: task → the candidate whose answers its judge compares with.
    """
    by_answer: dict[AnswerKey, list[Label]] = {}
    n_labels = n_outdated = n_used = 0
    for label in labels:
        by_answer.setdefault(answer_key(label), []).append(label)
        n_labels += 1
    found = []
    for row in rows:
        key, swapped = about_answer(row, rivals.get(row.task))
        said = by_answer.get(key, []) if row.answered else []
        current = [label for label in said if _is_current(label, row)]
        n_used += len(current)
        n_outdated += len(said) - len(current)
        found.append(_with_labels(row, current, swapped))
    return Labelled(tuple(found), n_outdated, n_labels - n_used - n_outdated)


def _with_labels(row: Outcome, labels: Sequence[Label], swapped: bool) -> Outcome:
    return replace(
        row,
        labels={one.rater: 1.0 - one.score if swapped else one.score for one in labels},
        label_weight=labels[0].weight if labels else 1.0,
    )


def _is_current(label: Label, row: Outcome) -> bool:
    """Whether the answer that was read is still the one that is judged."""
    if label.answer_digest is None or row.output is None:
        return True
    return answer_digest(row.output) == label.answer_digest

"""Outcomes → what judges said of the answers in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from llmroute.errors import InputError, did_you_mean
from llmroute.judges.labels import AnswerKey, answer_key, item_id
from llmroute.records import JudgeUse, Label, Outcome

PANEL_MEMBER = "judge "
"""Before a judge's name among `Outcome.parts`: its own verdict in a panel."""
FLIPPED = "flipped"
"""The part that says whether a comparison turned when the answers changed places."""
MOST_LISTED = 10


def rivals_of(
    rows: Iterable[Outcome], uses: Mapping[str, JudgeUse], reference: str | None
) -> dict[str, str]:
    """Task → the candidate whose answers its judge compares with, for tasks that are compared.

    Args:
        rows: outcomes of the tasks.
        uses: task → how it is judged, where that is known.
        reference: whom comparisons are with where it is not, as in outcomes files.
    """
    compared = {row.task for row in rows if FLIPPED in row.parts and row.task not in uses}
    unknown = {} if reference is None else dict.fromkeys(sorted(compared), reference)
    return unknown | {task: use.pairwise for task, use in uses.items() if use.pairwise}


def recorded_verdicts(rows: Iterable[Outcome], rivals: Mapping[str, str]) -> tuple[Label, ...]:
    """A label for each verdict: the judge's, or the panel's and each of its members'.

    Args:
        rows: outcomes, judged or not; scores of metrics are passed over.
        rivals: as of `rivals_of`.
    """
    return tuple(verdict for row in rows for verdict in _verdicts(row, rivals.get(row.task)))


def answer_keys(rows: Iterable[Outcome], rivals: Mapping[str, str]) -> set[AnswerKey]:
    """All answers that a label can be about, alone or beside the task's rival's."""
    return {about_answer(row, rivals.get(row.task))[0] for row in rows if row.answered}


def answer_items(keys: Iterable[AnswerKey]) -> dict[str, AnswerKey]:
    """What each `item` of a sample stands for, two answers in either order."""
    keys = set(keys)
    swapped = {(t, s, rival, r, one) for t, s, one, r, rival in keys if rival is not None}
    return {item_id(key): key for key in keys | swapped}


def check_known(labels: Sequence[Label], known: set[AnswerKey], where: str) -> None:
    """Nothing, where every label is about an answer that is there.

    Args:
        labels: as they were read.
        known: the answers of the run or file.
        where: its name, for the message.

    Raises:
        InputError: some are not; the first ten with file, line and the closest name.
    """
    lost = [label for label in labels if answer_key(label) not in known]
    if not lost:
        return
    lines = [f"{label.where}: {_what_is_unknown(label, known)}" for label in lost[:MOST_LISTED]]
    more = len(lost) - len(lines)
    lines += [f"and {more} more"] if more > 0 else []
    first, *others = lines
    place, _, what = first.partition(": ")
    raise InputError(
        "\n".join([what, *others]),
        where=place,
        fix=f"The answers come from {where}; name another with --run or --data.",
    )


def _what_is_unknown(label: Label, known: set[AnswerKey]) -> str:
    """The first part of the label's key that nothing in the run has, with the closest name."""
    parts = (label.task, label.sample_id, label.candidate)
    for depth, kind in enumerate(("task", "sample", "candidate")):
        there = {str(key[depth]) for key in known if key[:depth] == parts[:depth]}
        if parts[depth] not in there:
            hint = did_you_mean(parts[depth], sorted(there), kind=kind)
            return f"unknown {kind} {parts[depth]!r}. {hint}"
    beside = f" beside {label.rival!r}" if label.rival else ""
    return (
        f"no answer of {label.candidate!r}{beside} to {label.sample_id!r} as repeat {label.repeat}"
    )


def about_answer(row: Outcome, rival: str | None) -> tuple[AnswerKey, bool]:
    """What a label of the row's answer is about, and whether it scores the rival's answer.

    A comparison's label names the candidate and the rival in alphabetical order; the rival's own
    answers are compared with nothing.
    """
    own = row.candidate
    if rival is None or rival == own:
        return (row.task, row.sample_id, own, row.repeat, None), False
    first, second = sorted((own, rival))
    return (row.task, row.sample_id, first, row.repeat, second), second == own


def _verdicts(row: Outcome, rival: str | None) -> Iterator[Label]:
    if row.judge is None:
        return
    (task, sample_id, candidate, repeat, other), swapped = about_answer(row, rival)
    said = {
        name.removeprefix(PANEL_MEMBER): score
        for name, score in row.parts.items()
        if name.startswith(PANEL_MEMBER)
    }
    if row.score is not None:
        said[row.judge] = row.score
    for judge, score in said.items():
        score = 1.0 - score if swapped else score
        yield Label(task, sample_id, candidate, judge, score, repeat, rival=other, group=row.group)


def judged_tasks(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Tasks that a judge scored, in order."""
    return tuple(dict.fromkeys(row.task for row in outcomes if row.judge is not None))

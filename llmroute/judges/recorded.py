"""Outcomes → what judges said of the answers in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmroute.errors import InputError, did_you_mean
from llmroute.judges.labels import AnswerKey, answer_key, item_id
from llmroute.records import Label, Outcome, Outcomes

PANEL_MEMBER = "judge "
"""Before a judge's name among `Outcome.parts`: its own verdict in a panel."""
FLIPPED = "flipped"
"""The part that says whether a comparison turned when the answers changed places."""
MOST_LISTED = 10


def recorded_verdicts(outcomes: Outcomes, reference: str | None = None) -> tuple[Label, ...]:
    """A label for each verdict: the judge's, or the panel's and each of its members'.

    Args:
        outcomes: judged or not; scores of metrics are passed over.
        reference: whose answers comparisons were made with.
    """
    return tuple(verdict for row in outcomes.rows for verdict in _verdicts(row, reference))


def answer_keys(outcomes: Outcomes, reference: str | None = None) -> set[AnswerKey]:
    """All answers in the outcomes that a label can be about, alone and beside the reference's."""
    keys: set[AnswerKey] = set()
    for row in outcomes.rows:
        if row.answered:
            keys.add((row.task, row.sample_id, row.candidate, row.repeat, None))
            keys.add(answer_key(_beside(row, reference, 0.0, "")))
    return keys


def answer_items(outcomes: Outcomes, reference: str | None = None) -> dict[str, AnswerKey]:
    """What each `item` of a sample stands for, two answers in either order."""
    keys = answer_keys(outcomes, reference)
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


def _verdicts(row: Outcome, reference: str | None) -> Iterator[Label]:
    if row.judge is None:
        return
    for name, score in row.parts.items():
        if name.startswith(PANEL_MEMBER):
            yield _verdict(row, reference, score, name.removeprefix(PANEL_MEMBER))
    if row.score is not None:
        yield _verdict(row, reference, row.score, row.judge)


def _verdict(row: Outcome, reference: str | None, score: float, judge: str) -> Label:
    if FLIPPED in row.parts:
        return _beside(row, reference, score, judge)
    return Label(row.task, row.sample_id, row.candidate, judge, score, row.repeat, group=row.group)


def _beside(row: Outcome, reference: str | None, score: float, judge: str) -> Label:
    """A verdict on the candidate's answer beside the reference's, the two in alphabetical order."""
    if reference is None or reference == row.candidate:
        pair: tuple[str, str | None] = row.candidate, None
    elif reference < row.candidate:
        pair, score = (reference, row.candidate), 1.0 - score
    else:
        pair = row.candidate, reference
    return Label(
        row.task, row.sample_id, pair[0], judge, score, row.repeat, pair[1], group=row.group
    )


def judged_tasks(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Tasks that a judge scored, in order."""
    return tuple(dict.fromkeys(row.task for row in outcomes if row.judge is not None))

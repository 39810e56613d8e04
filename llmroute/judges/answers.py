"""The stored answers of judged suites → their scores, by what the store holds of the judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from llmroute.judges.grading import Grader, graders
from llmroute.plan.matrix import Plan
from llmroute.records import Call, Completion, Failure, Score
from llmroute.store.reader import StoreReader

BATCH = 2000
"""Answers in memory at once."""
NOT_JUDGED = Score(None, reason="not_scored: no judge has been asked")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Graded:
    """A stored answer, and what the replies of its judges make of it."""

    call: Call
    key: str
    """The score's in the store."""
    score: Score
    is_new: bool
    """Whether the score counts and is not in the store yet."""


def grade_stored(plan: Plan, reader: StoreReader) -> Iterator[Graded]:
    """Every stored answer to a judged suite with its score, or why there is none."""
    by_suite = graders(plan)
    for batch in batched((call for call in plan.calls if call.suite in by_suite), BATCH):
        yield from _grade_batch(batch, by_suite, reader)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`.

    >>> list(batched("abc", 2))
    [['a', 'b'], ['c']]
    """
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def _grade_batch(
    batch: Sequence[Call], by_suite: Mapping[str, Grader], reader: StoreReader
) -> Iterator[Graded]:
    keys = [by_suite[call.suite].score_key(call.sample_id) for call in batch]
    known = reader.scores((call.key, key) for call, key in zip(batch, keys, strict=True))
    answers = {answer.key: answer.output for answer in reader.completions(c.key for c in batch)}
    ungraded = []
    for call, key in zip(batch, keys, strict=True):
        if (call.key, key) in known:
            yield Graded(call, key, known[call.key, key], is_new=False)
        elif call.key in answers:
            ungraded.append((call, answers[call.key]))
    for call, score in _grade(ungraded, by_suite, reader):
        grader = by_suite[call.suite]
        is_new = score.value is not None and grader.keeps_scores
        yield Graded(call, grader.score_key(call.sample_id), score, is_new)


def _grade(
    answered: Sequence[tuple[Call, str]], by_suite: Mapping[str, Grader], reader: StoreReader
) -> Iterator[tuple[Call, Score]]:
    """Each answer's score, round by round: after an unreadable reply another was asked for."""
    replies: dict[str, Completion | Failure] = {}
    while answered:
        waiting: list[tuple[Call, str]] = []
        keys: set[str] = set()
        for call, output in answered:
            found = by_suite[call.suite].grade(call, output, replies)
            if isinstance(found, Score):
                yield call, found
            else:
                waiting.append((call, output))
                keys.update(asked.key for asked in found)
        failed = reader.failures(keys)
        learned = failed | {reply.key: reply for reply in reader.completions(keys)}
        if not learned.keys() - replies.keys():
            yield from ((call, NOT_JUDGED) for call, _ in waiting)
            return
        replies |= learned
        answered = waiting

"""The stored answers of judged suites → their scores, by what the store holds of the judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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


def verdict_keys(plan: Plan, reader: StoreReader, candidate: str | None = None) -> set[str]:
    """Keys of what the store holds of judges about the plan's answers, or one candidate's."""
    keys = {key for replies in _all_replies(plan, reader, candidate) for key in replies.known}
    return keys - {call.key for call in plan.calls}


def judges_spending(plan: Plan, reader: StoreReader) -> tuple[float, int]:
    """Dollars that the verdicts about the plan's answers cost, and how many have no known cost."""
    costs: dict[str, float | None] = {}
    for replies in _all_replies(plan, reader):
        for key, reply in replies.known.items():
            if isinstance(reply, Completion) and key in replies.asked:
                costs[key] = reply.cost_usd(replies.asked[key].candidate.price)
    known = [cost for cost in costs.values() if cost is not None]
    return sum(known), len(costs) - len(known)


def _all_replies(
    plan: Plan, reader: StoreReader, candidate: str | None = None
) -> Iterator[_Replies]:
    """What the store holds of judges about the plan's answers, a batch of answers at a time."""
    by_suite = graders(plan)
    judged = (
        call
        for call in plan.calls
        if call.suite in by_suite and candidate in (None, call.candidate.name)
    )
    for batch in batched(judged, BATCH):
        replies = _Replies(reader)
        for _ in _grade(_answered(batch, reader), by_suite, replies):
            pass
        yield replies


@dataclass(slots=True)
class _Replies:
    """What the store holds of the calls that gradings have named so far."""

    reader: StoreReader
    known: dict[str, Completion | Failure] = field(default_factory=dict)
    asked: dict[str, Call] = field(default_factory=dict)
    """The calls by which judges were asked."""

    def learn(self, calls: Mapping[str, Call]) -> bool:
        """Look the calls up, by key; whether anything new was found."""
        before, keys = len(self.known), calls.keys()
        self.asked |= calls
        self.known |= self.reader.failures(keys)
        self.known |= self.reader.answers(keys)
        return len(self.known) > before


def _grade_batch(
    batch: Sequence[Call], by_suite: Mapping[str, Grader], reader: StoreReader
) -> Iterator[Graded]:
    keys = [by_suite[call.suite].score_key(call.sample_id) for call in batch]
    known = reader.scores((call.key, key) for call, key in zip(batch, keys, strict=True))
    open_calls = []
    for call, key in zip(batch, keys, strict=True):
        if (call.key, key) in known:
            yield Graded(call, key, known[call.key, key], is_new=False)
        else:
            open_calls.append(call)
    for call, score in _grade(_answered(open_calls, reader), by_suite, _Replies(reader)):
        grader = by_suite[call.suite]
        is_new = score.value is not None and grader.keeps_scores
        yield Graded(call, grader.score_key(call.sample_id), score, is_new)


def _answered(calls: Sequence[Call], reader: StoreReader) -> list[tuple[Call, str]]:
    outputs = {answer.key: answer.output for answer in reader.completions(c.key for c in calls)}
    return [(call, outputs[call.key]) for call in calls if call.key in outputs]


def _grade(
    answered: Sequence[tuple[Call, str]], by_suite: Mapping[str, Grader], replies: _Replies
) -> Iterator[tuple[Call, Score]]:
    """Each answer's score, round by round: after an unreadable reply another was asked for."""
    while answered:
        waiting: list[tuple[Call, str]] = []
        named: dict[str, Call] = {}
        for call, output in answered:
            found = by_suite[call.suite].grade(call, output, replies.known)
            if isinstance(found, Score):
                yield call, found
            else:
                waiting.append((call, output))
                named |= {asked.key: asked for asked in found}
        if not replies.learn(named):
            yield from ((call, NOT_JUDGED) for call, _ in waiting)
            return
        answered = waiting

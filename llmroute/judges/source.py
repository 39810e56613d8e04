"""Calls of a run → the same calls, and those to the judges as answers come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from llmroute.calls.source import CallSource
from llmroute.judges.grading import Grader
from llmroute.records import Call, Completion, Failure, Score

Recall = Callable[[Collection[str]], Mapping[str, Completion]]
"""Call keys → the answers the store holds of them."""


class AnswerSource(CallSource, Protocol):
    """Decides which answers are asked for, and is told what became of them."""

    def done(self, call: Call, result: Completion | Failure) -> None:
        """A call that no judge grades is answered, or a call has failed."""
        ...

    def scored(self, call: Call, completion: Completion, score: float | None) -> None:
        """An answer is graded; None: there is no verdict that counts."""
        ...


class Grid:
    """An `AnswerSource` that asks everything at once."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls: Sequence[Call] | None = calls

    def next_calls(self) -> Iterable[Call] | None:
        """All calls, and then None."""
        calls, self._calls = self._calls, None
        return calls

    def done(self, call: Call, result: Completion | Failure) -> None:
        """Nothing hangs on it."""

    def scored(self, call: Call, completion: Completion, score: float | None) -> None:
        """Nothing hangs on it."""


@dataclass(slots=True, eq=False)
class _Grading:
    """An answer on its way to a score."""

    call: Call
    completion: Completion
    grader: Grader
    replies: dict[str, Completion | Failure] = field(default_factory=dict)


class JudgedSource:
    """A `CallSource`: hands on what `inner` asks for, and asks judges about each answer it gets.

    What the store already holds of judged suites is looked up here, answers and verdicts alike.
    """

    def __init__(
        self,
        inner: AnswerSource,
        graders: Mapping[str, Grader],
        recall: Recall,
        *,
        refresh: bool = False,
    ) -> None:
        """Nothing is asked yet.

        Args:
            inner: which answers are wanted.
            graders: suite → its grader; of other suites nothing is graded here.
            recall: looks stored answers up.
            refresh: answers are asked again; verdicts on the same answer are not.
        """
        self._inner = inner
        self._graders = graders
        self._recall = recall
        self._refresh = refresh
        self._wanted: Counter[str] = Counter()
        """Key → calls that `inner` waits for: a rival's answer may come without being asked for."""
        self._queue: list[Call] = []
        self._waiting: dict[str, list[_Grading]] = {}
        self._n_open = 0
        """Answers of judged suites that were asked for and are not graded yet."""

    def next_calls(self) -> Iterable[Call] | None:
        """Calls to judges that have fallen due, and what `inner` wants next."""
        while True:
            asked = self._inner.next_calls()
            unknown = self._look_up(asked or ())
            calls = [*self._take_queue(), *unknown]
            if calls:
                return calls
            if not asked:
                return () if asked is not None or self._n_open else None

    def done(self, call: Call, result: Completion | Failure) -> None:
        """Take in what came of a call, of whichever kind."""
        if self._wanted[call.key]:
            self._wanted[call.key] -= 1
            self._answered(call, result)
        for grading in self._waiting.pop(call.key, ()):
            grading.replies[call.key] = result
            self._go_on(grading)

    def _answered(self, call: Call, result: Completion | Failure) -> None:
        grader = self._graders.get(call.suite)
        if grader is not None and isinstance(result, Completion):
            self._go_on(_Grading(call, result, grader))
        else:
            self._n_open -= grader is not None
            self._inner.done(call, result)

    def _look_up(self, calls: Iterable[Call]) -> list[Call]:
        """Those of the calls that must be sent; the answers to the others are taken in."""
        calls = list(calls)
        judged = [call.key for call in calls if call.suite in self._graders]
        self._n_open += len(judged)
        known = {} if self._refresh or not judged else self._recall(judged)
        unknown = [call for call in calls if call.key not in known]
        self._wanted.update(call.key for call in unknown)
        for call in calls:
            if call.key in known:
                self._answered(call, known[call.key])
        return unknown

    def _take_queue(self) -> list[Call]:
        queue, self._queue = self._queue, []
        return queue

    def _go_on(self, grading: _Grading) -> None:
        """As far as what is known allows: to its score, or to calls that it waits for."""
        while True:
            found = grading.grader.grade(grading.call, grading.completion.output, grading.replies)
            if isinstance(found, Score):
                self._n_open -= 1
                self._inner.scored(grading.call, grading.completion, found.value)
                return
            known = self._recall([call.key for call in found if call.key not in self._waiting])
            if not known:
                self._wait(grading, found)
                return
            grading.replies.update(known)

    def _wait(self, grading: _Grading, calls: Sequence[Call]) -> None:
        for call in calls:
            if call.key not in self._waiting and not self._wanted[call.key]:
                self._queue.append(call)
            waiting = self._waiting.setdefault(call.key, [])
            if grading not in waiting:
                waiting.append(grading)

"""The answers of a plan → their scores, each computed once and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from llmroute.judges.answers import BATCH, batched, grade_stored
from llmroute.plan.matrix import Plan
from llmroute.records import Call, Completion, Sample, Score, Suite
from llmroute.sandbox.pool import open_pool
from llmroute.scores.score import Scorer, build_scorer
from llmroute.store.reader import StoreReader
from llmroute.store.writer import StoreWriter

if TYPE_CHECKING:
    from concurrent.futures import Executor


def score_answers(plan: Plan, store: StoreWriter, reader: StoreReader) -> None:
    """Score every stored answer of the plan that has no score yet.

    What judges have said is read from the store; a score that lacks a verdict is not kept. Where
    scoring runs code, several answers are scored at once, in sandboxes of their own; what each
    scores does not depend on the others. One that could not be scored is tried again next time.
    """
    with open_pool() as pool:
        for batch in batched(scorings(plan), BATCH):
            known = reader.scored((s.call.key, s.key) for s in batch)
            missing = {s.call.key: s for s in batch if (s.call.key, s.key) not in known}
            if missing:
                store.put_scores(_scored(missing, reader.completions(missing), pool))
    for found in batched(grade_stored(plan, reader), BATCH):
        store.put_scores((g.call.key, g.key, g.score) for g in found if g.is_new)
    store.flush()


def _scored(
    scorings: Mapping[str, Scoring], answers: Iterable[Completion], pool: Executor
) -> Iterator[tuple[str, str, Score]]:
    """(answer key, scorer key, score) of each answer; those that run code last, in their order."""
    running: list[tuple[Scoring, str]] = []
    for answer in answers:
        scoring = scorings[answer.key]
        if scoring.runs_code:
            running.append((scoring, answer.output))
        else:
            yield answer.key, scoring.key, scoring.score(answer.output)
    scores = pool.map(lambda one: one[0].score(one[1]), running)
    for (scoring, _), score in zip(running, scores, strict=True):
        yield scoring.call.key, scoring.key, score


def recall_scores(plan: Plan, reader: StoreReader) -> dict[str, Score]:
    """Call key → score, for the plan's answers that have one, or a reason why not."""
    scores = {
        key: score
        for batch in batched(scorings(plan), BATCH)
        for (key, _), score in reader.scores((s.call.key, s.key) for s in batch).items()
    }
    return scores | {graded.call.key: graded.score for graded in grade_stored(plan, reader)}


class Scoring:
    """One planned scoring: a call, and how its answer is scored."""

    __slots__ = ("_sample", "_scorer", "call", "key")

    def __init__(self, call: Call, sample: Sample, scorer: Scorer, key: str) -> None:
        self.call = call
        self.key = key
        self._sample = sample
        self._scorer = scorer

    @property
    def runs_code(self) -> bool:
        """Whether scoring takes long, because it runs what was written."""
        return self._scorer.runs_code

    def score(self, output: str) -> Score:
        """The output's score."""
        return self._scorer.score(self._sample, output)


def scorings(plan: Plan) -> Iterator[Scoring]:
    """How each call of the plan is scored, in plan order; judged suites are left out."""
    by_name = {suite.name: _SuiteScoring(suite) for suite in plan.suites if not suite.judge}
    for call in plan.calls:
        if call.suite in by_name:
            yield by_name[call.suite].of(call)


class _SuiteScoring:
    def __init__(self, suite: Suite) -> None:
        self._scorer = build_scorer(suite)
        self._samples = {s.id: (s, self._scorer.score_key(s)) for s in suite.samples}

    def of(self, call: Call) -> Scoring:
        sample, key = self._samples[call.sample_id]
        return Scoring(call, sample, self._scorer, key)

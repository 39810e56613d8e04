"""Plan → the calls its races still need, as answers come in."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, Future, wait

import numpy as np

from llmroute.errors import InputError
from llmroute.judges.grading import graders
from llmroute.plan.estimate import expected_call_costs
from llmroute.plan.matrix import Plan
from llmroute.race.race import TaskRace
from llmroute.race.rule import RISK, RaceCandidate, RaceRule
from llmroute.records import (
    Call,
    Completion,
    Failure,
    QualityRule,
    QualityThreshold,
    Score,
    TaskLimits,
)
from llmroute.sandbox.pool import open_pool
from llmroute.scores.answers import Scoring, scorings
from llmroute.scores.score import build_scorer


class RaceSource:
    """A `CallSource` over the races of all tasks: looks up what is stored, asks the rest.

    Answers that a judge grades are not looked up here: `JudgedSource` tells of them. Answers whose
    scoring runs code are scored beside the calls in flight, which would otherwise stand still and
    look slow: `close` lets go of those.
    """

    def __init__(
        self,
        plan: Plan,
        races: Mapping[str, TaskRace],
        limits: Mapping[str, TaskLimits],
        answers: Mapping[str, Completion],
    ) -> None:
        self._races = races
        self._limits = limits
        self._scorings: dict[str, Scoring] = {s.call.key: s for s in scorings(plan)}
        self._answers = {key: a for key, a in answers.items() if key in self._scorings}
        self._calls: dict[tuple[str, str, str], list[Call]] = defaultdict(list)
        for call in plan.calls:
            self._calls[call.task, call.candidate.name, call.sample_id].append(call)
        self._asked: set[tuple[str, str, str]] = set()
        self._latencies: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._n_under_way = 0
        """Calls that were handed out, and of which nothing was heard yet."""
        self._pool: Executor | None = None
        self._running: deque[tuple[Call, Completion, Future[Score]]] = deque()

    def close(self) -> None:
        """Let go of what is still being scored."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def next_calls(self) -> Iterable[Call] | None:
        """The calls that the races wait for and that were not handed out yet; None at the end."""
        while True:
            self._take_scores()
            more = [call for task in self._races for call in self._next_of(task)]
            self._n_under_way += len(more)
            if more or self._n_under_way or not self._running:
                break
            wait([self._running[0][2]])  # nothing is under way: nobody would ask again
        if more or self._running:
            return more
        return None if all(race.decided for race in self._races.values()) else ()

    def done(self, call: Call, result: Completion | Failure) -> None:
        """Tell the race what came of a call that was handed out."""
        self._n_under_way -= 1
        if isinstance(result, Completion):
            self.answered(call, result)
        else:
            self.failed(call)

    def scored(self, call: Call, completion: Completion, score: float | None) -> None:
        """Tell the race of the answer to a call that was handed out, graded elsewhere."""
        self._n_under_way -= 1
        self._tell(call, completion, score)

    def answered(self, call: Call, completion: Completion) -> None:
        """Score an answer and tell its race, later where scoring runs code."""
        scoring = self._scorings[call.key]
        if not scoring.runs_code:
            self._tell(call, completion, scoring.score(completion.output).value)
            return
        self._pool = self._pool or open_pool()
        future = self._pool.submit(scoring.score, completion.output)
        self._running.append((call, completion, future))

    def _take_scores(self) -> None:
        """Tell the races of the answers that have been scored meanwhile, in the order they came."""
        while self._running and self._running[0][2].done():
            call, completion, future = self._running.popleft()
            self._tell(call, completion, future.result().value)

    def _tell(self, call: Call, completion: Completion, score: float | None) -> None:
        cost = completion.cost_usd(call.candidate.price)
        if completion.latency_s is not None:
            self._latencies[call.task, call.candidate.name].append(completion.latency_s)
        self._record(call, score, cost)

    def failed(self, call: Call) -> None:
        """Tell the race that a call has no answer."""
        self._record(call, None, None)

    def _record(self, call: Call, score: float | None, cost_usd: float | None) -> None:
        self._races[call.task].record(
            call.candidate.name, call.sample_id, score, cost_usd, repeat=call.repeat
        )

    def _next_of(self, task: str) -> list[Call]:
        """This task's calls to send now, after all it can learn from stored answers."""
        while True:
            pairs = [(task, *pair) for pair in self._races[task].next_batch()]
            new = [pair for pair in pairs if pair not in self._asked]
            if not new and not (not pairs and self._breaks_a_limit(task)):
                return []
            self._asked.update(new)
            calls = [call for pair in new for call in self._calls[pair]]
            for call in calls:
                if call.key in self._answers:
                    self.answered(call, self._answers[call.key])
            unknown = [call for call in calls if call.key not in self._answers]
            if unknown:
                return unknown

    def _breaks_a_limit(self, task: str) -> bool:
        """Take a decided race's route out again where it breaks a limit of the task."""
        race, limits = self._races[task], self._limits.get(task, TaskLimits())
        if race.route is None:
            return False
        latencies = self._latencies[task, race.route]
        p95 = float(np.quantile(latencies, 0.95)) if latencies else None
        cost = next(s.cost_usd for s in race.standings if s.candidate == race.route)
        for value, most, what in (
            (p95, limits.max_latency_p95_s, "p95 latency"),
            (None if cost is None else 1000 * cost, limits.max_cost_usd_per_1k, "cost"),
        ):
            if most is not None and (value is None or value > most):
                race.rule_out(race.route, f"its {what} is over the limit")
                return True
        return False


def lay_out_races(
    plan: Plan,
    rule: QualityRule,
    *,
    thresholds: Mapping[str, QualityThreshold],
    limits: Mapping[str, TaskLimits],
    reference: str | None,
    seed: int,
) -> dict[str, TaskRace]:
    """Task → its race, nothing asked yet.

    Args:
        plan: the grid that is raced.
        rule: evidence, confidence, margin, coverage and the default bar.
        thresholds: task → its own bar.
        limits: task → limits; excluded candidates take no part.
        reference: answers where none clears; a race must know it, the grid may look for it.
        seed: the run's; with the task it gives the order of the samples.

    Raises:
        InputError: no reference is named.
    """
    if reference is None:
        raise InputError(
            "a race needs a reference: what answers where no candidate clears",
            where="--strategy race",
            fix="Name it under 'reference:' or with --reference, or run the whole grid.",
        )
    costs = expected_call_costs(plan)
    by_judge = graders(plan)
    races = {}
    for suite in plan.suites:
        excluded = limits.get(suite.task, TaskLimits()).excluded
        taking_part = [c for c in plan.candidates if c.name not in excluded]
        races[suite.task] = TaskRace(
            suite.task,
            suite.samples,
            [_race_candidate(c.name, costs[suite.task, c.name]) for c in taking_part],
            RaceRule(
                rule,
                threshold=thresholds.get(suite.task),
                reference=reference,
                right_or_wrong=(by_judge.get(suite.name) or build_scorer(suite)).right_or_wrong,
                n_compared=len(plan.candidates),
                repeats=plan.repeats,
                risk=RISK,
            ),
            seed=seed,
        )
    return races


def _race_candidate(name: str, cost: tuple[float, float] | None) -> RaceCandidate:
    if cost is None:
        return RaceCandidate(name, None)
    return RaceCandidate(name, cost[0], least_cost_usd=cost[1])

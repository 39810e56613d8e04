"""Answers at hand × judges → scores, by ordinary calls: planned, capped, kept and resumed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from llmroute.asking import Listener, ask
from llmroute.calls.budget import Ledger, check_affordable
from llmroute.judges.grading import expected_calls, graders
from llmroute.judges.source import Grid, JudgedSource
from llmroute.plan.estimate import PlanEstimate, estimate_plan
from llmroute.plan.matrix import Plan
from llmroute.plan.resume import stored_answers
from llmroute.records import Call, Completion, Config
from llmroute.store.reader import StoreReader
from llmroute.store.writer import StoreWriter


@dataclass(frozen=True, slots=True)
class Grades:
    """What the judges said."""

    scores: Mapping[str, float | None]
    """Key of an answered call → its score; None: there is no verdict that counts."""
    n_unsent: int
    interrupted: bool
    spent_usd: float


def estimate_grading(config: Config, plan: Plan, answers: Mapping[str, Completion]) -> PlanEstimate:
    """What the verdicts will cost, given those the store already holds.

    Args:
        config: whose store and limits are used.
        plan: its calls are answered already.
        answers: call key → its answer.
    """
    calls = expected_calls(plan, answers)
    return estimate_plan(
        plan,
        {**answers, **stored_answers(config.store, calls)},
        config.quality,
        concurrency=config.concurrency,
        judge_calls=list({call.key: call for call in calls}.values()),
    )


def grade_answers(
    config: Config,
    plan: Plan,
    answers: Mapping[str, Completion],
    *,
    env: Mapping[str, str],
    listener: Listener,
    command: str,
    offline: bool = False,
    wait_s: float = 0.0,
) -> Grades:
    """Ask for every verdict that the store does not hold.

    Args:
        config: how to run it; its budget is the cap.
        plan: its calls are answered already, its judges are asked.
        answers: call key → its answer.
        env: where keys are found.
        listener: is told how it goes.
        command: shown to whoever finds the store busy.
        offline: send nothing; verdicts come from the store and from programs in this process.
        wait_s: how long to wait for another bench on the same store.

    Raises:
        OutsideError: `offline`, and verdicts are missing.
        StoreError: the store cannot be written.
    """
    ledger = Ledger(config.budget.max_usd)
    if config.budget.max_usd is not None:
        check_affordable(expected_calls(plan, answers), config.budget.max_usd)
    with (
        StoreWriter.open(config.store, command=command, wait_s=wait_s) as store,
        StoreReader.open(config.store) as reader,
    ):

        def recall(keys: Collection[str]) -> dict[str, Completion]:
            ours = {key: answers[key] for key in keys if key in answers}
            return ours | reader.answers(k for k in keys if k not in ours)

        graded = _Graded(plan.calls)
        source = JudgedSource(graded, graders(plan), recall)
        listener.planned(plan, len(plan.calls))
        interrupted = ask(source, plan, config, ledger, store, listener, env, offline=offline)
    return Grades(graded.scores, ledger.unsent, interrupted, ledger.spent_usd)


class _Graded(Grid):
    """The calls, all at once, and the score of each as it comes."""

    def __init__(self, calls: Sequence[Call]) -> None:
        super().__init__(calls)
        self.scores: dict[str, float | None] = {}

    def scored(self, call: Call, completion: Completion, score: float | None) -> None:  # noqa: ARG002
        self.scores[call.key] = score

"""Calls, and what became of them → Outcomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.records import PANEL, Outcome, Outcomes, Prompt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmroute.records import Call, Completion, Failure, JudgeUse, Sample, Score, Suite

NOT_ASKED = "not_asked"
"""The reason of a planned call that was never sent: stopped, raced out, beyond the cap."""


def collect_outcomes(
    calls: Iterable[Call],
    suites: Iterable[Suite],
    completions: Mapping[str, Completion],
    failures: Mapping[str, Failure],
    scores: Mapping[str, Score],
) -> Outcomes:
    """One outcome for each planned call, in plan order, and each prompt once.

    Args:
        calls: the plan.
        suites: the suites it was made from.
        completions: `Call.key` → answer.
        failures: `Call.key` → why there is none.
        scores: `Call.key` → score; an answer without one is not scored.
    """
    suites = tuple(suites)
    samples = {(suite.name, sample.id): sample for suite in suites for sample in suite.samples}
    judges = {suite.name: suite.judge for suite in suites}
    rows: list[Outcome] = []
    prompts: dict[tuple[str, str], Prompt] = {}
    for call in calls:
        sample = samples[call.suite, call.sample_id]
        answer = completions.get(call.key)
        outcome = _unanswered(call, sample, failures.get(call.key))
        if answer is not None:
            outcome = _answered(outcome, answer, scores.get(call.key), judges.get(call.suite))
        rows.append(outcome)
        if (call.task, call.sample_id) not in prompts:
            prompts[call.task, call.sample_id] = _prompt(call, sample)
    return Outcomes(tuple(rows), prompts)


def _unanswered(call: Call, sample: Sample, failure: Failure | None) -> Outcome:
    return Outcome(
        task=call.task,
        sample_id=call.sample_id,
        candidate=call.candidate.name,
        repeat=call.repeat,
        reason=failure.kind if failure else NOT_ASKED,
        weight=sample.weight,
        group=sample.group,
    )


def _answered(
    outcome: Outcome, answer: Completion, score: Score | None, judge: JudgeUse | None
) -> Outcome:
    return replace(
        outcome,
        score=score.value if score else None,
        reason=_reason(score),
        answered=True,
        output=answer.output,
        prediction=score.prediction if score else None,
        usage=answer.usage,
        busy_s=answer.busy_s,
        recorded_cost_usd=answer.recorded_cost_usd,
        latency_s=answer.latency_s,
        finish_reason=answer.finish_reason,
        judge=PANEL.join(judge.judges) if judge else None,
        rubric=judge.rubric.name if judge else None,
        parts=score.parts if score and judge else {},
    )


def _reason(score: Score | None) -> str | None:
    if score is None:
        return "not_scored: no score was computed"
    if score.value is not None:
        return None
    reason = score.reason or "no reason was given"
    return reason if reason.startswith("not_scored") else f"not_scored: {reason}"


def _prompt(call: Call, sample: Sample) -> Prompt:
    return Prompt(
        call.task,
        call.sample_id,
        _text(call, sample),
        sample.target,
        sample.tags,
        sample.difficulty,
    )


def _text(call: Call, sample: Sample) -> str:
    """What the user wrote: the last turn, or the whole conversation where the sample is one."""
    if isinstance(sample.input, str):
        return call.messages[-1].content if call.messages else sample.input
    return "\n\n".join(f"{message.role}: {message.content}" for message in sample.input)

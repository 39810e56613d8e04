"""Plan → what it will cost and what it can decide, before a cent is spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmroute.calls.budget import most_output_tokens
from llmroute.judges.grading import usual_reply
from llmroute.plan.matrix import Plan
from llmroute.plan.power import POWER, likely_power, samples_needed
from llmroute.plan.tokens import estimate_tokens, token_counter
from llmroute.records import Call, Candidate, Completion, Interval, QualityRule, Suite

BETTER = 0.05
"""How much better than the bar a candidate is whose chance of being settled is stated."""
UNKNOWN_LATENCY_S = 2.0
"""Assumed where the store holds no answer of the candidate yet."""
FREE_OUTPUT_TOKENS = 1024
"""Longest answer assumed where neither the request nor the price table bounds it."""

UsualAnswers = Callable[[Call], Any]
"""Call → a text or target half as long as its usual answer; None: not known."""


@dataclass(frozen=True, slots=True)
class CandidateEstimate:
    """What one candidate's part of the plan will take."""

    candidate: str
    n_calls: int
    n_stored: int
    input_tokens: int
    """Of the calls still to be made."""
    input_is_counted: bool
    """By the model's tokenizer; else estimated from lengths."""
    output_tokens: Interval
    """Expected, as short as the targets, and at most what the requests allow."""
    cost_usd: Interval | None
    """Expected, least and worst; None: not priced."""
    seconds: float
    """At the candidate's limits, or at the latency seen or assumed."""

    @property
    def n_missing(self) -> int:
        """Calls still to be made."""
        return self.n_calls - self.n_stored


@dataclass(frozen=True, slots=True)
class TaskPower:
    """What one task's samples can decide."""

    task: str
    n_samples: int
    quality_threshold: float | None
    """None: relative to another candidate, so not known beforehand."""
    power: float | None
    """Chance that a candidate 0.05 above the bar is found to clear it."""
    samples_needed: int | None
    """Samples that give it a chance of 0.80."""


@dataclass(frozen=True, slots=True)
class PlanEstimate:
    """The plan in numbers."""

    candidates: tuple[CandidateEstimate, ...]
    tasks: tuple[TaskPower, ...]
    concurrency: int

    @property
    def n_missing(self) -> int:
        """Calls still to be made."""
        return sum(candidate.n_missing for candidate in self.candidates)

    @property
    def cost_usd(self) -> Interval:
        """Of all priced candidates: expected, least, worst."""
        known = [c.cost_usd for c in self.candidates if c.cost_usd is not None]
        return Interval(
            math.fsum(cost.value for cost in known),
            math.fsum(cost.low for cost in known),
            math.fsum(cost.high for cost in known),
        )

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Candidates with calls to make and no known cost."""
        return tuple(c.candidate for c in self.candidates if c.cost_usd is None and c.n_missing)

    @property
    def seconds(self) -> float:
        """Candidates run side by side: the slowest decides, or the run's own concurrency does."""
        slowest = max((c.seconds for c in self.candidates), default=0.0)
        return max(slowest, self.n_missing * UNKNOWN_LATENCY_S / self.concurrency)


def estimate_plan(
    plan: Plan,
    answers: Mapping[str, Completion],
    rule: QualityRule,
    *,
    concurrency: int,
    refresh: bool = False,
    judge_calls: Sequence[Call] = (),
) -> PlanEstimate:
    """What the plan will take.

    Args:
        plan: the calls.
        answers: call key → answer, for the plan's calls that the store holds.
        rule: the bar and evidence that decide.
        concurrency: most calls in flight.
        refresh: stored answers are asked again.
        judge_calls: what judges will be asked about the answers, as far as can be told.
    """
    lengths = _usual_answers(plan)
    calls: dict[str, list[Call]] = {candidate.name: [] for candidate in plan.asked}
    for call in (*plan.calls, *judge_calls):
        calls[call.candidate.name].append(call)
    return PlanEstimate(
        candidates=tuple(
            _estimate(candidate, calls[candidate.name], answers, lengths, concurrency, refresh)
            for candidate in plan.asked
        ),
        tasks=tuple(_power(suite, rule) for suite in plan.suites),
        concurrency=concurrency,
    )


def _usual_answers(plan: Plan) -> UsualAnswers:
    """What an answer to a call is about as long as: half of it, to a candidate its target."""
    targets = {(s.name, sample.id): sample.target for s in plan.suites for sample in s.samples}
    replies = {s.name: usual_reply(s.judge) for s in plan.suites if s.judge is not None}

    def usual(call: Call) -> Any:
        if call.candidate in plan.judges:
            return replies[call.suite]
        return targets.get((call.suite, call.sample_id))

    return usual


def _estimate(
    candidate: Candidate,
    calls: Sequence[Call],
    answers: Mapping[str, Completion],
    usual: UsualAnswers,
    concurrency: int,
    refresh: bool,
) -> CandidateEstimate:
    stored = [answers[call.key] for call in calls if call.key in answers]
    missing = [call for call in calls if refresh or call.key not in answers]
    counter = token_counter(candidate) if missing else None
    prompt = sum(counter.count(call.messages) for call in missing) if counter else 0
    output = _output_tokens(missing, stored, usual)
    latency = _mean([a.latency_s for a in stored]) or UNKNOWN_LATENCY_S
    return CandidateEstimate(
        candidate=candidate.name,
        n_calls=len(calls),
        n_stored=len(calls) - len(missing),
        input_tokens=prompt,
        input_is_counted=counter is not None and counter.exact,
        output_tokens=output,
        cost_usd=_cost(candidate, prompt, output, len(missing), latency),
        seconds=_seconds(candidate, len(missing), prompt + output.value, latency, concurrency),
    )


def _output_tokens(
    missing: Sequence[Call],
    stored: Sequence[Completion],
    usual: UsualAnswers,
) -> Interval:
    """Answers as long as those seen, else twice the targets; at most what the request allows."""
    low = expected = high = 0.0
    seen = _mean([answer.usage.output_tokens for answer in stored])
    for call in missing:
        most = longest_answer_tokens(call)
        target = estimate_tokens(_longest(usual(call))) + 1
        low += min(target, most)
        expected += min(most, seen if seen is not None else max(2 * target, 16))
        high += most
    return Interval(expected, min(low, expected), high)


def expected_call_costs(plan: Plan) -> dict[tuple[str, str], tuple[float, float] | None]:
    """(task, candidate) → expected and least cost of one call in USD; None: not priced."""
    usual = _usual_answers(plan)
    calls: dict[tuple[str, str], list[Call]] = {}
    for call in plan.calls:
        calls.setdefault((call.task, call.candidate.name), []).append(call)
    return {
        (task, name): _expected(cell[0].candidate, cell, usual)
        for (task, name), cell in calls.items()
    }


def _expected(
    candidate: Candidate, calls: Sequence[Call], usual: UsualAnswers
) -> tuple[float, float] | None:
    counter = token_counter(candidate)
    prompt = sum(counter.count(call.messages) for call in calls)
    output = _output_tokens(calls, (), usual)
    cost = _cost(candidate, prompt, output, len(calls), UNKNOWN_LATENCY_S)
    least = _cost(candidate, prompt, Interval(0, 0, 0), len(calls), 0.0)
    if cost is None or least is None:
        return None
    return cost.value / len(calls), min(least.low, cost.value) / len(calls)


def longest_answer_tokens(call: Call) -> int:
    """The longest answer a call may get: by its own bound, else the model's, else assumed."""
    return most_output_tokens(call) or FREE_OUTPUT_TOKENS


def _longest(target: Any) -> str:
    texts = [str(one) for one in target] if isinstance(target, list | tuple) else [str(target)]
    return max(texts, key=len, default="")


def _cost(
    candidate: Candidate, prompt: int, output: Interval, n_calls: int, latency_s: float
) -> Interval | None:
    price = candidate.price
    if n_calls == 0:
        return Interval(0.0, 0.0, 0.0)
    if price is None:
        return None
    hourly = (price.usd_per_hour or 0.0) / 3600 * n_calls
    if price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
        if price.usd_per_hour is None:
            return None
        if candidate.provider == "builtin":  # milliseconds, and never the timeout
            return Interval(hourly * 0.002, 0.0, hourly * 0.05)
        return Interval(hourly * latency_s, 0.0, hourly * candidate.limits.timeout_s)
    fixed = prompt * price.input_usd_per_mtok / 1e6
    rate = price.output_usd_per_mtok / 1e6
    return Interval(
        fixed + output.value * rate + hourly * latency_s,
        fixed + output.low * rate,
        fixed + output.high * rate + hourly * candidate.limits.timeout_s,
    )


def _seconds(
    candidate: Candidate, n_calls: int, tokens: float, latency_s: float, concurrency: int
) -> float:
    limits = candidate.limits
    if candidate.provider in ("builtin", "replay"):
        return 0.002 * n_calls
    side_by_side = min(limits.concurrency or concurrency, concurrency)
    bounds = [n_calls * latency_s / side_by_side]
    if limits.rpm:
        bounds.append(60 * n_calls / limits.rpm)
    if limits.tpm:
        bounds.append(60 * tokens / limits.tpm)
    return max(bounds)


def _power(suite: Suite, rule: QualityRule) -> TaskPower:
    threshold = suite.quality_threshold or rule.threshold
    n = len(suite.samples)
    bar = threshold.value
    if threshold.relative_to is not None or rule.evidence == "mean" or bar + BETTER > 1:
        shown = bar if threshold.relative_to is None else None
        return TaskPower(suite.task, n, shown, None, None)
    margin = rule.margin if rule.evidence == "likely" else 0.0
    options = {"better": BETTER, "confidence": rule.confidence, "margin": margin}
    power = likely_power(n, bar, **options)
    enough = n if power >= POWER else samples_needed(bar, **options)
    return TaskPower(suite.task, n, bar, power, enough)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None

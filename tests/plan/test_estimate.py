from __future__ import annotations

import pytest

from llmroute.plan.estimate import estimate_plan, longest_answer_tokens
from llmroute.plan.matrix import Plan, plan_calls
from llmroute.plan.tokens import token_counter
from llmroute.records import (
    Candidate,
    Completion,
    Limits,
    Message,
    Plugin,
    Price,
    QualityRule,
    QualityThreshold,
    Sample,
    Suite,
    Usage,
)

PRICED = Candidate("m", "example/m", {"max_tokens": 100}, price=Price(1.0, 10.0))


def suite_of(n: int, **changes: object) -> Suite:
    samples = tuple(Sample(f"s{i}", f"{i:03}" * 120, "y" * 36) for i in range(n))
    return Suite(name="s", task="t", samples=samples, metrics=(Plugin("exact"),), **changes)  # type: ignore[arg-type]


def plan_of(candidate: Candidate = PRICED, n: int = 10, **changes: object) -> Plan:
    return plan_calls([suite_of(n, **changes)], [candidate])


def test_cost_is_expected_from_targets_and_bounded_by_max_tokens() -> None:
    estimate = estimate_plan(plan_of(), {}, QualityRule(), concurrency=8)
    cost = estimate.candidates[0].cost_usd
    assert cost is not None
    # 107 prompt tokens each (360 characters ÷ 3.6, + 4 a message, + 3) at $1 a million ...
    prompt = 10 * 107 * 1e-6
    assert estimate.candidates[0].input_tokens == 1070
    assert not estimate.candidates[0].input_is_counted
    # ... and answers of 11 (the target), 22 (twice that) and 100 (max_tokens) tokens at $10.
    assert cost.low == pytest.approx(prompt + 10 * 11 * 1e-5)
    assert cost.value == pytest.approx(prompt + 10 * 22 * 1e-5)
    assert cost.high == pytest.approx(prompt + 10 * 100 * 1e-5)


def test_answers_already_stored_cost_nothing_and_teach_the_length_of_the_rest() -> None:
    plan = plan_of()
    answers = {
        call.key: Completion(call.key, "ok", Usage(107, 40), latency_s=4.0)
        for call in plan.calls[:6]
    }
    one = estimate_plan(plan, answers, QualityRule(), concurrency=2).candidates[0]
    assert (one.n_calls, one.n_stored, one.n_missing) == (10, 6, 4)
    assert one.output_tokens.value == pytest.approx(4 * 40)
    assert one.seconds == pytest.approx(4 * 4.0 / 2)


def test_refresh_pays_for_stored_answers_again() -> None:
    plan = plan_of()
    answers = {call.key: Completion(call.key, "ok", Usage(107, 40)) for call in plan.calls}
    assert estimate_plan(plan, answers, QualityRule(), concurrency=8).n_missing == 0
    again = estimate_plan(plan, answers, QualityRule(), concurrency=8, refresh=True)
    assert again.n_missing == 10


def test_an_unpriced_candidate_is_named_and_not_free() -> None:
    estimate = estimate_plan(plan_of(Candidate("u", "u")), {}, QualityRule(), concurrency=8)
    assert estimate.candidates[0].cost_usd is None
    assert estimate.unpriced == ("u",)


def test_a_rate_limit_decides_the_time() -> None:
    candidate = Candidate("m", "m", price=Price(1, 1), limits=Limits(rpm=6))
    estimate = estimate_plan(plan_of(candidate), {}, QualityRule(), concurrency=100)
    assert estimate.seconds == pytest.approx(100)


def test_power_says_what_the_samples_can_decide() -> None:
    few = estimate_plan(plan_of(n=20), {}, QualityRule(), concurrency=8).tasks[0]
    assert few.power is not None
    assert few.power < 0.5
    assert few.samples_needed == 94
    relative = QualityRule(QualityThreshold(0.95, "reference"))
    assert estimate_plan(plan_of(), {}, relative, concurrency=8).tasks[0].power is None


def test_openais_own_tokenizer_counts_where_litellm_bundles_it() -> None:
    counter = token_counter(Candidate("a", "openai/gpt-4o-mini"))
    assert counter.exact
    assert counter.count([Message("user", "hello world")]) == 2 + 4 + 3
    elsewhere = Candidate("a", "openai/gpt-4o-mini", api_base="http://127.0.0.1:1/v1")
    assert not token_counter(elsewhere).exact
    assert not token_counter(Candidate("b", "anthropic/claude-haiku-4-5")).exact


def test_the_longest_answer_is_the_requests_bound_or_else_the_models() -> None:
    assert longest_answer_tokens(plan_of().calls[0]) == 100
    known = plan_of(Candidate("g", "openai/gpt-4o-mini")).calls[0]
    assert longest_answer_tokens(known) == 16384

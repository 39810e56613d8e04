from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute import errors
from llmroute.calls.budget import (
    Ledger,
    check_affordable,
    cost_usd,
    is_unbilled,
    most_input_tokens,
    most_output_tokens,
    worst_case_usd,
)
from llmroute.calls.execute import execute
from llmroute.calls.scripted import ScriptedClient
from llmroute.errors import BudgetSpent, CallError, ConfigError, ServerFailed
from llmroute.records import Call, Candidate, Completion, Failure, Limits, Message, Price, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

MILLION = Price(1.0, 10.0)


def call_of(sample_id: str = "1", name: str = "a", *, prompt: str = "p", **changes: Any) -> Call:
    candidate = Candidate(
        name,
        changes.pop("model", f"scripted/{name}"),
        price=changes.pop("price", MILLION),
        limits=Limits(**changes.pop("limits", {})),
    )
    return Call(
        key=f"{name}/{sample_id}",
        suite="suite",
        task="task",
        sample_id=sample_id,
        candidate=candidate,
        messages=(Message("user", prompt),),
        messages_digest=sample_id,
        params=changes,
    )


# -- the worst case -------------------------------------------------------------------------------


def test_the_worst_case_is_every_byte_a_token_and_the_longest_answer() -> None:
    call = call_of(prompt="Zürich", max_tokens=1000)
    params = '{"max_tokens": 1000}'
    assert most_input_tokens(call) == 7 + 16 + 64 + len(params)
    assert worst_case_usd(call) == pytest.approx((107 * 1.0 + 1000 * 10.0) / 1e6)


def test_a_count_of_the_models_own_tokenizer_is_taken_for_it() -> None:
    call = call_of(max_tokens=1000)
    assert worst_case_usd(call, input_tokens=3) == pytest.approx((3 + 10_000) / 1e6)


def test_the_larger_of_two_bounds_counts_and_what_is_no_count_does_not() -> None:
    assert most_output_tokens(call_of(max_tokens=5, max_completion_tokens=90)) == 90
    assert most_output_tokens(call_of(max_tokens=True)) is None
    assert most_output_tokens(call_of(max_tokens=None)) is None


def test_a_model_that_is_known_bounds_its_answers_itself() -> None:
    assert most_output_tokens(call_of(model="openai/gpt-4o-mini")) == 16_384
    assert most_output_tokens(call_of(model="openai/gpt-4o-mini", max_tokens=9)) == 9


def test_tools_bring_a_prompt_of_their_own() -> None:
    assert most_input_tokens(call_of(tools=[])) > 1024


def test_nothing_bounds_what_has_no_price_or_no_end() -> None:
    assert worst_case_usd(call_of(price=None, max_tokens=9)) is None
    assert worst_case_usd(call_of()) is None
    assert worst_case_usd(call_of(price=Price(0.0, 0.0))) == 0.0


def test_a_machine_by_the_hour_is_reserved_until_the_timeout() -> None:
    call = call_of(price=Price(usd_per_hour=3.6), limits={"timeout_s": 30.0})
    assert worst_case_usd(call) == pytest.approx(0.03)


@pytest.mark.parametrize("model", ["builtin/rules", "replay/gpt-4o"])
def test_programs_and_recordings_buy_nothing(model: str) -> None:
    call = call_of(model=model)
    assert worst_case_usd(call) == 0.0
    assert cost_usd(call, Completion("k", "x", Usage(10, 10), latency_s=9.0)) == 0.0
    check_affordable([call], 0.0)


# -- what a try has cost --------------------------------------------------------------------------


def test_the_providers_own_figure_comes_before_tokens_times_price() -> None:
    call = call_of()
    usage = Usage(1000, 100)
    assert cost_usd(call, Completion("k", "x", usage)) == pytest.approx(0.002)
    assert cost_usd(call, Completion("k", "x", usage, recorded_cost_usd=0.5)) == 0.5
    assert cost_usd(call, Completion("k", "x", Usage(1000, None))) is None


def test_an_hour_is_paid_by_the_time_of_the_answer() -> None:
    call = call_of(price=Price(usd_per_hour=3.6))
    assert cost_usd(call, Completion("k", "x", latency_s=10.0)) == pytest.approx(0.01)
    assert cost_usd(call, Completion("k", "x", latency_s=10.0, busy_s=1.0)) == pytest.approx(0.001)
    assert cost_usd(call, Completion("k", "x")) is None


@pytest.mark.parametrize(
    ("error", "unbilled"),
    [
        (errors.RateLimited("x", status=429), True),
        (errors.Unauthorized("x", status=401), True),
        (errors.NotFound("x", status=404), True),
        (errors.BadRequest("x", status=400), True),
        (errors.ContextTooLong("x", status=413), True),
        (errors.NotRecorded("x"), True),
        (errors.BudgetSpent("x"), True),
        (errors.ContentRefused("x", status=400), True),
        (errors.ContentRefused("x"), False),
        (errors.TimedOut("x"), False),
        (errors.ServerFailed("x", status=500), False),
        (errors.MalformedAnswer("x"), False),
        (errors.ConnectionFailed("reset"), False),
    ],
)
def test_what_may_have_been_computed_may_have_been_billed(error: CallError, unbilled: bool) -> None:
    assert is_unbilled(error) is unbilled


def test_every_kind_of_failure_is_in_the_table_above() -> None:
    table = test_what_may_have_been_computed_may_have_been_billed.pytestmark[0].args[1]
    assert {type(error) for error, _ in table} == set(CallError.__subclasses__())


def test_a_refused_connection_has_sent_nothing(chat_server: Any) -> None:
    from llmroute.calls.direct_client import DirectClient

    candidate = Candidate("a", "openai/m", api_base="http://127.0.0.1:9/v1")
    client = DirectClient(env={})

    async def ask() -> None:
        try:
            call = Call("k", "s", "t", "1", candidate, (Message("user", "p"),), "d", {})
            await client.complete(call)
        finally:
            await client.close()

    with pytest.raises(errors.ConnectionFailed) as refused:
        asyncio.run(ask())
    assert is_unbilled(refused.value)


# -- the ledger -----------------------------------------------------------------------------------


def test_a_reservation_is_room_for_nobody_else_until_it_is_settled() -> None:
    ledger = Ledger(1.0)
    ledger.reserve(0.6)
    assert ledger.room_for(0.4) == "now"
    assert ledger.room_for(0.5) == "later"
    assert ledger.room_for(1.1) == "never"
    ledger.settle(0.6, 0.2)
    assert (ledger.spent_usd, ledger.reserved_usd, ledger.left_usd) == (0.2, 0.0, 0.8)
    assert ledger.room_for(0.8) == "now"
    assert ledger.room_for(0.81) == "never"


def test_what_nobody_measured_was_as_dear_as_it_could_be() -> None:
    ledger = Ledger(1.0)
    for cost in (None, float("nan"), -1.0):
        ledger.reserve(0.25)
        ledger.settle(0.25, cost)
    assert ledger.spent_usd == 0.75


def test_there_is_no_reserving_past_the_cap() -> None:
    ledger = Ledger(1.0, spent_usd=0.9)
    with pytest.raises(BudgetSpent, match=r"could cost \$0\.20, and \$0\.10 of the cap of \$1\.00"):
        ledger.reserve(0.2)
    assert ledger.reserved_usd == 0.0


def test_without_a_cap_spending_is_counted_only() -> None:
    ledger = Ledger()
    ledger.reserve(1e6)
    ledger.settle(1e6, 2e6)
    assert ledger.spent_usd == 2e6
    assert ledger.left_usd is None
    assert ledger.room_for(1e9) == "now"


def test_what_costs_nothing_always_has_room() -> None:
    assert Ledger(0.0).room_for(0.0) == "now"
    assert Ledger(1.0, spent_usd=5.0).room_for(0.0) == "now"
    assert Ledger(0.0).room_for(1e-15) == "never"


@pytest.mark.parametrize("cap", [-0.01, float("nan"), float("inf")])
def test_a_cap_that_is_no_amount_is_refused(cap: float) -> None:
    with pytest.raises(ValueError, match="max_usd"):
        Ledger(cap)


@given(st.lists(st.tuples(st.floats(0, 0.3), st.floats(0, 1)), max_size=60))
def test_reservations_leave_no_crumbs(calls: list[tuple[float, float]]) -> None:
    ledger = Ledger(1.0)
    open_usd = []
    for worst_usd, share in calls:
        if ledger.room_for(worst_usd) == "now":
            ledger.reserve(worst_usd)
            open_usd.append((worst_usd, share * worst_usd))
    assert sum(worst for worst, _ in open_usd) <= 1.0 + 1e-9
    for worst_usd, cost in open_usd:
        ledger.settle(worst_usd, cost)
    assert ledger.reserved_usd == 0.0
    assert ledger.spent_usd == pytest.approx(sum(cost for _, cost in open_usd), abs=1e-9)


# -- before the first call ------------------------------------------------------------------------


def test_a_cap_that_cannot_be_kept_is_refused_before_any_call() -> None:
    calls = [
        call_of(name="fine", max_tokens=100),
        call_of(name="unpriced", price=None, max_tokens=100),
        call_of(name="endless"),
        call_of(name="dear", max_tokens=10_000_000),
        call_of("2", name="dear", max_tokens=10_000_000),
    ]
    with pytest.raises(ConfigError) as refused:
        check_affordable(calls, 1.0)
    assert str(refused.value).splitlines() == [
        "the cap of $1.00 cannot be kept; nothing was sent",
        "  unpriced: it has no price. Give it one (price: or --prices FILE), or leave it out.",
        "  endless: nothing bounds its answers' length. Set params.max_tokens.",
        "  dear: one call could cost $100.00. Lower max_tokens, or raise the cap.",
    ]
    check_affordable(calls[:1], 1.0)


# -- in a run -------------------------------------------------------------------------------------


@pytest.fixture
def spend(run_virtually: Callable[..., Any]) -> Callable[..., Any]:
    """Runs calls against a ledger; (results by candidate and kind, candidates stopped)."""

    def run(calls: list[Call], client: Any, ledger: Ledger, **options: Any) -> Any:
        kinds: Counter[tuple[str, str]] = Counter()
        stopped: list[tuple[str, str]] = []

        def done(call: Call, result: Completion | Failure) -> None:
            kind = result.kind if isinstance(result, Failure) else "answered"
            kinds[call.candidate.name, kind] += 1

        async def main() -> None:
            await execute(
                calls,
                lambda candidate: client,
                on_done=done,
                on_stopped=lambda candidate, why: stopped.append((candidate.name, why.kind)),
                rng=random.Random(1),
                clock=asyncio.get_running_loop().time,
                ledger=ledger,
                **options,
            )

        run_virtually(main())
        return dict(kinds), stopped

    return run


def answer_for(usd: float) -> ScriptedClient:
    return ScriptedClient(lambda call: Completion(call.key, "x", recorded_cost_usd=usd))


def worth(usd: float) -> int:
    """max_tokens at which a call of `call_of` costs at most so much."""
    return int((usd * 1e6 - 200) / 10)


def test_at_the_cap_calls_stop_and_say_why(spend: Any) -> None:
    calls = [call_of(str(i), max_tokens=worth(0.1)) for i in range(30)]
    ledger = Ledger(1.0)
    kinds, stopped = spend(calls, answer_for(0.09), ledger, concurrency=1)
    assert kinds == {("a", "answered"): 11, ("a", "budget_spent"): 19}
    assert stopped == [("a", "budget_spent")]
    assert ledger.unsent == 19
    assert ledger.spent_usd == pytest.approx(0.99)


def test_calls_wait_for_those_in_flight_to_cost_less_than_reserved(spend: Any) -> None:
    under_way = most = 0

    class Slow(ScriptedClient):
        async def complete(self, call: Call) -> Completion:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(1.0)
            under_way -= 1
            return await super().complete(call)

    calls = [call_of(str(i), max_tokens=worth(0.3)) for i in range(50)]
    client = Slow(lambda call: Completion(call.key, "x", recorded_cost_usd=0.01))
    kinds, _ = spend(calls, client, Ledger(1.0), concurrency=16)
    assert kinds == {("a", "answered"): 50}
    assert most == 3


def test_a_candidate_too_dear_for_the_rest_leaves_it_to_the_others(spend: Any) -> None:
    calls = [
        call_of(str(i), name, max_tokens=worth(most_usd))
        for i in range(20)
        for name, most_usd in (("cheap", 0.01), ("dear", 0.4))
    ]
    kinds, stopped = spend(calls, answer_for(0.01), Ledger(0.5), concurrency=4)
    assert kinds[("cheap", "answered")] == 20
    assert stopped == [("dear", "budget_spent")]


def test_tries_that_may_have_been_billed_count_in_full(spend: Any) -> None:
    calls = [call_of(str(i), max_tokens=worth(0.1), limits={"max_attempts": 4}) for i in range(9)]
    client = ScriptedClient(lambda call: ServerFailed("oops", status=500))
    ledger = Ledger(1.0)
    spend(calls, client, ledger, concurrency=2)
    assert len(client.calls) == 10
    assert 0.99 <= ledger.spent_usd <= 1.0


def test_a_refused_try_costs_nothing(spend: Any) -> None:
    client = ScriptedClient(lambda call: errors.BadRequest("no", status=400))
    ledger = Ledger(1.0)
    spend([call_of(str(i), max_tokens=worth(0.1)) for i in range(20)], client, ledger)
    assert len(client.calls) == 20
    assert ledger.spent_usd == 0.0


def test_one_ledger_serves_run_after_run(spend: Any) -> None:
    ledger = Ledger(1.0, spent_usd=0.3)
    calls = [call_of(str(i), max_tokens=worth(0.1)) for i in range(4)]
    assert spend(calls, answer_for(0.1), ledger)[0] == {("a", "answered"): 4}
    kinds, _ = spend(calls, answer_for(0.1), ledger)
    assert kinds == {("a", "answered"): 3, ("a", "budget_spent"): 1}
    assert ledger.spent_usd == pytest.approx(1.0)


def test_what_nothing_bounds_is_not_sent_under_a_cap(spend: Any) -> None:
    client = answer_for(0.0)
    kinds, _ = spend([call_of(price=None, max_tokens=9)], client, Ledger(1.0))
    assert kinds == {("a", "budget_spent"): 1}
    assert client.calls == []


def test_without_a_cap_unpriced_candidates_are_asked(spend: Any) -> None:
    kinds, _ = spend([call_of(price=None)], answer_for(0.0), Ledger())
    assert kinds == {("a", "answered"): 1}


def test_no_budget_spent_is_kept_of_a_call_that_was_free(spend: Any) -> None:
    calls = [call_of(price=Price(0.0, 0.0))]
    assert spend(calls, answer_for(0.0), Ledger(0.0))[0] == {("a", "answered"): 1}

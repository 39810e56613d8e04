from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.calls.execute import execute
from llmroute.calls.scripted import ScriptedClient
from llmroute.errors import (
    BadRequest,
    CallError,
    ConnectionFailed,
    ContentRefused,
    NotFound,
    RateLimited,
    ServerFailed,
    Unauthorized,
)
from llmroute.records import Call, Candidate, Completion, Failure, Limits, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmroute.calls.client import Client


class Board:
    """Runs calls and keeps what it was told of them; waits take no time."""

    def __init__(self, run_virtually: Callable[..., Any]) -> None:
        self.virtually = run_virtually
        self.done: list[tuple[Call, Completion | Failure]] = []
        self.attempts: list[Failure] = []
        self.stopped: list[tuple[str, str]] = []
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds)

    def run(
        self, calls: Iterable[Call], client: Client | Callable[[Candidate], Client], **options: Any
    ) -> Board:
        self.virtually(self.execute(calls, client, **options))
        return self

    async def execute(
        self, calls: Iterable[Call], client: Client | Callable[[Candidate], Client], **options: Any
    ) -> None:
        await execute(
            calls,
            client if callable(client) else lambda candidate: client,
            on_done=lambda call, result: self.done.append((call, result)),
            on_attempt=lambda call, failure: self.attempts.append(failure),
            on_stopped=lambda candidate, why: self.stopped.append((candidate.name, why.kind)),
            rng=random.Random(7),
            **{
                "sleep": self.sleep,
                "clock": asyncio.get_running_loop().time,
                **options,
            },
        )

    def kinds(self) -> Counter[str]:
        return Counter(
            result.kind if isinstance(result, Failure) else "answered" for _, result in self.done
        )


class SlowClient:
    """Answers after as many turns of the loop as the candidate's name says: "slow-50"."""

    def __init__(self) -> None:
        self.in_flight: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.order: list[str] = []

    async def complete(self, call: Call) -> Completion:
        name = call.candidate.name
        self.in_flight[name] += 1
        self.in_flight["all"] += 1
        for key in (name, "all"):
            self.most[key] = max(self.most[key], self.in_flight[key])
        try:
            for _ in range(int(name.rpartition("-")[2])):
                await asyncio.sleep(0)
        finally:
            self.in_flight[name] -= 1
            self.in_flight["all"] -= 1
        self.order.append(name)
        return Completion(key=call.key, output="x")

    async def close(self) -> None:
        pass


def calls_for(*candidates: Candidate, n: int, interleaved: bool = True) -> list[Call]:
    def one(candidate: Candidate, i: int) -> Call:
        return Call(
            key=f"{candidate.name}/{i}",
            suite="suite",
            task="task",
            sample_id=str(i),
            candidate=candidate,
            messages=(Message("user", f"prompt {i}"),),
            messages_digest=str(i),
            params={},
        )

    if interleaved:
        return [one(candidate, i) for i in range(n) for candidate in candidates]
    return [one(candidate, i) for candidate in candidates for i in range(n)]


@pytest.fixture
def board(run_virtually: Any) -> Board:
    return Board(run_virtually)


def test_every_call_is_answered_once(board: Board, make_candidate: Any) -> None:
    calls = calls_for(make_candidate("a"), make_candidate("b"), n=50)
    board.run(calls, ScriptedClient(lambda call: f"to {call.key}"), concurrency=7)
    assert sorted(call.key for call, _ in board.done) == sorted(call.key for call in calls)
    assert all(result.output == f"to {call.key}" for call, result in board.done)
    assert all(result.attempts == 1 and result.created_s > 1.7e9 for _, result in board.done)


def test_nothing_to_do_is_done_at_once(board: Board) -> None:
    assert board.run([], ScriptedClient(lambda call: "x")).done == []


def test_no_more_than_concurrency_are_in_flight(board: Board, make_candidate: Any) -> None:
    client = SlowClient()
    board.run(calls_for(make_candidate("a-3"), n=60), client, concurrency=8)
    assert client.most["all"] == 8


def test_a_candidates_own_limit_holds_and_leaves_the_rest_to_others(
    board: Board, make_candidate: Any
) -> None:
    client = SlowClient()
    calls = calls_for(make_candidate("a-3", concurrency=2), make_candidate("b-3"), n=60)
    board.run(calls, client, concurrency=10)
    assert client.most["a-3"] == 2
    assert client.most["b-3"] >= 8


def test_a_slow_candidate_holds_no_more_than_its_share(board: Board, make_candidate: Any) -> None:
    client = SlowClient()
    board.run(
        calls_for(make_candidate("slow-400"), make_candidate("fast-1"), n=200),
        client,
        concurrency=8,
    )
    assert client.order.index("slow-400") > 100
    assert client.most["slow-400"] <= 8
    assert Counter(client.order[:150])["fast-1"] >= 140


def test_a_capped_candidate_listed_first_does_not_block_the_next(
    board: Board, make_candidate: Any
) -> None:
    client = SlowClient()
    calls = calls_for(
        make_candidate("a-50", concurrency=1), make_candidate("b-1"), n=20_000, interleaved=False
    )
    first = [*calls[:6_000], *calls[20_000:20_050]]
    stop = asyncio.Event()

    async def until_b_is_done() -> None:
        def on_done(call: Call, result: Any) -> None:
            seen[call.candidate.name] += 1
            if seen["b-1"] == 50:
                stop.set()

        await execute(
            first, lambda c: client, on_done=on_done, rng=random.Random(1), stop=stop, grace_s=0
        )

    seen: Counter[str] = Counter()
    asyncio.run(until_b_is_done())
    assert seen["b-1"] == 50
    assert seen["a-50"] < 60


def test_calls_are_pulled_as_they_are_needed(board: Board, make_candidate: Any) -> None:
    pulled = 0
    most_ahead = 0

    def source() -> Iterator[Call]:
        nonlocal pulled, most_ahead
        for call in calls_for(make_candidate("a-1"), n=10_000):
            pulled += 1
            most_ahead = max(most_ahead, pulled - len(board.done))
            yield call

    tasks = 0

    class Watching(SlowClient):
        async def complete(self, call: Call) -> Completion:
            nonlocal tasks
            tasks = max(tasks, len(asyncio.all_tasks()))
            return await super().complete(call)

    board.run(source(), Watching(), concurrency=16)
    assert len(board.done) == 10_000
    assert most_ahead < 4_200
    assert tasks < 30


@pytest.mark.parametrize("as_list", [True, False])
def test_calls_of_one_key_are_sent_once_and_all_answered(
    board: Board, make_candidate: Any, as_list: bool
) -> None:
    calls = calls_for(make_candidate("a"), n=5)
    twins = [*calls, *calls, *calls]
    client = ScriptedClient(lambda call: call.sample_id)
    board.run(twins if as_list else iter(twins), client, concurrency=2)
    assert len(client.calls) == 5
    assert Counter(call.key for call, _ in board.done) == {call.key: 3 for call in calls}


def test_a_failure_that_may_pass_is_tried_again(board: Board, make_candidate: Any) -> None:
    tries: Counter[str] = Counter()

    def answer(call: Call) -> str | CallError:
        tries[call.key] += 1
        return ServerFailed("oops", status=503) if tries[call.key] < 3 else "at last"

    board.run(calls_for(make_candidate("a"), n=4), ScriptedClient(answer), concurrency=2)
    assert [(r.output, r.attempts) for _, r in board.done] == [("at last", 3)] * 4
    assert Counter(f.attempts for f in board.attempts) == {1: 4, 2: 4}
    assert len(board.slept) == 8


def test_tries_end_at_the_candidates_limit(board: Board, make_candidate: Any) -> None:
    client = ScriptedClient(lambda call: ServerFailed("oops", status=500))
    board.run(calls_for(make_candidate("a", max_attempts=3), n=2), client)
    assert [(r.kind, r.attempts, r.status) for _, r in board.done] == [("server_error", 3, 500)] * 2
    assert len(client.calls) == 6
    assert len(board.attempts) == 6


def test_a_bad_request_is_not_tried_again_and_stops_nobody(
    board: Board, make_candidate: Any
) -> None:
    client = ScriptedClient(lambda call: BadRequest("no", status=400))
    board.run(calls_for(make_candidate("a"), n=20), client, concurrency=1)
    assert board.kinds() == {"bad_request": 20}
    assert len(client.calls) == 20


def test_retry_after_is_waited_for(board: Board, make_candidate: Any) -> None:
    tries: Counter[str] = Counter()

    def answer(call: Call) -> str | CallError:
        tries[call.key] += 1
        return "x" if tries[call.key] == 2 else RateLimited("slow", retry_after_s=9.0)

    board.run(calls_for(make_candidate("a"), n=1), ScriptedClient(answer))
    assert len(board.slept) == 1
    assert 9.0 <= board.slept[0] <= 9.5


def test_a_call_that_waits_gives_its_place_to_others(board: Board, make_candidate: Any) -> None:
    refused: set[str] = set()

    def answer(call: Call) -> str | CallError:
        if call.candidate.name == "limited" and call.key not in refused:
            refused.add(call.key)
            return RateLimited("slow", retry_after_s=5.0)
        return "x"

    calls = calls_for(make_candidate("limited"), make_candidate("other"), n=10)
    board.run(calls, ScriptedClient(answer), concurrency=1)
    assert board.kinds() == {"answered": 20}
    assert {call.candidate.name for call, _ in board.done[:10]} == {"other"}


@pytest.mark.parametrize("error", [Unauthorized("wrong key", status=401), NotFound("no model")])
def test_a_candidate_that_is_refused_thrice_is_not_asked_again(
    board: Board, make_candidate: Any, error: CallError
) -> None:
    client = ScriptedClient(lambda call: error if call.candidate.name == "bad" else "x")
    calls = calls_for(make_candidate("bad"), make_candidate("good"), n=100)
    board.run(calls, client, concurrency=1)
    assert board.kinds() == {error.kind: 100, "answered": 100}
    assert Counter(call.candidate.name for call in client.calls) == {"bad": 3, "good": 100}
    assert board.stopped == [("bad", error.kind)]
    unsent = [r for _, r in board.done if isinstance(r, Failure) and r.attempts == 0]
    assert len(unsent) == 97
    assert "not asked again after 3" in unsent[0].message


def test_an_answer_in_between_keeps_a_candidate_going(board: Board, make_candidate: Any) -> None:
    def answer(call: Call) -> str | CallError:
        return "x" if int(call.sample_id) % 3 == 0 else NotFound("gone")

    board.run(calls_for(make_candidate("a"), n=30), ScriptedClient(answer), concurrency=1)
    assert board.kinds() == {"answered": 10, "not_found": 20}
    assert board.stopped == []


def test_an_endpoint_that_was_never_reached_is_not_asked_for_ever(
    board: Board, make_candidate: Any
) -> None:
    client = ScriptedClient(lambda call: ConnectionFailed("refused"))
    board.run(calls_for(make_candidate("a"), n=1000), client, concurrency=1)
    assert board.kinds() == {"connection": 1000}
    assert len(client.calls) <= 16


def test_an_endpoint_that_answered_before_is_waited_for(board: Board, make_candidate: Any) -> None:
    def answer(call: Call) -> str | CallError:
        return "x" if call.sample_id == "0" else ConnectionFailed("reset")

    client = ScriptedClient(answer)
    board.run(calls_for(make_candidate("a"), n=10), client, concurrency=1)
    assert board.kinds() == {"answered": 1, "connection": 9}
    assert len(client.calls) == 1 + 9 * 4


def test_a_candidate_whose_first_calls_all_fail_is_not_asked_for_ever(
    board: Board, make_candidate: Any
) -> None:
    client = ScriptedClient(lambda call: BadRequest("no such parameter", status=400))
    board.run(calls_for(make_candidate("a"), n=500), client, concurrency=1)
    assert board.kinds() == {"bad_request": 500}
    assert len(client.calls) == 25
    assert board.stopped == [("a", "bad_request")]
    assert "its first 25 calls failed: no such parameter" in board.done[-1][1].message


def test_samples_that_are_refused_stop_nobody(board: Board, make_candidate: Any) -> None:
    client = ScriptedClient(lambda call: ContentRefused("no", status=400))
    board.run(calls_for(make_candidate("a"), n=100), client, concurrency=1)
    assert len(client.calls) == 100
    assert board.stopped == []


def test_the_calls_a_candidate_is_allowed_are_told_as_they_change(
    board: Board, make_candidate: Any
) -> None:
    told: list[tuple[str, float, int]] = []
    board.run(
        calls_for(make_candidate("a-2"), n=300),
        SlowClient(),
        concurrency=70,
        on_limit=lambda name, at_s, limit: told.append((name, at_s, limit)),
    )
    assert told == [("a-2", 0.0, 20), ("a-2", 0.0, 40), ("a-2", 0.0, 70)]


def test_no_message_leaves_with_a_key_in_it(board: Board) -> None:
    key = "a-key-of-no-known-form"
    candidate = Candidate("a", "scripted/a", api_key=key, limits=Limits(max_attempts=1))
    client = ScriptedClient(
        lambda call: BadRequest(f"bad header {key}, known-secret-9, Bearer sk-abcdefghij123")
    )
    board.run(calls_for(candidate, n=1), client, secrets={"known-secret-9"})
    (failure,) = board.attempts
    assert failure.message == "bad header [key], [key], Bearer [key]"
    assert board.done[0][1] == failure


def test_stop_lets_calls_in_flight_end_and_sends_no_more(board: Board, make_candidate: Any) -> None:
    client = SlowClient()
    stop = asyncio.Event()

    async def run() -> None:
        running = asyncio.create_task(
            board.execute(calls_for(make_candidate("a-20"), n=99), client, concurrency=5, stop=stop)
        )
        while client.in_flight["all"] < 5:
            await asyncio.sleep(0)
        stop.set()
        await running

    asyncio.run(run())
    assert board.kinds() == {"answered": 5}


def test_what_was_stopped_before_it_began_sends_nothing(board: Board, make_candidate: Any) -> None:
    client = ScriptedClient(lambda call: "x")

    async def run() -> None:
        stop = asyncio.Event()
        stop.set()
        await board.execute(calls_for(make_candidate("a"), n=9), client, stop=stop)

    asyncio.run(run())
    assert client.calls == []


def test_stop_cancels_what_outlives_the_grace(board: Board, make_candidate: Any) -> None:
    stop = asyncio.Event()
    cancelled = []

    class Hanging(ScriptedClient):
        async def complete(self, call: Call) -> Completion:
            stop.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.append(call.key)
                raise
            raise AssertionError

    calls = calls_for(make_candidate("a"), n=9)
    board.run(calls, Hanging(lambda call: "x"), concurrency=2, stop=stop, grace_s=0.01)
    assert sorted(cancelled) == ["a/0", "a/1"]
    assert board.done == []


def test_a_call_waiting_for_its_next_try_is_not_done_when_stopped(
    board: Board, make_candidate: Any
) -> None:
    stop = asyncio.Event()

    def answer(call: Call) -> CallError:
        stop.set()
        return ServerFailed("oops")

    client = ScriptedClient(answer)
    board.run(calls_for(make_candidate("a"), n=3), client, concurrency=1, stop=stop)
    assert board.done == []
    assert len(board.attempts) == 1


def test_cancelling_drains_and_stays_cancelled(board: Board, make_candidate: Any) -> None:
    client = SlowClient()

    async def run() -> None:
        running = asyncio.create_task(
            board.execute(calls_for(make_candidate("a-20"), n=99), client, concurrency=4)
        )
        while client.in_flight["all"] < 4:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert board.kinds() == {"answered": 4}


def test_an_error_of_the_one_who_is_told_ends_the_run(make_candidate: Any) -> None:
    class DiskFullError(Exception):
        pass

    def on_done(call: Call, result: Any) -> None:
        raise DiskFullError

    client = ScriptedClient(lambda call: "x")
    with pytest.raises(DiskFullError):
        asyncio.run(
            execute(
                calls_for(make_candidate("a"), n=100),
                lambda candidate: client,
                on_done=on_done,
                rng=random.Random(1),
                concurrency=2,
            )
        )
    assert len(client.calls) <= 2


def test_concurrency_of_zero_is_refused(board: Board) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        board.run([], ScriptedClient(lambda call: "x"), concurrency=0)


ENDS = st.sampled_from(["answer", "server_error", "rate_limited", "unauthorized", "bad_request"])


@settings(max_examples=60, deadline=None)
@given(
    script=st.lists(ENDS, min_size=1, max_size=40),
    n=st.integers(0, 25),
    copies=st.integers(1, 2),
    concurrency=st.integers(1, 9),
    limit=st.none() | st.integers(1, 4),
)
def test_whatever_happens_each_call_is_reported_exactly_once(
    run_virtually: Any, script: list[str], n: int, copies: int, concurrency: int, limit: int | None
) -> None:
    errors = {
        "server_error": ServerFailed,
        "rate_limited": RateLimited,
        "unauthorized": Unauthorized,
        "bad_request": BadRequest,
    }
    turns = iter(script * 1000)

    def answer(call: Call) -> str | CallError:
        end = next(turns)
        return "x" if end == "answer" else errors[end]("said no")

    board = Board(run_virtually)
    one = Candidate("a", "scripted/a", limits=Limits(concurrency=limit))
    two = Candidate("b", "scripted/b")
    calls = calls_for(one, two, n=n) * copies
    client = ScriptedClient(answer)
    board.run(calls, client, concurrency=concurrency)
    assert Counter(call.key for call, _ in board.done) == Counter(call.key for call in calls)
    answered = sum(isinstance(r, Completion) for _, r in board.done)
    assert len(client.calls) == len(board.attempts) + answered // copies

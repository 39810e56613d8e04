from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.calls.concurrency import AdaptiveLimit
from llmroute.calls.execute import execute
from llmroute.calls.lanes import Pacing
from llmroute.calls.limits import Gate, LearnedRate, bucket_per_minute, limited_names
from llmroute.errors import RateLimited, ServerFailed
from llmroute.records import Call, Candidate, Completion, Failure, Limits, Message, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Endpoint:
    """Bears `per_s` calls a second after a burst, and says when to come back; its clock is the
    loop's."""

    def __init__(
        self, per_s: float, *, burst: float = 1.0, latency_s: float = 0.01, whole: bool = True
    ) -> None:
        self.per_s = per_s
        self.burst = burst
        self.latency_s = latency_s
        self.whole = whole
        """Whether Retry-After is rounded up to whole seconds."""
        self.log: list[tuple[float, bool]] = []
        self.early = 0
        self.closed_until_s = -math.inf
        self._level = burst
        self._at_s = 0.0

    async def complete(self, call: Call) -> Completion:
        now_s = asyncio.get_running_loop().time()
        self.early += now_s < self.closed_until_s - 1e-6
        self._level = min(self.burst, self._level + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        accepted = self._level >= 1 - 1e-9
        self.log.append((now_s, accepted))
        if not accepted:
            wait_s = (1 - self._level) / self.per_s
            wait_s = math.ceil(wait_s) if self.whole else wait_s
            await asyncio.sleep(0.01)
            self.closed_until_s = max(self.closed_until_s, now_s + wait_s)
            raise RateLimited("too many", status=429, retry_after_s=wait_s)
        self._level -= 1
        await asyncio.sleep(self.latency_s)
        return Completion(call.key, "x")

    async def close(self) -> None:
        pass

    def accepted(self, from_s: float, until_s: float) -> int:
        return sum(ok for at_s, ok in self.log if from_s <= at_s < until_s)

    def refused_share(self, from_s: float) -> float:
        late = [ok for at_s, ok in self.log if at_s >= from_s]
        return late.count(False) / len(late)


def calls_of(n: int, *candidates: Candidate) -> Iterator[Call]:
    for number in range(n):
        for candidate in candidates:
            yield call_of(candidate, str(number))


def call_of(candidate: Candidate, sample_id: str, prompt: str = "p", **params: Any) -> Call:
    return Call(
        key=f"{candidate.name}/{sample_id}",
        suite="suite",
        task="task",
        sample_id=sample_id,
        candidate=candidate,
        messages=(Message("user", prompt),),
        messages_digest=sample_id,
        params=params,
    )


@pytest.fixture
def drive(run_virtually: Callable[..., Any]) -> Callable[..., list[Any]]:
    """Sends calls for so many seconds that take no time; what came of them."""

    def drive_for(seconds: float, calls: Any, client: Any, **options: Any) -> list[Any]:
        done: list[Any] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            stop = asyncio.Event()
            loop.call_at(seconds, stop.set)
            await execute(
                calls,
                client if callable(client) else lambda candidate: client,
                on_done=lambda call, result: done.append((call, result)),
                rng=random.Random(7),
                clock=loop.time,
                stop=stop,
                grace_s=0.0,
                **{"concurrency": 64, **options},
            )

        run_virtually(main())
        return done

    return drive_for


# -- buckets --------------------------------------------------------------------------------------


@given(
    rpm=st.sampled_from([1.0, 7.0, 60.0, 90.0, 500.0]),
    pauses=st.lists(st.floats(0, 90), max_size=8),
)
def test_no_minute_gets_more_than_its_limit(rpm: float, pauses: list[float]) -> None:
    bucket = bucket_per_minute(rpm)
    now_s, taken = 0.0, []
    for pause_s in [*pauses, 0.0]:
        now_s += pause_s
        for _ in range(int(rpm * 1.5)):
            now_s = bucket.opens_at(now_s, 1.0)
            bucket.take(now_s, 1.0)
            taken.append(now_s)
    last = 0
    for first, at_s in enumerate(taken):
        last = max(last, first)
        while last < len(taken) and taken[last] < at_s + 60 - 1e-6:
            last += 1
        assert last - first <= rpm


def test_a_call_larger_than_the_bucket_is_let_through_and_paid_off() -> None:
    bucket = bucket_per_minute(60_000)
    assert bucket.opens_at(0.0, 50_000) == 0.0
    bucket.take(0.0, 50_000)
    assert bucket.opens_at(0.0, 1_000) == pytest.approx(50_000 / bucket.per_s)


def test_what_was_not_used_is_given_back() -> None:
    bucket = bucket_per_minute(60_000)
    bucket.take(0.0, 1_000)
    bucket.take(0.0, -600)
    assert bucket.opens_at(0.0, 600) == 0.0
    assert bucket.opens_at(0.0, 700) > 0.0


# -- stated limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("latency_s", [0.01, 1.0])
@pytest.mark.parametrize("rpm", [60, 1200])
def test_a_stated_rate_is_kept_and_used(drive: Any, rpm: int, latency_s: float) -> None:
    endpoint = Endpoint(rpm / 60, burst=max(1, rpm / 60), latency_s=latency_s)
    candidate = Candidate("a", "scripted/a", limits=Limits(rpm=rpm))
    drive(120.0, calls_of(3 * rpm, candidate), endpoint)
    assert endpoint.refused_share(0.0) == 0.0
    assert 0.95 * rpm <= endpoint.accepted(60.0, 120.0) <= rpm


def test_tokens_a_minute_are_kept_as_they_are_measured(drive: Any) -> None:
    class Talking(Endpoint):
        async def complete(self, call: Call) -> Completion:
            answer = await super().complete(call)
            return Completion(answer.key, "x", usage=Usage(5, 75))

    endpoint = Talking(1e9, burst=1e9)
    candidate = Candidate("a", "scripted/a", limits=Limits(tpm=60_000))
    calls = (call_of(candidate, str(i), "p" * 100, max_tokens=4000) for i in range(10_000))
    drive(180.0, calls, endpoint)
    tokens = 80 * endpoint.accepted(60.0, 120.0)
    assert 0.9 * 60_000 <= tokens <= 60_000


def test_candidates_of_one_key_share_what_is_stated_for_it(drive: Any) -> None:
    endpoint = Endpoint(1e9, burst=1e9)
    one, two = (Candidate(name, f"openai/{name}", api_key="k") for name in "ab")
    other = Candidate("c", "openai/c", api_key="another key")
    limits = Pacing(key_limits={"openai": Limits(rpm=60)})
    done = drive(120.0, calls_of(300, one, two, other), endpoint, pacing=limits)
    names = [call.candidate.name for call, _ in done]
    assert 115 <= names.count("a") + names.count("b") <= 121
    assert 115 <= names.count("c") <= 121
    assert abs(names.count("a") - names.count("b")) <= 2


def test_a_keys_concurrency_holds_for_its_candidates_together(drive: Any) -> None:
    most = 0
    under_way = 0

    class Counting(Endpoint):
        async def complete(self, call: Call) -> Completion:
            nonlocal most, under_way
            under_way += 1
            most = max(most, under_way)
            try:
                return await super().complete(call)
            finally:
                under_way -= 1

    one, two = (Candidate(name, f"openai/{name}") for name in "ab")
    limits = Pacing(key_limits={"openai": Limits(concurrency=3)})
    drive(5.0, calls_of(500, one, two), Counting(1e9, burst=1e9), pacing=limits)
    assert most == 3


def test_the_host_is_closer_than_the_provider() -> None:
    candidate = Candidate("a", "openai/m", api_base="https://me:pw@gpu.local:8000/v1")
    assert limited_names(candidate) == ("gpu.local:8000", "gpu.local", "openai")
    assert limited_names(Candidate("a", "gpt-4o")) == ()
    assert limited_names(Candidate("a", "x/y", api_base="http://[broken")) == ("x",)


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_s", "burst", "latency_s", "whole"),
    [
        (2.0, 2.0, 0.001, True),
        (2.0, 2.0, 3.0, False),
        (10.0, 10.0, 0.001, False),
        (10.0, 600.0, 0.5, True),
        (10.0, 600.0, 3.0, False),
    ],
)
def test_an_unstated_rate_is_found_and_kept_with_few_refusals(
    drive: Any, per_s: float, burst: float, latency_s: float, whole: bool
) -> None:
    endpoint = Endpoint(per_s, burst=burst, latency_s=latency_s, whole=whole)
    calls = calls_of(int(burst + 420 * per_s), Candidate("a", "scripted/a"))
    done = drive(420.0, calls, endpoint, concurrency=256)
    assert endpoint.early == 0
    assert endpoint.accepted(200.0, 400.0) >= 0.85 * 200 * per_s
    assert endpoint.refused_share(200.0) <= 0.02
    assert not [result for _, result in done if isinstance(result, Failure)]


def test_retry_after_pauses_the_whole_candidate_and_no_other(drive: Any) -> None:
    asked: list[tuple[str, float]] = []

    class Once(Endpoint):
        async def complete(self, call: Call) -> Completion:
            now_s = asyncio.get_running_loop().time()
            asked.append((call.candidate.name, now_s))
            if call.key == "a/30":
                await asyncio.sleep(0.005)
                raise RateLimited("slow down", status=429, retry_after_s=7.0)
            return await super().complete(call)

    one, two = (Candidate(name, f"scripted/{name}") for name in "ab")
    drive(8.0, calls_of(9000, one, two), Once(1e9, burst=1e9), concurrency=16)
    quiet = [at_s for name, at_s in asked if name == "a" and at_s > 0.1]
    assert min(quiet) >= 7.0
    assert sum(name == "b" and 0.1 < at_s < 7.0 for name, at_s in asked) > 1000


def test_retry_after_pauses_all_candidates_of_a_limited_key(drive: Any) -> None:
    asked: list[float] = []

    class Once(Endpoint):
        async def complete(self, call: Call) -> Completion:
            asked.append(asyncio.get_running_loop().time())
            if len(asked) == 1:
                raise RateLimited("slow down", status=429, retry_after_s=7.0)
            return await super().complete(call)

    one, two = (Candidate(name, f"openai/{name}") for name in "ab")
    limits = Pacing(key_limits={"openai": Limits(rpm=6000)})
    calls = calls_of(50, one, two)
    drive(9.0, calls, Once(1e9, burst=1e9), concurrency=1, pacing=limits)
    assert asked[0] == 0.0
    assert asked[1] >= 7.0


def test_a_server_that_says_it_is_busy_is_left_alone_for_as_long(drive: Any) -> None:
    asked: list[float] = []

    class Busy(Endpoint):
        async def complete(self, call: Call) -> Completion:
            asked.append(asyncio.get_running_loop().time())
            if len(asked) == 1:
                raise ServerFailed("busy", status=503, retry_after_s=5.0)
            return await super().complete(call)

    drive(9.0, calls_of(9, Candidate("a", "scripted/a")), Busy(1e9, burst=1e9), concurrency=1)
    assert asked[0] == 0.0
    assert 5.0 <= asked[1] <= 5.5


def test_a_rest_of_hours_stops_the_candidate_at_once(drive: Any) -> None:
    class Closed(Endpoint):
        async def complete(self, call: Call) -> Completion:
            self.log.append((0.0, False))
            raise RateLimited("daily quota", status=429, retry_after_s=86_400.0)

    candidate = Candidate("a", "scripted/a")
    endpoint = Closed(1.0)
    done = drive(9.0, [call_of(candidate, str(i)) for i in range(500)], endpoint, concurrency=4)
    assert {result.kind for _, result in done} == {"rate_limited"}
    assert len(done) == 500
    assert len(endpoint.log) <= 4
    assert "86400 s of rest" in done[-1][1].message


def test_between_two_refusals_what_was_accepted_is_the_rate() -> None:
    rate = LearnedRate()
    for at_s in (0.0, 0.0, 0.0):
        rate.sent(at_s)
    rate.refused(0.0)
    assert rate.bucket is None
    for number in range(50):
        rate.sent(1.0 + number / 10)
    rate.refused(5.0)
    assert rate.bucket is None
    rate.sent(6.0)
    assert rate.bucket is not None
    assert rate.bucket.per_s == pytest.approx(0.95 * 49 / 5.0, rel=0.03)


def test_a_gate_without_limits_or_refusals_is_open() -> None:
    gate = Gate.of(Limits(), AdaptiveLimit(2))
    assert gate.opens_at(5.0, 0.0) <= 5.0
    gate.sent(5.0, 0.0)
    gate.sent(5.0, 0.0)
    assert gate.opens_at(5.0, 0.0) == math.inf

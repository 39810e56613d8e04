"""Under any schedule of latencies, prices, failures and cancellations, no more is spent than the
cap."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.calls.budget import Ledger, most_input_tokens, worst_case_usd
from llmroute.calls.execute import execute
from llmroute.errors import (
    BadRequest,
    CallError,
    ConnectionFailed,
    MalformedAnswer,
    RateLimited,
    ServerFailed,
    TimedOut,
)
from llmroute.records import Call, Candidate, Completion, Failure, Limits, Message, Price, Usage

FREE_OF_CHARGE: dict[str, CallError] = {
    "429": RateLimited("slow", status=429, retry_after_s=0.3),
    "400": BadRequest("no", status=400),
}
MAYBE_BILLED: dict[str, CallError] = {
    "timeout": TimedOut("slow"),
    "500": ServerFailed("oops", status=500),
    "reset": ConnectionFailed("reset"),
    "garbage": MalformedAnswer("what"),
}
ENDS = ("answer", "answer", "answer", "no usage", "stated", *FREE_OF_CHARGE, *MAYBE_BILLED)


@dataclass(frozen=True)
class Try:
    """What becomes of one try: how long it takes, how it ends, and its share of the worst case."""

    end: str
    latency_s: float
    share: float


@dataclass(frozen=True)
class Schedule:
    """A run: its candidates' prices and bounds, its calls, and what becomes of each try."""

    cap_usd: float
    candidates: tuple[Candidate, ...]
    n_calls: int
    tries: tuple[Try, ...]
    concurrency: int
    stop_after_s: float | None
    grace_s: float

    def calls(self) -> list[Call]:
        return [
            Call(
                key=f"{candidate.name}/{number}",
                suite="suite",
                task="task",
                sample_id=str(number),
                candidate=candidate,
                messages=(Message("user", "é" * (number % 7)),),
                messages_digest=str(number),
                params=candidate.params,
            )
            for number in range(self.n_calls)
            for candidate in self.candidates
        ]


tries = st.builds(
    Try, st.sampled_from(ENDS), st.sampled_from([0.0, 0.01, 0.2, 1.0]), st.floats(0.0, 1.0)
)
prices = st.sampled_from([0.0, 0.15, 1.0, 7.7, 60.0])


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    candidates = tuple(
        Candidate(
            f"c{number}",
            f"scripted/c{number}",
            params={"max_tokens": draw(st.integers(1, 5000))},
            price=Price(draw(prices), draw(prices), cached_input_usd_per_mtok=draw(prices)),
            limits=Limits(
                rpm=draw(st.sampled_from([None, None, 600.0])),
                concurrency=draw(st.sampled_from([None, 1, 3])),
                max_attempts=draw(st.integers(1, 4)),
            ),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    return Schedule(
        cap_usd=draw(st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.0])),
        candidates=candidates,
        n_calls=draw(st.integers(1, 12)),
        tries=tuple(draw(st.lists(tries, min_size=1, max_size=20))),
        concurrency=draw(st.integers(1, 24)),
        stop_after_s=draw(st.sampled_from([None, None, 0.005, 0.5])),
        grace_s=draw(st.sampled_from([0.0, 0.1, 5.0])),
    )


class Meter:
    """A provider that bills what it likes up to a call's worst case, and keeps its own account."""

    def __init__(self, schedule: Schedule, ledger: Ledger) -> None:
        self.billed_usd = 0.0
        self.sent = 0
        self._schedule = schedule
        self._ledger = ledger

    async def complete(self, call: Call) -> Completion:
        one = self._schedule.tries[self.sent % len(self._schedule.tries)]
        self.sent += 1
        worst_usd = worst_case_usd(call)
        assert worst_usd is not None
        self._check()
        if one.end not in FREE_OF_CHARGE:
            usage = Usage(
                int(one.share * most_input_tokens(call)),
                int(one.share * call.params["max_tokens"]),
                cached_input_tokens=self.sent % 50,
            )
            assert call.candidate.price is not None
            cost = call.candidate.price.cost_usd(usage)
            self.billed_usd += worst_usd * one.share if one.end == "stated" else cost or 0.0
        await asyncio.sleep(one.latency_s)
        self._check()
        if one.end in FREE_OF_CHARGE:
            raise FREE_OF_CHARGE[one.end]
        if one.end in MAYBE_BILLED:
            raise MAYBE_BILLED[one.end]
        if one.end == "stated":
            return Completion(call.key, "x", recorded_cost_usd=worst_usd * one.share)
        return Completion(call.key, "x", usage if one.end == "answer" else Usage())

    def _check(self) -> None:
        cap = self._schedule.cap_usd
        assert self._ledger.spent_usd + self._ledger.reserved_usd <= cap * (1 + 1e-9)

    async def close(self) -> None:
        pass


def check_schedule(run_virtually: Callable[..., Any], schedule: Schedule) -> None:
    ledger = Ledger(schedule.cap_usd)
    meter = Meter(schedule, ledger)
    done: list[tuple[Call, Completion | Failure]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        if schedule.stop_after_s is not None:
            loop.call_later(schedule.stop_after_s, stop.set)
        await execute(
            schedule.calls(),
            lambda candidate: meter,
            on_done=lambda call, result: done.append((call, result)),
            rng=random.Random(1),
            concurrency=schedule.concurrency,
            ledger=ledger,
            stop=stop,
            grace_s=schedule.grace_s,
            clock=loop.time,
        )

    run_virtually(main())
    assert meter.billed_usd <= schedule.cap_usd + 1e-9
    assert meter.billed_usd <= ledger.spent_usd + 1e-9
    assert ledger.spent_usd <= schedule.cap_usd
    assert ledger.reserved_usd == 0.0
    if schedule.stop_after_s is None:
        assert len(done) == len(schedule.calls())
    check_refused_had_no_room(ledger, done)


def check_refused_had_no_room(
    ledger: Ledger, done: list[tuple[Call, Completion | Failure]]
) -> None:
    """Of each candidate that was stopped for the cap, a call had no room beside what was spent."""
    refused: dict[str, list[float]] = {}
    for call, result in done:
        if isinstance(result, Failure) and result.kind == "budget_spent":
            refused.setdefault(call.candidate.name, []).append(worst_case_usd(call) or 0.0)
    assert ledger.unsent == sum(map(len, refused.values()))
    for worst_usd in refused.values():
        assert ledger.room_for(max(worst_usd)) == "never"


@settings(max_examples=300, deadline=None)
@given(schedule=schedules())
def test_no_schedule_passes_the_cap(run_virtually: Any, schedule: Schedule) -> None:
    check_schedule(run_virtually, schedule)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None)
@given(schedule=schedules())
def test_no_schedule_of_ten_thousand_passes_the_cap(run_virtually: Any, schedule: Schedule) -> None:
    check_schedule(run_virtually, schedule)

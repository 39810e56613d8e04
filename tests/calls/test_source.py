"""Calls that are decided upon while others are answered."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.calls.execute import execute
from llmroute.calls.scripted import ScriptedClient
from llmroute.errors import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Call


class Batches:
    """Gives the next batch once the one before is answered: "nothing for now" until then."""

    def __init__(self, batches: list[list[Call]]) -> None:
        self.batches = batches
        self.open = 0
        self.asked = 0

    def next_calls(self) -> list[Call] | None:
        self.asked += 1
        if self.open:
            return []
        if not self.batches:
            return None
        batch = self.batches.pop(0)
        self.open = len(batch)
        return batch

    def done(self) -> None:
        self.open -= 1


@pytest.fixture
def race(run_virtually: Callable[..., Any]) -> Callable[..., list[str]]:
    """Runs a source to its end; the samples in the order in which they were done."""

    def run(source: Batches, client: Any = None, **options: Any) -> list[str]:
        order: list[str] = []

        def on_done(call: Call, result: Any) -> None:
            order.append(call.sample_id)
            source.done()

        async def main() -> None:
            await execute(
                source,
                lambda candidate: client or ScriptedClient(lambda call: "x"),
                on_done=on_done,
                rng=random.Random(1),
                **options,
            )

        run_virtually(main())
        return order

    return run


@pytest.mark.parametrize("concurrency", [1, 3, 64])
def test_a_batch_is_decided_upon_when_the_one_before_is_answered(
    race: Any, make_call: Any, concurrency: int
) -> None:
    batches = [[make_call(sample_id=f"{b}{i}") for i in range(5)] for b in "abc"]
    order = race(Batches(batches), concurrency=concurrency)
    assert [sample_id[0] for sample_id in order] == ["a"] * 5 + ["b"] * 5 + ["c"] * 5


def test_nothing_for_now_waits_for_tries_that_sleep(race: Any, make_call: Any) -> None:
    tries: dict[str, int] = {}

    def answer(call: Call) -> Any:
        tries[call.key] = tries.get(call.key, 0) + 1
        return ServerFailed("oops", status=500) if tries[call.key] < 3 else "x"

    batches = [[make_call(sample_id=b)] for b in "abcd"]
    assert race(Batches(batches), ScriptedClient(answer), concurrency=2) == ["a", "b", "c", "d"]


def test_a_source_that_ends_at_once_is_no_work(race: Any) -> None:
    source = Batches([])
    assert race(source) == []
    assert source.asked == 1


def test_a_call_asked_for_twice_is_answered_from_the_first(race: Any, make_call: Any) -> None:
    client = ScriptedClient(lambda call: "x")
    source = Batches([[make_call(sample_id="a")], [make_call(sample_id="a")]])
    assert race(source, client) == ["a", "a"]
    assert len(client.calls) == 1


def test_a_source_that_waits_for_nothing_is_told_so(race: Any, make_call: Any) -> None:
    source = Batches([[make_call(sample_id="a")]])
    source.done = lambda: None  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="nothing is under way"):
        race(source)


def test_a_source_is_asked_again_when_the_last_waiting_call_is_sent(
    race: Any, make_call: Any, make_candidate: Any
) -> None:
    narrow = make_candidate("narrow", concurrency=2)
    sent: list[str] = []
    met = asyncio.Event()

    class Ahead(Batches):
        def next_calls(self) -> list[Call] | None:
            given = len(self.batches)
            if given == 2 or (given == 1 and "3" in sent):
                return self.batches.pop(0)
            return [] if given else None

    class Meeting(ScriptedClient):
        async def complete(self, call: Call) -> Any:
            sent.append(call.sample_id)
            if call.sample_id == "other":
                met.set()
            if call.sample_id != "1":
                await met.wait()
            return await super().complete(call)

    first = [make_call(sample_id=number, candidate=narrow) for number in "123"]
    source = Ahead([first, [make_call(sample_id="other")]])
    order = race(source, Meeting(lambda call: "x"), concurrency=4)
    assert sorted(order) == ["1", "2", "3", "other"]

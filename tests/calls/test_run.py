from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.calls.run import run_calls
from llmroute.calls.scripted import ScriptedClient
from llmroute.errors import ConfigError
from llmroute.records import Candidate

if TYPE_CHECKING:
    from llmroute.records import Call, Completion


class Closing(ScriptedClient):
    closed = 0

    async def close(self) -> None:
        self.closed += 1


def test_clients_are_closed_and_an_undisturbed_run_says_so(make_call: Any) -> None:
    client = Closing(lambda call: "x")
    done: list[Call] = []
    interrupted = run_calls(
        [make_call(sample_id=str(i)) for i in range(5)],
        lambda candidate: client,
        on_done=lambda call, result: done.append(call),
        rng=random.Random(1),
    )
    assert interrupted is False
    assert len(done) == 5
    assert client.closed == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_drains(make_call: Any, number: signal.Signals) -> None:
    class Slow(Closing):
        async def complete(self, call: Call) -> Completion:
            completion = await super().complete(call)
            if call.sample_id == "0":
                os.kill(os.getpid(), number)
            await asyncio.sleep(0.1)
            return completion

    client = Slow(lambda call: "x")
    done: list[str] = []
    told: list[str] = []
    before = signal.getsignal(number)
    interrupted = run_calls(
        [make_call(sample_id=str(i)) for i in range(50)],
        lambda candidate: client,
        on_done=lambda call, result: done.append(call.sample_id),
        on_interrupt=lambda: told.append("once"),
        rng=random.Random(1),
        concurrency=3,
    )
    assert interrupted is True
    assert sorted(done) == ["0", "1", "2"]
    assert told == ["once"]
    assert client.closed == 1
    assert signal.getsignal(number) == before


def test_the_second_signal_does_not_wait(make_call: Any) -> None:
    class Hanging(Closing):
        async def complete(self, call: Call) -> Completion:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(3600)
            raise AssertionError

    client = Hanging(lambda call: "x")
    done: list[Call] = []
    interrupted = run_calls(
        [make_call(sample_id=str(i)) for i in range(50)],
        lambda candidate: client,
        on_done=lambda call, result: done.append(call),
        on_interrupt=lambda: os.kill(os.getpid(), signal.SIGINT),
        rng=random.Random(1),
        concurrency=2,
        grace_s=3600,
    )
    assert interrupted is True
    assert done == []
    assert client.closed == 1


def test_an_error_on_the_way_reaches_the_caller(make_call: Any) -> None:
    def client_for(candidate: Candidate) -> ScriptedClient:
        raise ConfigError("no such endpoint")

    with pytest.raises(ConfigError):
        run_calls(
            [make_call()], client_for, on_done=lambda call, result: None, rng=random.Random(1)
        )


def test_no_call_is_sent_before_every_candidate_can_be_called(make_call: Any) -> None:
    client = Closing(lambda call: "x")

    def client_for(candidate: Candidate) -> ScriptedClient:
        if candidate.name == "bad":
            raise ConfigError("no such endpoint")
        return client

    calls = [make_call(), make_call(sample_id="2", candidate=Candidate("bad", "scripted/b"))]
    with pytest.raises(ConfigError):
        run_calls(calls, client_for, on_done=lambda call, result: None, rng=random.Random(1))
    assert client.calls == []
    assert client.closed == 1


def test_the_room_loads_neither_litellm_nor_aiohttp() -> None:
    code = """
        import sys
        import llmroute.calls.client, llmroute.calls.direct_client, llmroute.calls.execute
        import llmroute.calls.keys, llmroute.calls.litellm_client, llmroute.calls.prices
        import llmroute.calls.replay, llmroute.calls.run, llmroute.calls.scripted
        from llmroute.calls.prices import list_price
        assert list_price("gpt-4o-mini")
        print(sorted({"litellm", "aiohttp", "pandas", "openai"} & set(sys.modules)))
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"

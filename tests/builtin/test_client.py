from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmroute.calls.builtin_client import BUILTIN_PRICE, BuiltinClient, open_builtin
from llmroute.errors import InputError, ServerFailed, UnknownName
from llmroute.records import Call, Candidate, Completion, Message, Usage


@dataclass(frozen=True)
class Busy:
    """Counts for a while, so that there is CPU time to measure."""

    def answer(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> str:
        return f"{sum(range(300_000))} {messages[-1].content} {'/'.join(labels)}"


@dataclass(frozen=True)
class Broken:
    def answer(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> str:
        raise ZeroDivisionError("no such number")


@dataclass(frozen=True)
class Lacking:
    def answer(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> str:
        raise InputError("no model folder")


def call_of(candidate: Candidate, text: str = "hello", labels: tuple[str, ...] = ()) -> Call:
    messages = (Message("user", text),)
    return Call("key", "suite", "task", "s1", candidate, messages, "digest", {}, labels=labels)


def complete(client: BuiltinClient, call: Call) -> Completion:
    async def story() -> Completion:
        try:
            return await client.complete(call)
        finally:
            await client.close()

    return asyncio.run(story())


RULES = Candidate("floor", "builtin/rules")


def test_completion_carries_the_answer_and_what_it_took() -> None:
    found = complete(BuiltinClient(Busy()), call_of(RULES, "hi", ("a", "b")))
    assert found.output == "44999850000 hi a/b"
    assert (found.key, found.finish_reason, found.usage) == ("key", "stop", Usage())
    assert found.busy_s is not None
    assert found.latency_s is not None
    assert found.busy_s > 0
    assert found.latency_s > 0


def test_computing_costs_its_time_at_the_stated_price() -> None:
    assert BUILTIN_PRICE.cost_usd(Usage(), busy_s=3600) == 0.05
    assert BUILTIN_PRICE.cost_usd(Usage()) is None


def test_program_that_raises_is_a_failed_call_that_names_the_sample() -> None:
    with pytest.raises(ServerFailed, match=r"'floor', sample 's1'.*ZeroDivisionError"):
        complete(BuiltinClient(Broken()), call_of(RULES))


def test_what_a_person_must_mend_is_not_a_failed_call() -> None:
    with pytest.raises(InputError, match="no model folder"):
        complete(BuiltinClient(Lacking()), call_of(RULES))


def test_closed_client_answers_again() -> None:
    client = BuiltinClient(Busy())
    first, second = (complete(client, call_of(RULES)) for _ in range(2))
    assert first.output == second.output


def test_calls_at_once_are_all_answered() -> None:
    async def story() -> list[Completion]:
        client = open_builtin(RULES)
        calls = [call_of(RULES, f"word {i}") for i in range(50)]
        found = await asyncio.gather(*(client.complete(call) for call in calls))
        await client.close()
        return found

    assert [found.output for found in asyncio.run(story())] == [f"word {i}" for i in range(50)]


def test_unknown_program_is_refused_with_the_candidate_named() -> None:
    with pytest.raises(UnknownName, match="candidate 'x': unknown builtin candidate 'ruls'"):
        open_builtin(Candidate("x", "builtin/ruls"))


def test_unknown_parameter_is_refused_with_the_candidate_named() -> None:
    with pytest.raises(InputError, match=r"candidate 'x'.*no parameter 'temperature'"):
        open_builtin(Candidate("x", "builtin/rules", params={"temperature": 0}))


def test_missing_model_folder_is_said_before_any_call(tmp_path: Path) -> None:
    folder = str(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no such model folder"):
        open_builtin(Candidate("x", "builtin/embedding", params={"folder": folder}))

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmroute.calls.replay import ReplayClient
from llmroute.errors import NotRecorded
from llmroute.records import Candidate, Completion, Usage

ANSWERS = {
    ("suite", "s1", "gpt-x", 0): Completion(
        key="old", output="42", usage=Usage(3, 1), latency_s=1.5, recorded_cost_usd=0.25
    )
}


@pytest.fixture
def candidate() -> Candidate:
    return Candidate("renamed", "replay/gpt-x")


def test_a_recorded_answer_comes_back_with_its_cost_under_the_calls_key(
    make_call: Any, candidate: Candidate
) -> None:
    call = make_call(candidate=candidate, key="new")
    completion = asyncio.run(ReplayClient(ANSWERS).complete(call))
    assert completion == replace(ANSWERS["suite", "s1", "gpt-x", 0], key="new")


def test_a_missing_answer_is_said_alike_for_every_sample(
    make_call: Any, candidate: Candidate
) -> None:
    client = ReplayClient(ANSWERS, path=Path("answers.jsonl"))
    said = set()
    for sample_id in ("s2", "s3"):
        with pytest.raises(NotRecorded) as failed:
            asyncio.run(client.complete(make_call(candidate=candidate, sample_id=sample_id)))
        said.add(str(failed.value))
    (message,) = said
    assert message.startswith("answers.jsonl: no recorded answer of 'gpt-x' to this sample")
    assert "--record" in message


def test_another_repeat_is_another_answer(make_call: Any, candidate: Candidate) -> None:
    call = replace(make_call(candidate=candidate), repeat=1)
    with pytest.raises(NotRecorded, match="repeat 1"):
        asyncio.run(ReplayClient(ANSWERS).complete(call))

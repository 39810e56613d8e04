"""Calls to make, and a loop to make them in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from llmroute.records import Call, Candidate, Limits, Message

T = TypeVar("T")
MakeCall = Callable[..., Call]
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture
def make_call() -> MakeCall:
    """A call with the given prompt; its key is its sample id unless one is given."""

    def make(
        prompt: str = "hello",
        *,
        sample_id: str = "s1",
        key: str | None = None,
        candidate: Candidate | None = None,
        **params: Any,
    ) -> Call:
        candidate = candidate or Candidate("model-a", "scripted/a")
        return Call(
            key=key or f"{candidate.name}/{sample_id}",
            suite="suite",
            task="task",
            sample_id=sample_id,
            candidate=candidate,
            messages=(Message("user", prompt),),
            messages_digest="digest",
            params=params,
        )

    return make


@pytest.fixture
def make_candidate() -> Callable[..., Candidate]:
    def make(name: str = "model-a", **limits: Any) -> Candidate:
        return Candidate(name, f"scripted/{name}", limits=Limits(**limits))

    return make


@pytest.fixture(scope="module")
def run() -> Iterator[Run[Any]]:
    """Runs coroutines in one loop for the whole module: connections and clients are reused."""
    with asyncio.Runner() as runner:
        yield runner.run

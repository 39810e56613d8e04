"""Calls that must not leave this process: which would, and the refusal of those."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmroute.calls.client import Client, adapter_of
from llmroute.errors import NotRecorded, OutsideError
from llmroute.records import Call, Candidate, Completion

INSIDE = ("builtin", "replay")
"""Adapters that open no socket."""


def is_inside(candidate: Candidate) -> bool:
    """Whether it answers in this process: a program, or a recording."""
    return adapter_of(candidate) in INSIDE


def refuse_to_ask(missing: Sequence[Call]) -> None:
    """Raises OutsideError where calls would have to leave this process."""
    outside = [call for call in missing if not is_inside(call.candidate)]
    if not outside:
        return
    names = ", ".join(dict.fromkeys(call.candidate.name for call in outside))
    raise OutsideError(
        f"{len(outside)} answers are not in the store, and --offline asks for none ({names})",
        fix="Run the bench once without --offline, or leave these candidates out.",
    )


class OfflineClients:
    """Hands out programs and recordings, and for all else a client that refuses."""

    def __init__(self, clients: Callable[[Candidate], Client]) -> None:
        self._clients = clients

    def __call__(self, candidate: Candidate) -> Client:
        """The client that answers for the candidate, or says that nothing does."""
        if is_inside(candidate):
            return self._clients(candidate)
        return _NoClient()


class _NoClient:
    async def complete(self, call: Call) -> Completion:
        raise NotRecorded(
            f"no stored answer of {call.candidate.name} to sample {call.sample_id!r}",
            fix="Run the bench once without --offline.",
        )

    async def close(self) -> None:
        """There is nothing to close."""

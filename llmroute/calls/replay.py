"""Call → Completion from a recording: no call leaves the machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.errors import NotRecorded

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.calls.client import Recording
    from llmroute.records import Call, Completion


class ReplayClient:
    """Answers `replay/NAME` with what NAME answered when it was recorded."""

    def __init__(self, answers: Recording, *, path: Path | None = None) -> None:
        self._answers = answers
        self._path = path

    async def complete(self, call: Call) -> Completion:
        """The recorded answer to this suite, sample and repeat, at its recorded latency and cost.

        Raises:
            NotRecorded: there is none. The message names no sample, so that many count as one.
        """
        name = call.candidate.model.removeprefix("replay/")
        found = self._answers.get((call.suite, call.sample_id, name, call.repeat))
        if found is None:
            raise NotRecorded(
                f"no recorded answer of {name!r} to this sample of suite {call.suite!r}"
                f" (repeat {call.repeat})",
                where=str(self._path) if self._path else None,
                fix="Record it with `llmroute bench --record FILE`, or leave the candidate out.",
            )
        return replace(found, key=call.key)

    async def close(self) -> None:
        """Nothing is open."""

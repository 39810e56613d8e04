"""Call → Completion from a function: tests and dry runs."""

from __future__ import annotations

from collections.abc import Callable

from llmroute.errors import CallError
from llmroute.records import Call, Completion

Script = Callable[[Call], str | Completion | CallError]


class ScriptedClient:
    """Answers each call with what `answer` returns for it: a text, a completion or an error."""

    def __init__(self, answer: Script) -> None:
        self._answer = answer
        self.calls: list[Call] = []
        """Every call it was asked, in order."""

    async def complete(self, call: Call) -> Completion:
        """What the script says to this call.

        Raises:
            CallError: the script returned one.
        """
        self.calls.append(call)
        said = self._answer(call)
        if isinstance(said, CallError):
            raise said
        if isinstance(said, Completion):
            return said
        return Completion(key=call.key, output=said, finish_reason="stop")

    async def close(self) -> None:
        """Nothing is open."""

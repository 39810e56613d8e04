"""Plugin room: one entry of a gateway's log → LoggedRequest.

A log form tells its own entries from others' and reads them; `read.py` opens files, finds their
form and takes care of what all forms share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from llmroute.records import LoggedRequest
from llmroute.registry import Registry


class LogForm(Protocol):
    """One tool's way to write a log."""

    described: str
    """What it is and by which keys it is known, for messages."""

    def recognises(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry is of this form, by its keys alone."""
        ...

    def read(self, entry: Mapping[str, Any], where: str) -> LoggedRequest:
        """What the entry says.

        Raises:
            LogFormatError: a value is not what it should be.
        """
        ...

    def answer(self, entry: Mapping[str, Any]) -> str | None:
        """The text that was answered; None where the entry has none."""
        ...


LOG_FORMS = Registry(
    kind="log form",
    group="llmroute.logs",
    table={
        "litellm": "llmroute.logs.litellm:LiteLLMLog",
        "llmroute": "llmroute.logs.own:OwnLog",
        "openai": "llmroute.logs.openai:OpenAILog",
    },
)

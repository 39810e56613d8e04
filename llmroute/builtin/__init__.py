"""Messages → answer, by small programs in this process: the floor a model must beat.

A program gets what a model gets, the messages with their few-shot turns and the suite's labels,
and nothing else: no target, no suite name. It is deterministic and answers any text whatever.
"""

from __future__ import annotations

from typing import Protocol

from llmroute.records import Message
from llmroute.registry import Registry


class Program(Protocol):
    """A candidate that is a program; a frozen dataclass whose fields are its parameters."""

    def answer(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> str:
        """The text it answers with.

        Args:
            messages: system prompt, few-shot turns and the request, as a model gets them.
            labels: the suite's allowed answers; empty where there are none.

        Raises:
            InputError: something the program needs (an extra, a folder) is missing.
        """
        ...


PROGRAMS = Registry(
    "builtin candidate",
    {
        "embedding": "llmroute.builtin.embedding:Embedding",
        "gullible": "llmroute.builtin.gullible:Gullible",
        "rules": "llmroute.builtin.rules:Rules",
        "tfidf": "llmroute.builtin.tfidf:Tfidf",
    },
    "llmroute.builtin",
)

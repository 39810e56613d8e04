"""Text or chat messages → Request: what its task is recognised by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from llmroute.clip import clip
from llmroute.errors import InputError
from llmroute.metrics.json_text import fenced_blocks, find_json
from llmroute.patterns import compile_pattern, find_all

Messages = Sequence[Mapping[str, Any]]
"""As chat APIs take them: `role`, and `content` that is a text or a list of parts."""

SYSTEM_ROLES = ("system", "developer")
LEAST_CODE_LINES = 2
LEAST_JSON_CHARS = 10
CODE_LINE = (
    r"^[ \t]*(?:"
    r"(?:async def|class|const|def|elif|else|enum|fn|for|func|function|if|impl|let|private|public"
    r"|static|struct|switch|try|var|while)\b[^.?!\n]*[:({]"
    r"|(?:from [\w.]+ )?import [\w.{*][^.?!\n]*|#include\b.*|package [\w.]+;|return\b[^.?!\n]*;"
    r"|SELECT\b.*\bFROM\b.*|[\w.\[\]]+ [-+*/]?= .*[;)\]]|.*[;{}]|</?\w[^\n]*>"
    r")[ \t]*$"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: the last user turn, and the system messages."""

    text: str
    """Without white space at its ends; "" where nothing is asked."""
    system: str = ""

    @property
    def read(self) -> str:
        """What rules and likeness read: of a long text its first and last thousands of characters.

        Characters are whole: a lone surrogate, which is no text, reads as "?".
        """
        return clip(self.text).encode("utf-8", "replace").decode()


def read_request(request: str | Messages) -> Request:
    """A request as rules, likeness and the query router read it.

    Raises:
        InputError: it is neither text nor a list of chat messages.

    >>> read_request([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}])
    Request(text='Hi', system='Be kind.')
    """
    if isinstance(request, str):
        return Request(request.strip())
    if not isinstance(request, Sequence) or isinstance(request, bytes | bytearray):
        raise _malformed(f"a request is text or a list of messages, not {type(request).__name__}")
    turns = [_read_turn(message, number) for number, message in enumerate(request, 1)]
    asked = [text for role, text in turns if role == "user"]
    system = [text for role, text in turns if role in SYSTEM_ROLES]
    return Request(asked[-1].strip() if asked else "", "\n\n".join(system))


def _read_turn(message: Any, number: int) -> tuple[str, str]:
    """(role, text) of one message; what is not text, an image or a tool call, is passed over."""
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        raise _malformed(f"message {number} has no role")
    content = message.get("content")
    if content is None or isinstance(content, str):
        return message["role"], content or ""
    if not isinstance(content, Sequence):
        raise _malformed(f"the content of message {number} is neither text nor a list of parts")
    return message["role"], "\n".join(_texts(content, number))


def _texts(parts: Sequence[Any], number: int) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif not isinstance(part, Mapping):
            raise _malformed(f"a content part of message {number} is no mapping")
        elif isinstance(part.get("text"), str):
            yield part["text"]


def _malformed(what: str) -> InputError:
    fix = "Write text, or [{role: user, content: '…'}] as chat APIs take it."
    return InputError(what, fix=fix)


def has_code(text: str) -> bool:
    """Whether a fenced block of anything but JSON, or two lines of code or more, stand in a text.

    >>> has_code("Why does this fail?\\nfor x in range(3):\\n    print(x);")
    True
    >>> has_code("Why does this fail? I returned it; the shop says no.")
    False
    """
    if any(language != "json" for language, _ in fenced_blocks(text)):
        return True
    lines = find_all(compile_pattern(CODE_LINE, multiline=True), text)
    return len(list(islice(lines, LEAST_CODE_LINES))) == LEAST_CODE_LINES


def has_json(text: str) -> bool:
    """Whether a JSON object or list of ten characters or more stands in a text.

    >>> has_json('Turn {"name": "Ann"} into a sentence.'), has_json("see [1] and [2]")
    (True, False)
    """
    found = find_json(text)
    return found is not None and len(found) >= LEAST_JSON_CHARS

"""Records ⇄ the values of a row."""

from __future__ import annotations

import json
from sys import intern
from typing import TYPE_CHECKING, Any

from llmroute.records import Completion, Failure, Message, Score, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

Stored = str | bytes
"""Text; as bytes only where it holds broken surrogates, which SQLite's UTF-8 cannot."""

WHOLE_OUTPUT = 1
"""In place of a prediction that is the output itself: most are."""

WORD_COLUMNS = (
    ("answers", "model"),
    ("answers", "finish_reason"),
    ("answers", "model_returned"),
    ("failures", "kind"),
    ("attempts", "kind"),
    ("scores", "scorer"),
)
"""Every (table, column) that holds the number of a word."""


def key_blob(key: str) -> bytes:
    """A content hash as it is stored: 32 bytes for 64 hexadecimal digits.

    >>> len(key_blob("ab" * 32))
    32
    """
    return bytes.fromhex(key)


def to_stored(text: str) -> Stored:
    """Text as SQLite can keep it; model output may hold anything.

    >>> to_stored("naïve"), to_stored("broken \\ud800")
    ('naïve', b'broken \\xed\\xa0\\x80')
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_stored(text: Stored) -> str:
    """The text that `to_stored` was given."""
    return text if isinstance(text, str) else text.decode("utf-8", "surrogatepass")


def count(number: int | None) -> int | None:
    """A count SQLite can hold; what an endpoint reports beyond 64 bits is no count.

    >>> count(12), count(10**30)
    (12, None)
    """
    return number if number is None or -(2**63) <= number < 2**63 else None


def messages_json(messages: tuple[Message, ...]) -> Stored:
    """A request's messages: [[role, content], ...]."""
    pairs = [[message.role, message.content] for message in messages]
    return to_stored(json.dumps(pairs, ensure_ascii=False, separators=(",", ":")))


def read_messages(stored: Stored) -> tuple[Message, ...]:
    """The messages that `messages_json` was given."""
    return tuple(Message(role, content) for role, content in json.loads(from_stored(stored)))


def parts_json(parts: Mapping[str, float]) -> str | None:
    """The metrics' own values, or None where there is only one."""
    return json.dumps(dict(parts), separators=(",", ":")) if parts else None


SELECT_ANSWERS = """
    SELECT c.key, a.output, a.input_tokens, a.output_tokens, a.cached_input_tokens,
        a.reasoning_tokens, f.text, a.latency_s, a.busy_s, a.recorded_cost_usd, m.text, a.attempts,
        a.created_s
    FROM calls c JOIN answers a ON a.call = c.id
        LEFT JOIN words f ON f.id = a.finish_reason LEFT JOIN words m ON m.id = a.model_returned"""


def read_answer(row: tuple[Any, ...]) -> Completion:
    """A row of `SELECT_ANSWERS` → Completion; its key in hexadecimal."""
    key, output, *usage, finish_reason, latency_s, busy_s, cost_usd, model, attempts, created = row
    return Completion(
        key=key,
        output=from_stored(output),
        usage=Usage(*usage),
        finish_reason=_word(finish_reason),
        latency_s=latency_s,
        busy_s=busy_s,
        recorded_cost_usd=cost_usd,
        model_returned=_word(model),
        attempts=attempts,
        created_s=created,
    )


SELECT_FAILURES = """
    SELECT c.key, k.text, f.message, f.status, f.latency_s, f.attempts, f.created_s
    FROM calls c JOIN failures f ON f.call = c.id JOIN words k ON k.id = f.kind"""
SELECT_ATTEMPTS = """
    SELECT c.key, k.text, '', t.status, t.latency_s, 1, t.created_s
    FROM attempts t JOIN calls c ON c.id = t.call JOIN words k ON k.id = t.kind ORDER BY t.id"""


def read_failure(row: tuple[Any, ...]) -> Failure:
    """A row of `SELECT_FAILURES` or `SELECT_ATTEMPTS` → Failure; its key in hexadecimal."""
    key, kind, message, status, latency_s, attempts, created_s = row
    return Failure(
        key, from_stored(kind), from_stored(message), status, latency_s, attempts, created_s
    )


SELECT_SCORES = """
    SELECT c.key, w.text, s.value, s.prediction, a.output, s.parts, s.reason
    FROM calls c JOIN scores s ON s.call = c.id JOIN answers a ON a.call = c.id
        JOIN words w ON w.id = s.scorer"""


def read_score(row: tuple[Any, ...]) -> tuple[tuple[str, str], Score]:
    """A row of `SELECT_SCORES` → ((answer key, scorer key), Score)."""
    key, scorer, value, prediction, output, parts, reason = row
    score = Score(
        value=value,
        prediction=from_stored(output) if prediction == WHOLE_OUTPUT else _optional(prediction),
        parts=json.loads(parts) if parts else _NO_PARTS,
        reason=_optional(reason),
    )
    return (key, intern(from_stored(scorer))), score


_NO_PARTS: Mapping[str, float] = {}
"""One for all scores of a single metric, which are many."""


def _word(text: Stored | None) -> str | None:
    """A text that many rows have, once in memory."""
    return None if text is None else intern(from_stored(text))


def _optional(text: Stored | None) -> str | None:
    return None if text is None else from_stored(text)

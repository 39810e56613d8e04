"""Values of a log's entry → times, requests, numbers, and whatever field a user names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from llmroute.errors import LogFormatError
from llmroute.outcomes.fields import Fields

MILLISECONDS_FROM = 1e11
"""Unix times from here on are milliseconds: as seconds it would be the year 5138."""


def unpacked(value: Any) -> Any:
    """The value, parsed where it is a JSON object or list written as text.

    >>> unpacked('{"a": 1}'), unpacked("[draft] a note")
    ({'a': 1}, '[draft] a note')
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, also where it is written as text; nothing else."""
    found = unpacked(value)
    return found if isinstance(found, dict) else {}


def find_field(entry: Mapping[str, Any], name: str) -> Any:
    """What the entry holds under a name, dots leading inwards; None where there is nothing.

    A name that is not at the top is looked for in the metadata too.

    >>> entry = {"user": "u1", "metadata": '{"arm": "control", "spend_logs_metadata": {"n": 1}}'}
    >>> find_field(entry, "user"), find_field(entry, "arm"), find_field(entry, "n")
    ('u1', 'control', 1)
    >>> find_field(entry, "metadata.arm")
    'control'
    """
    steps = name.split(".")
    for place in _places(entry):
        value: Any = place
        for step in steps:
            value = mapping(value).get(step)
        if value is not None:
            return value
    return entry.get(name)


def _places(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The entry itself, and where gateways keep what the caller said of a request."""
    yield entry
    if metadata := mapping(entry.get("metadata")):
        yield metadata
        for name in ("spend_logs_metadata", "requester_metadata"):
            if inner := mapping(metadata.get(name)):
                yield inner
    for name in ("request", "body"):
        if inner := mapping(mapping(entry.get(name)).get("metadata")):
            yield inner


def read_time_s(value: Any, name: str, where: str) -> float | None:
    """Unix seconds from ISO 8601, or from seconds or milliseconds since 1970.

    A time without a zone is UTC.

    Raises:
        LogFormatError: it is no time.

    >>> read_time_s("2026-01-01T01:00:00+01:00", "time", "") == read_time_s(1767225600, "time", "")
    True
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        seconds = _parsed(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value >= MILLISECONDS_FROM else float(value)
    else:
        seconds = math.nan
    if math.isfinite(seconds) and seconds >= 0:
        return seconds
    raise LogFormatError(
        f"{name!r} is {str(value)[:40]!r}, not a time",
        where=where,
        fix='Write ISO 8601 with a zone, such as "2026-01-31T12:00:00Z", or Unix seconds.',
    )


def _parsed(text: str) -> float:
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan


def read_latency_s(begin_s: float | None, end_s: float | None, where: str) -> float | None:
    """Seconds between two times.

    Raises:
        LogFormatError: the end is before the beginning.
    """
    if begin_s is None or end_s is None:
        return None
    if end_s < begin_s:
        raise LogFormatError(
            f"the request ends {begin_s - end_s:.3f} s before it begins",
            where=where,
            fix="Are its two times of different zones? Write the zone with both.",
        )
    return end_s - begin_s


def read_messages(value: Any, where: str) -> str | tuple[Mapping[str, Any], ...] | None:
    """A request as text or chat messages; None where there is none.

    Of a list only its messages: OpenAI's responses API also lists tool calls there.

    Raises:
        LogFormatError: it is something else.
    """
    found = unpacked(value)
    if isinstance(found, str):
        return found or None
    if not found:
        return None
    if isinstance(found, list) and (messages := [item for item in found if _is_message(item)]):
        return tuple(messages)
    raise LogFormatError(
        "the request is neither a text nor a list of chat messages",
        where=where,
        fix='Write "prompt": "...", or "messages": [{"role": "user", "content": "..."}].',
    )


def answer_text(response: Mapping[str, Any]) -> str | None:
    """The text of a chat completion, or of what OpenAI's responses API answers.

    >>> answer_text({"choices": [{"message": {"role": "assistant", "content": "Four."}}]})
    'Four.'
    >>> answer_text({"output": [{"content": [{"type": "output_text", "text": "Four."}]}]})
    'Four.'
    """
    choices, output = response.get("choices"), response.get("output")
    if isinstance(choices, list) and choices:
        first = mapping(choices[0])
        text = mapping(first.get("message")).get("content", first.get("text"))
        return text if isinstance(text, str) else None
    parts = [mapping(item).get("content") for item in output] if isinstance(output, list) else []
    texts = [mapping(part).get("text") for part in parts if isinstance(part, list) for part in part]
    return "\n".join(text for text in texts if isinstance(text, str)) or None


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return False
    content = value.get("content")
    return (
        content is None
        or isinstance(content, str)
        or (isinstance(content, list) and all(isinstance(part, str | dict) for part in content))
    )


def first_count(fields: Fields, *names: str) -> int | None:
    """The count under the first of the names that is there."""
    return next((n for name in names if (n := fields.count(name)) is not None), None)


def first_text(fields: Fields, *names: str) -> str | None:
    """The text under the first of the names that holds one."""
    return next((text for name in names if (text := fields.text(name))), None)


def cached_tokens(usage: Mapping[str, Any], where: str) -> int | None:
    """Prompt tokens that were cached, as OpenAI or Anthropic count them."""
    details = Fields(mapping(usage.get("prompt_tokens_details")), where)
    own = Fields(usage, where)
    return first_count(details, "cached_tokens") or first_count(own, "cache_read_input_tokens")

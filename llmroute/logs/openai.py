"""An OpenAI-shaped request with its answer → LoggedRequest.

Three shapes: a line of a batch's input file (`custom_id`, `body`), of its output file (`custom_id`,
`response: {status_code, body}`, `error`), or both in one (`request`, `response`). `read.py` joins a
batch's two files by `custom_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmroute.logs.values import (
    answer_text,
    cached_tokens,
    first_count,
    mapping,
    read_messages,
    read_time_s,
)
from llmroute.outcomes.fields import Fields
from llmroute.records import LoggedRequest, Usage

_CHAT_URLS = ("/v1/chat/completions", "/v1/completions", "/v1/responses")


@dataclass(frozen=True, slots=True)
class OpenAILog:
    """Requests and answers as OpenAI's API and its batches have them."""

    described: str = (
        'openai: {"custom_id", "body"} with {"custom_id", "response"}, or {"request", "response"}'
    )

    def recognises(self, entry: Mapping[str, Any]) -> bool:
        """A `custom_id` with a body or a response, or a request with its response."""
        keys = entry.keys()
        batch = "custom_id" in keys and bool({"body", "response", "error"} & keys)
        return batch or ({"request", "response"} <= keys and "spend" not in keys)

    def read(self, entry: Mapping[str, Any], where: str) -> LoggedRequest:
        """What the line says."""
        fields = Fields(entry, where)
        asked = mapping(entry.get("request")) or mapping(entry.get("body"))
        response = mapping(entry.get("response"))
        answer = mapping(response.get("body")) or response
        names = [Fields(part, where).text("model") for part in (asked, answer)]
        return LoggedRequest(
            where=where,
            id=fields.label("custom_id") or fields.label("id"),
            models=tuple(dict.fromkeys(name for name in names if name)),
            fate=_fate(entry, response),
            request=read_messages(_asked(asked), where),
            time_s=read_time_s(answer.get("created"), "created", where),
            usage=_usage(mapping(answer.get("usage")), where),
            cost_usd=fields.amount("cost_usd"),
            latency_s=fields.amount("latency_s"),
            metadata=mapping(asked.get("metadata")),
            raw=entry,
        )

    def answer(self, entry: Mapping[str, Any]) -> str | None:
        """The text in the response."""
        response = mapping(entry.get("response"))
        return answer_text(mapping(response.get("body")) or response)


def is_answer(entry: Mapping[str, Any]) -> bool:
    """Whether this is a line of a batch's output file: an answer without its request."""
    return "custom_id" in entry and not ({"body", "request"} & entry.keys())


def without_text(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without what was answered, which nobody needs who joins it to its request."""
    response = dict(mapping(entry.get("response")))
    if body := mapping(response.get("body")):
        kept = ("model", "usage", "created")
        response["body"] = {key: body[key] for key in kept if key in body}
    return {**entry, "response": response}


def _asked(body: Mapping[str, Any]) -> Any:
    return next((body[key] for key in ("messages", "input", "prompt") if body.get(key)), None)


def _usage(usage: Mapping[str, Any], where: str) -> Usage:
    fields = Fields(usage, where)
    return Usage(
        first_count(fields, "prompt_tokens", "input_tokens"),
        first_count(fields, "completion_tokens", "output_tokens"),
        cached_tokens(usage, where),
    )


def _fate(entry: Mapping[str, Any], response: Mapping[str, Any]) -> Any:
    url = entry.get("url")
    if isinstance(url, str) and url not in _CHAT_URLS:
        return "no_chat"
    status = response.get("status_code")
    failed = bool(entry.get("error")) or (isinstance(status, int) and status >= 400)
    return "failed" if failed else "answered"

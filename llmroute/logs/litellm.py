"""An entry of LiteLLM's spend logs, or of its logging callbacks → LoggedRequest.

Spend logs (`LiteLLM_SpendLogs`: `/spend/logs`, or the table's rows as JSON) have `request_id`,
`spend`, `model`, `model_group`, `startTime`, `proxy_server_request`, `metadata`, ... What a
logging callback writes (`StandardLoggingPayload`) has `id` and `response_cost` instead. Read as
litellm 1.110 writes them; objects may stand there as text. The proxy keeps prompts only with
`general_settings: {store_prompts_in_spend_logs: true}`.

Zeros are defaults there, not measurements: a spend of 0 is what an unknown price reads as, and no
tokens at all means that nobody counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from llmroute.logs.values import (
    answer_text,
    cached_tokens,
    first_count,
    first_text,
    mapping,
    read_latency_s,
    read_messages,
    read_time_s,
    unpacked,
)
from llmroute.outcomes.fields import Fields
from llmroute.records import LoggedRequest, Usage

CHAT = frozenset({
    "", "completion", "acompletion", "text_completion", "atext_completion", "responses",
    "aresponses", "anthropic_messages", "generate_content", "agenerate_content",
    "generate_content_stream", "agenerate_content_stream",
})  # fmt: skip
"""Call types that a model answers with text; the others embed, draw, speak, rerank, ..."""


_JSON = ("messages", "metadata", "proxy_server_request", "request_tags")
"""JSON columns, which some ways out of the database write as text; unpacked once."""


@dataclass(frozen=True, slots=True)
class LiteLLMLog:
    """LiteLLM's proxy."""

    described: str = 'litellm: {"request_id", "spend", "model", "model_group", "startTime", ...}'

    def recognises(self, entry: Mapping[str, Any]) -> bool:
        """`request_id` and `spend`, or `response_cost` and `call_type`."""
        keys = entry.keys()
        return {"request_id", "spend"} <= keys or {"response_cost", "call_type"} <= keys

    def read(self, entry: Mapping[str, Any], where: str) -> LoggedRequest:
        """What the entry says."""
        entry = {**entry, **{name: unpacked(entry[name]) for name in _JSON if name in entry}}
        fields = Fields(entry, where)
        begin_s = read_time_s(entry.get("startTime"), "startTime", where)
        end_s = read_time_s(entry.get("endTime"), "endTime", where)
        spent = next((n for n in ("spend", "response_cost") if n in entry), "spend")
        return LoggedRequest(
            where=where,
            id=first_text(fields, "request_id", "id"),
            models=_models(fields),
            fate=_fate(fields),
            request=read_messages(_request(entry), where),
            time_s=begin_s,
            usage=_usage(fields),
            cost_usd=fields.amount(spent) or None,
            latency_s=read_latency_s(begin_s, end_s, where),
            tags=_tags(entry),
            metadata=_metadata(entry),
            raw=entry,
        )

    def answer(self, entry: Mapping[str, Any]) -> str | None:
        """The text in the response, which the proxy keeps where it keeps prompts."""
        return answer_text(mapping(entry.get("response")))


def _models(fields: Fields) -> tuple[str, ...]:
    """The group asked for, the model that served it, and the latter with its provider."""
    group, model = fields.text("model_group"), fields.text("model")
    provider = fields.text("custom_llm_provider")
    full = f"{provider}/{model}" if provider and model else None
    if model and provider and model.startswith(f"{provider}/"):
        full = model
    return tuple(dict.fromkeys(name for name in (group, model, full) if name))


def _fate(fields: Fields) -> Literal["answered", "failed", "cached", "no_chat"]:
    if (fields.text("call_type") or "") not in CHAT:
        return "no_chat"
    if fields.text("status") == "failure":
        return "failed"
    cached = fields.content.get("cache_hit")
    return "cached" if cached is True or str(cached).lower() == "true" else "answered"


def _request(entry: Mapping[str, Any]) -> Any:
    """The messages as logged, or in the request's body as it was stored."""
    asked = entry.get("messages")
    if isinstance(asked, str | list) and asked:
        return asked
    body = mapping(entry.get("proxy_server_request"))
    body = mapping(body.get("body")) or body
    return next((body[key] for key in ("messages", "input", "prompt") if body.get(key)), None)


def _usage(fields: Fields) -> Usage:
    given, made = fields.count("prompt_tokens"), fields.count("completion_tokens")
    if not given:  # no request has no tokens: nobody counted
        return Usage()
    metadata = mapping(fields.content.get("metadata"))
    cached = None
    for name in ("usage_object", "additional_usage_values"):
        cached = cached or cached_tokens(mapping(metadata.get(name)), fields.where)
    return Usage(given, made, cached or first_count(fields, "cached_prompt_tokens"))


def _tags(entry: Mapping[str, Any]) -> tuple[str, ...]:
    tags = entry.get("request_tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _metadata(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the caller said: never the proxy's own entries, which hold keys and users."""
    metadata = mapping(entry.get("metadata"))
    return {
        **mapping(metadata.get("requester_metadata")),
        **mapping(metadata.get("spend_logs_metadata")),
    }

"""A chat completion's JSON → Completion, trusting nothing in it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from llmroute.calls.failures import call_error, excerpt, refusal_of
from llmroute.calls.redact import redact_values
from llmroute.errors import CallError, ContentRefused, MalformedAnswer
from llmroute.records import Completion, Usage

MAX_ANSWER_BYTES = 16 * 2**20
"""No chat answer is longer; more is a fault or an attack."""


def read_answer(body: bytes, *, key: str, where: str, latency_s: float) -> Completion:
    """The completion in the body of a 200 answer.

    Raises:
        MalformedAnswer: it is no chat completion with a text in it.
        ContentRefused: the provider's filter took the text out.
        CallError: the body is an error after all, as OpenRouter sends them.
    """
    try:
        parsed: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise malformed("is not JSON", body, where) from error
    if not isinstance(parsed, dict):
        raise malformed("is not a JSON object", body, where)
    choices = parsed.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _hidden_error(parsed, where) or malformed("has no choices", body, where)
    choice = choices[0]
    message = choice.get("message")
    finish = _text_or_none(choice.get("finish_reason"))
    content = _content(message.get("content")) if isinstance(message, dict) else None
    refusal = message.get("refusal") if isinstance(message, dict) else None
    output = answered_text(content, finish, refusal, where=where)
    if output is None:
        raise _hidden_error(choice, where) or malformed("has no text", body, where)
    usage = parsed.get("usage")
    return Completion(
        key=key,
        output=output,
        usage=read_usage(usage),
        finish_reason=finish,
        latency_s=latency_s,
        recorded_cost_usd=_amount(usage.get("cost")) if isinstance(usage, dict) else None,
        model_returned=_text_or_none(parsed.get("model")),
    )


def answered_text(
    content: str | None, finish_reason: str | None, refusal: Any, *, where: str
) -> str | None:
    """The text of an answer, "" where a cut-off answer had none yet, or None where it has none.

    Raises:
        ContentRefused: the provider refused, and left no text.
    """
    if not content and (finish_reason == "content_filter" or (refusal and content is None)):
        said = f": {excerpt(refusal)}" if isinstance(refusal, str) and refusal else ""
        raise ContentRefused(
            f"the provider's content filter removed the answer{said}",
            where=where,
            fix="The provider's policy refused this sample; it counts as not answered.",
        )
    if content is None and finish_reason == "length":
        return ""  # a reasoning model that thought until max_tokens: an answer, and paid for
    return content


def without_key(completion: Completion, key: str | None) -> Completion:
    """The completion with the key it was asked with masked, should the endpoint send it back."""
    if not key:
        return completion
    output = redact_values(completion.output, (key,))
    return completion if output == completion.output else replace(completion, output=output)


def read_usage(usage: Any) -> Usage:
    """Tokens as the endpoint counted them; what is no whole number ≥ 0 was not said.

    No prompt has 0 tokens: an endpoint (or LiteLLM on its behalf) that says so has not counted.

    >>> read_usage({"prompt_tokens": 9, "completion_tokens": float("nan")})
    Usage(input_tokens=9, output_tokens=None, cached_input_tokens=None, reasoning_tokens=None)
    >>> read_usage({"prompt_tokens": -1, "completion_tokens": "12"}) == Usage()
    True
    """
    if not isinstance(usage, dict) or usage.get("prompt_tokens") == 0:
        return Usage()
    prompt, completion = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    cached = prompt.get("cached_tokens") if isinstance(prompt, dict) else None
    if cached is None:
        cached = usage.get("prompt_cache_hit_tokens")  # DeepSeek
    reasoning = completion.get("reasoning_tokens") if isinstance(completion, dict) else None
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cached_input_tokens=_count(cached),
        reasoning_tokens=_count(reasoning),
    )


def malformed(what: str, body: bytes | str, where: str) -> MalformedAnswer:
    """The error for an answer that is no chat completion, with its beginning."""
    start = body[:2000].decode("utf-8", "replace") if isinstance(body, bytes) else body
    return MalformedAnswer(
        f"the answer {what}: {excerpt(start, 200) or '(empty)'}",
        where=where,
        fix="Check that api_base is an OpenAI-compatible chat endpoint (most end in /v1).",
    )


def _hidden_error(parsed: dict[str, Any], where: str) -> CallError | None:
    error = parsed.get("error")
    if not error:
        return None
    status = _count(error.get("code")) if isinstance(error, dict) else None
    if status is None or not 400 <= status < 600:
        return None
    return call_error(refusal_of(status, error), where=where)


def _content(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    parts = [text for text in texts if isinstance(text, str)]
    return "".join(parts) if parts else None


def _count(value: Any) -> int | None:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 2**53 else None


def _amount(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None

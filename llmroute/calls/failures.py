"""An endpoint's refusal → the CallError of its kind, the same for both adapters."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from llmroute.errors import (
    BadRequest,
    CallError,
    ContentRefused,
    ContextTooLong,
    NotFound,
    RateLimited,
    ServerFailed,
    TimedOut,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

EXCERPT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an endpoint said in place of an answer."""

    status: int
    message: str = ""
    code: str = ""
    """The provider's own error code and type, joined; "" where it gave none."""


def read_refusal(status: int, body: str) -> Refusal:
    """The refusal in an error body, in any of the forms providers use.

    >>> read_refusal(404, '{"error": {"message": "no such model", "code": "model_not_found"}}')
    Refusal(status=404, message='no such model', code='model_not_found')
    >>> read_refusal(502, "<html><h1>Bad gateway</h1></html>")
    Refusal(status=502, message='<html><h1>Bad gateway</h1></html>', code='')
    """
    try:
        parsed: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Refusal(status, excerpt(body))
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    return refusal_of(status, error)


def refusal_of(status: int, error: Any) -> Refusal:
    """The refusal in the value of an `error` key."""
    if not isinstance(error, dict):
        return Refusal(status, excerpt(error if isinstance(error, str) else json.dumps(error)))
    said = error.get("message") or error.get("detail") or error.get("error") or error
    message = said if isinstance(said, str) else json.dumps(said)
    codes = (error.get("code"), error.get("type"))
    return Refusal(status, excerpt(message), " ".join(str(code) for code in codes if code))


def call_error(refusal: Refusal, *, where: str, retry_after_s: float | None = None) -> CallError:
    """The error that says why the endpoint did not answer, and how to mend it.

    Args:
        refusal: what it said, with the HTTP status it said it under.
        where: the endpoint, without credentials.
        retry_after_s: when it wants to be asked again.
    """
    kind = _kind(refusal)
    said = f": {refusal.message}" if refusal.message else ""
    return kind(
        f"HTTP {refusal.status}{said}",
        where=where,
        fix=_FIXES[kind],
        status=refusal.status,
        retry_after_s=retry_after_s,
    )


def read_retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds to wait before the next try, or None where the answer does not say.

    Args:
        headers: of the answer, found by lower-case or canonical name.
        now_s: Unix time, for the date form of the header (RFC 9110, section 10.2.3).

    >>> read_retry_after_s({"retry-after": "7"}, 0.0)
    7.0
    >>> read_retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 48.0)
    12.0
    >>> read_retry_after_s({"retry-after": "soon"}, 0.0) is None
    True
    """
    precise = _seconds(_header(headers, "retry-after-ms"))
    if precise is not None:
        return precise / 1000
    value = _header(headers, "retry-after")
    seconds = _seconds(value)
    if seconds is not None or value is None:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now_s, UTC)).total_seconds())


def excerpt(text: str, limit: int = EXCERPT_CHARS) -> str:
    """The beginning of hostile text on one line, without control characters.

    >>> excerpt("a\\n\\x1b[31mb")
    'a [31mb'
    >>> excerpt("x" * 400, limit=5)
    'xxxxx…'
    """
    plain = _UNPRINTABLE.sub("", " ".join(text[: limit * 4].split()))
    return plain if len(plain) <= limit else f"{plain[:limit]}…"


# C0, C1, bidirectional overrides, zero-width characters and lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

_CONTEXT_CODES = ("context_length_exceeded", "context_window_exceeded", "request_too_large")
_CONTEXT_TEXT = re.compile(
    r"context_length_exceeded|maximum context|context (length|limit|window|size)[^.]{0,40}exceed"
    r"|exceeds? [^.]{0,40}context|longer than the model's context|prompt is too long"
    r"|input is too long|too many (input )?tokens"
    r"|maximum number of tokens allowed|maximum input length is .* tokens"
    r"|input tokens exceed|current length is .* while limit is",
    re.IGNORECASE,
)
_CONTENT_CODES = ("content_policy", "content_filter", "responsibleai", "moderation", "safety")
_CONTENT_TEXT = re.compile(
    r"content[_ ]policy|content management policy|content_filter|responsibleaipolicyviolation"
    r"|safety system|flagged (as|by|for)|input was flagged|usage policy",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|credit balance", re.IGNORECASE)

_BY_STATUS: Mapping[int, type[CallError]] = {
    401: Unauthorized,
    402: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    405: NotFound,
    408: TimedOut,
    410: NotFound,
    413: ContextTooLong,
    429: RateLimited,
}

_FIXES: Mapping[type[CallError], str] = {
    BadRequest: "Check the candidate's params: this endpoint does not take the request as written.",
    ContentRefused: "The provider's policy refused this sample; it counts as not answered.",
    ContextTooLong: "Shorten the sample or max_tokens, or leave this candidate out of the task.",
    NotFound: "Check the model's name and api_base (most end in /v1).",
    RateLimited: "Lower the candidate's limits (rpm, tpm or concurrency).",
    ServerFailed: "The endpoint failed on its side; run the same command again to go on.",
    TimedOut: "Raise limits.timeout_s, or lower max_tokens.",
    Unauthorized: "Check the key (api_key or the provider's variable), its rights and its credit.",
}


def _kind(refusal: Refusal) -> type[CallError]:
    status, code, text = refusal.status, refusal.code.lower(), refusal.message
    if status in (400, 402, 429) and _QUOTA.search(f"{code} {text}"):
        return Unauthorized  # no credit left: waiting does not help
    if status in (400, 403, 413, 422):
        if any(known in code for known in _CONTEXT_CODES) or _CONTEXT_TEXT.search(text):
            return ContextTooLong
        if any(known in code for known in _CONTENT_CODES) or _CONTENT_TEXT.search(text):
            return ContentRefused
    if status == 400 and "model_not_found" in code:
        return NotFound
    if 300 <= status < 400:
        return NotFound  # api_base points at a page that has moved
    return _BY_STATUS.get(status, ServerFailed if status >= 500 else BadRequest)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return headers.get(name) or headers.get(name.title())


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None

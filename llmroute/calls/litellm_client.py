"""Call → Completion through LiteLLM: every provider it knows."""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from llmroute.calls.answer import (
    MAX_ANSWER_BYTES,
    answered_text,
    malformed,
    read_usage,
    without_key,
)
from llmroute.calls.direct_client import timed_out
from llmroute.calls.endpoint import LITELLM_PROVIDERS, OPENAI_PROVIDERS, is_public, shown_url
from llmroute.calls.failures import (
    Refusal,
    call_error,
    excerpt,
    read_refusal,
    read_retry_after_s,
    refusal_of,
)
from llmroute.errors import BadRequest, CallError, ConnectionFailed, OutsideError
from llmroute.records import Call, Candidate, Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NO_KEY = "none"
"""Sent where there is no key: LiteLLM refuses to call an endpoint without one."""


class LitellmClient:
    """LiteLLM's answers and errors in our terms; its retries, costs and callbacks stay unused."""

    def __init__(self, *, env: Mapping[str, str], now: Callable[[], float] = time.time) -> None:
        self._env = env
        self._now = now

    async def complete(self, call: Call) -> Completion:
        """The answer to one call of `litellm.acompletion`.

        Raises:
            CallError: there is none; the class says why.
            OutsideError: LiteLLM cannot be imported.
        """
        litellm = import_litellm()
        request = request_of(call, self._env)
        where = shown_target(call.candidate)
        timeout_s = call.candidate.limits.timeout_s
        started = time.perf_counter()
        try:
            # LiteLLM's own timeout bounds each read; a server that trickles bytes outlives it.
            async with asyncio.timeout(timeout_s):
                response = await litellm.acompletion(**request)
        except TimeoutError as error:
            raise timed_out(timeout_s, where) from error
        except Exception as error:  # LiteLLM raises anything
            raise self._call_error(error, timeout_s, where) from error
        latency_s = time.perf_counter() - started
        completion = read_response(response, key=call.key, where=where, latency_s=latency_s)
        return without_key(completion, call.candidate.api_key)

    async def close(self) -> None:
        """Close the connections LiteLLM keeps for this event loop."""
        import sys

        if "litellm" in sys.modules:
            litellm = import_litellm()
            await litellm.close_litellm_async_clients()
            # It would go on handing out the closed ones (seen with litellm 1.106).
            litellm.in_memory_llm_clients_cache.flush_cache()

    def _call_error(self, error: Exception, timeout_s: float, where: str) -> CallError:
        refusal = sent_refusal(error)
        names = {cls.__name__ for cause in causes(error) for cls in type(cause).__mro__}
        if refusal is None and names & _TIMEOUTS:
            return timed_out(timeout_s, where)
        if refusal is None and _lost_connection(error):
            return ConnectionFailed(
                f"no answer: {excerpt(str(_deepest(error))) or type(error).__name__}",
                where=where,
                fix="Check that the server runs and that api_base is right.",
            )
        refusal = refusal or stated_refusal(error)
        if refusal is None:
            return _unclear(error, where)
        headers = getattr(error, "litellm_response_headers", None) or _headers(error)
        retry_after_s = read_retry_after_s(headers, self._now()) if headers else None
        return call_error(refusal, where=where, retry_after_s=retry_after_s)


@cache
def import_litellm() -> Any:
    """LiteLLM, told before it loads to fetch no prices, read no .env and print nothing.

    Raises:
        OutsideError: the installation lacks it.
    """
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    try:
        with warnings.catch_warnings():
            # Whatever it and the SDKs it loads warn of while loading is no news to a user.
            warnings.simplefilter("ignore")
            import litellm
    except ImportError as error:
        raise OutsideError(
            f"litellm cannot be imported: {error}", fix="Reinstall it: pip install litellm"
        ) from error
    # It serialises what endpoints send, and pydantic warns of each count that is no number.
    warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
    # Seen with litellm 1.106 and openai 2.54: models built at the first call.
    warnings.filterwarnings("ignore", message=".*`ReadOnly` qualifier", category=UserWarning)
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.turn_off_message_logging = True
    litellm.drop_params = False  # a parameter left out in silence would be another candidate
    return litellm


def request_of(call: Call, env: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of `litellm.acompletion`: the call's parameters, and ours over them."""
    candidate = call.candidate
    request: dict[str, Any] = {**call.params}
    request.pop("stream", None)
    request.pop("stream_options", None)
    request.update(
        model=litellm_model(candidate),
        messages=[{"role": one.role, "content": one.content} for one in call.messages],
        timeout=candidate.limits.timeout_s,
        max_retries=0,
        num_retries=0,
    )
    if candidate.api_base:
        request["api_base"] = candidate.api_base
    key = candidate.api_key
    if key is None and candidate.api_base and not _sends_own_key(candidate, env):
        key = NO_KEY
    if key is not None:
        request["api_key"] = key
    return request


def litellm_model(candidate: Candidate) -> str:
    """The model id as LiteLLM wants it: an endpoint without a provider speaks OpenAI's protocol."""
    known = candidate.provider in OPENAI_PROVIDERS or candidate.provider in LITELLM_PROVIDERS
    return candidate.model if known or not candidate.api_base else f"openai/{candidate.model}"


def shown_target(candidate: Candidate) -> str:
    """What messages call the endpoint: its address where we know it, else the model id."""
    return shown_url(candidate.api_base) if candidate.api_base else f"litellm {candidate.model}"


def read_response(response: Any, *, key: str, where: str, latency_s: float) -> Completion:
    """The completion in LiteLLM's response object.

    Raises:
        MalformedAnswer: there is no text in it.
        ContentRefused: the provider's filter took the text out.
    """
    choices = getattr(response, "choices", None)
    if not choices:
        raise malformed("has no choices", "", where)
    message = getattr(choices[0], "message", None)
    content = getattr(message, "content", None)
    finish = getattr(choices[0], "finish_reason", None)
    finish = finish if isinstance(finish, str) else None
    text = content if isinstance(content, str) else None
    output = answered_text(text, finish, getattr(message, "refusal", None), where=where)
    if output is None:
        raise malformed("has no text", "", where)
    if len(output) > MAX_ANSWER_BYTES:
        raise malformed(f"is longer than {MAX_ANSWER_BYTES // 2**20} MiB", "", where)
    model = getattr(response, "model", None)
    return Completion(
        key=key,
        output=output,
        usage=read_usage(_plain(getattr(response, "usage", None))),
        finish_reason=finish,
        latency_s=latency_s,
        model_returned=model if isinstance(model, str) else None,
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def sent_refusal(error: Exception) -> Refusal | None:
    """What the endpoint said, from the innermost cause that still carries its HTTP answer.

    LiteLLM's own classes hide it: a 503 that mentions a rate limit becomes a 429, a 529 a 500,
    and a broken connection a 500 that no server ever sent (seen with litellm 1.106).
    """
    for cause in reversed(list(causes(error))):
        response = getattr(cause, "response", None)
        status = getattr(response, "status_code", None)
        # LiteLLM makes up responses for its own errors; those have no headers.
        if isinstance(status, int) and status >= 300 and getattr(response, "headers", None):
            return _refusal(status, cause, response)
    return None


def stated_refusal(error: Exception) -> Refusal | None:
    """What LiteLLM says the refusal was, where the HTTP answer itself is out of reach.

    A 500 without one means that LiteLLM could not read the answer: no refusal at all.
    """
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or not 300 <= status < 600 or status == 500:
        return None
    code = _CODE_BY_NAME.get(type(error).__name__, "")
    return Refusal(status, excerpt(str(error)), code)


# Raised while connecting or reading, by aiohttp, httpx, httpcore and the openai package.
_CONNECTIONS = frozenset(
    {
        "APIConnectionError",
        "ClientConnectionError",
        "ClientConnectorError",
        "ClientOSError",
        "ClientPayloadError",
        "ConnectError",
        "ConnectionError",
        "NetworkError",
        "ReadError",
        "RemoteProtocolError",
        "ServerDisconnectedError",
        "WriteError",
    }
)
_TIMEOUTS = frozenset({"APITimeoutError", "Timeout", "TimeoutException", "TimeoutError"})

_CODE_BY_NAME = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
}


def _refusal(status: int, cause: BaseException, response: Any) -> Refusal:
    body = getattr(cause, "body", None)
    if isinstance(body, dict):
        return refusal_of(status, body.get("error", body))
    try:
        return read_refusal(status, response.text)
    except (AttributeError, RuntimeError, UnicodeError):  # httpx: the body was never read
        return Refusal(status, excerpt(str(cause)))


def _headers(error: Exception) -> Mapping[str, str] | None:
    for cause in causes(error):
        headers = getattr(getattr(cause, "response", None), "headers", None)
        if headers:
            return headers  # type: ignore[no-any-return]
    return None


def _lost_connection(error: Exception) -> bool:
    """LiteLLM's own APIConnectionError says nothing: it wraps whatever has no better name."""
    return any(
        cls.__name__ in _CONNECTIONS and not cls.__module__.startswith("litellm")
        for cause in causes(error)
        for cls in type(cause).__mro__
    )


def _deepest(error: BaseException) -> BaseException:
    return list(causes(error))[-1]


def _unclear(error: Exception, where: str) -> CallError:
    told = (str(cause) for cause in reversed(list(causes(error))))
    said = next((excerpt(text) for text in told if " " in text and "Traceback" not in text), "")
    said = said or type(error).__name__
    missing = any(isinstance(cause, ImportError) for cause in causes(error))
    if (
        missing
        or isinstance(error, (TypeError, ValueError))
        or type(error).__name__ in _BAD_REQUESTS
    ):
        return BadRequest(
            f"LiteLLM did not send the request: {said}",
            where=where,
            fix="Check the candidate's model id and params.",
        )
    return malformed("could not be read by LiteLLM", said, where)


_BAD_REQUESTS = frozenset({"BadRequestError", "UnsupportedParamsError"})


def _plain(usage: Any) -> Any:
    dump = getattr(usage, "model_dump", None)
    return dump() if callable(dump) else usage


def _sends_own_key(candidate: Candidate, env: Mapping[str, str]) -> bool:
    protocol = OPENAI_PROVIDERS.get(candidate.provider)
    if protocol is None:
        return candidate.provider in LITELLM_PROVIDERS
    if protocol.public and not is_public(candidate, env):
        return False
    return protocol.key_var is not None and bool(env.get(protocol.key_var))

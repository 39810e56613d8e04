"""Call → Completion over aiohttp, where the endpoint speaks OpenAI's chat protocol."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from llmroute.calls.answer import MAX_ANSWER_BYTES, malformed, read_answer, without_key
from llmroute.calls.endpoint import Endpoint, endpoint_of
from llmroute.calls.failures import call_error, excerpt, read_refusal, read_retry_after_s
from llmroute.errors import BadRequest, CallError, ConnectionFailed, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from llmroute.records import Call, Candidate, Completion

KEEP_ALIVE_S = 30.0


class DirectClient:
    """One aiohttp session for every candidate that is called directly.

    No cookies are kept, redirects are not followed (a key must not travel on), and of the
    environment only the proxy variables are read, once an endpoint and never for loopback.
    """

    def __init__(self, *, env: Mapping[str, str], now: Callable[[], float] = time.time) -> None:
        self._env = env
        self._now = now
        self._session: aiohttp.ClientSession | None = None
        self._endpoints: dict[str, tuple[Candidate, Endpoint]] = {}

    async def complete(self, call: Call) -> Completion:
        """The answer to one POST to the candidate's endpoint.

        Raises:
            CallError: there is none; the class says why.
        """
        endpoint = self._endpoint(call.candidate)
        body = encode_request(call, endpoint)
        timeout_s = call.candidate.limits.timeout_s
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                status, headers, content = await self._post(endpoint, body)
        except TimeoutError as error:
            raise timed_out(timeout_s, endpoint.shown) from error
        latency_s = time.perf_counter() - started
        if status != 200:
            raise self._refused(status, headers, content, endpoint)
        completion = read_answer(content, key=call.key, where=endpoint.shown, latency_s=latency_s)
        return without_key(completion, endpoint.api_key)

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _endpoint(self, candidate: Candidate) -> Endpoint:
        known = self._endpoints.get(candidate.name)
        if known is not None and known[0] is candidate:
            return known[1]
        endpoint = endpoint_of(candidate, self._env)
        self._endpoints[candidate.name] = (candidate, endpoint)
        return endpoint

    async def _post(self, endpoint: Endpoint, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        import aiohttp

        session = self._session or self._open_session()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if endpoint.api_key:
            headers["Authorization"] = f"Bearer {endpoint.api_key}"
        try:
            async with session.post(
                endpoint.url,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=endpoint.proxy,
            ) as response:
                content = await _read_bounded(response, endpoint)
                return response.status, response.headers, content
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _connection_failed(error, endpoint) from error
        except ValueError as error:  # a key with a line break in it, an address aiohttp refuses
            raise BadRequest(
                f"the request could not be built: {type(error).__name__}",
                where=endpoint.shown,
                fix="Check api_base, and that the key holds no line break.",
            ) from error

    def _open_session(self) -> aiohttp.ClientSession:
        import aiohttp

        # The scheduler bounds what is in flight; a second bound here would only queue unseen.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
        )
        return self._session

    def _refused(
        self, status: int, headers: Mapping[str, str], content: bytes, endpoint: Endpoint
    ) -> CallError:
        if 200 < status < 300:
            return malformed(f"came with HTTP {status}", content, endpoint.shown)
        return call_error(
            read_refusal(status, content[:100_000].decode("utf-8", "replace")),
            where=endpoint.shown,
            retry_after_s=read_retry_after_s(headers, self._now()),
        )


def encode_request(call: Call, endpoint: Endpoint) -> bytes:
    """The JSON body of a call: its parameters, and ours over them.

    Raises:
        BadRequest: a parameter has no JSON form.
    """
    body: dict[str, Any] = {**call.params}
    body.pop("stream", None)
    body.pop("stream_options", None)
    if endpoint.renames_max_tokens and "max_tokens" in body:
        body.setdefault("max_completion_tokens", body.pop("max_tokens"))
        body.pop("max_tokens", None)
    body["model"] = endpoint.model
    body["messages"] = [
        {"role": message.role, "content": message.content} for message in call.messages
    ]
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequest(
            f"the parameters have no JSON form: {error}",
            where=f"candidate {call.candidate.name!r}",
            fix="Write numbers, texts, lists and objects only.",
        ) from error


def timed_out(timeout_s: float, where: str) -> TimedOut:
    """The error for an answer that was not complete in time."""
    return TimedOut(
        f"no complete answer within {timeout_s:g} s",
        where=where,
        fix="Raise limits.timeout_s, or lower max_tokens.",
    )


async def _read_bounded(response: aiohttp.ClientResponse, endpoint: Endpoint) -> bytes:
    """The decompressed body, or MalformedAnswer as soon as it is longer than any answer."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            response.close()
            raise malformed(f"is longer than {MAX_ANSWER_BYTES // 2**20} MiB", b"", endpoint.shown)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _connection_failed(error: Exception, endpoint: Endpoint) -> ConnectionFailed:
    said = excerpt(str(error)) or type(error).__name__
    return ConnectionFailed(
        f"no answer: {said}",
        where=endpoint.shown,
        fix="Check that the server runs and that api_base is right.",
    )

"""Texts → vectors from an embedding model's API: OpenAI's protocol over aiohttp, or LiteLLM."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmroute.calls.endpoint import OPENAI_PROVIDERS, Endpoint, endpoint_of
from llmroute.calls.failures import call_error, excerpt, read_refusal
from llmroute.calls.keys import missing_key
from llmroute.errors import (
    CallError,
    ConfigError,
    ConnectionFailed,
    MalformedAnswer,
    OutsideError,
    TimedOut,
)
from llmroute.records import Candidate

Vectors = NDArray[np.float32]

BATCH = 96
AT_ONCE = 4
TRIES = 4
TIMEOUT_S = 120.0
MAX_CHARS = 24_000
"""Embedding models read some 8,000 tokens and refuse longer texts; the rest isn't sent."""
MAX_REPLY_BYTES = 64 << 20


class RemoteEmbedder:
    """An embedding model behind an API; keys come from the provider's own variable."""

    def __init__(self, model: str, *, env: Mapping[str, str] | None = None) -> None:
        self._candidate = Candidate(model, model)
        self._env = env

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, shape (n_texts, dimensions), scaled to length 1.

        Raises:
            ConfigError: the provider's key is not set.
            CallError: the endpoint gave no vectors; the class says why.
        """
        env = os.environ if self._env is None else self._env
        lacking = missing_key(self._candidate, env)
        if lacking is not None:
            raise ConfigError(
                f"embedding model {self._candidate.model!r}: {lacking} is not set",
                fix=f"Set {lacking}, or take an embedder without a key: hashed, local:FOLDER.",
            )
        return np.asarray(_run(self._embed_all(texts, env)), np.float32)

    async def _embed_all(self, texts: Sequence[str], env: Mapping[str, str]) -> Vectors:
        batches = [
            [text[:MAX_CHARS] or " " for text in texts[start : start + BATCH]]
            for start in range(0, len(texts), BATCH)
        ]
        turns = asyncio.Semaphore(AT_ONCE)

        async def embed(batch: list[str]) -> Vectors:
            async with turns:
                return await self._embed_patiently(batch, env)

        vectors = await asyncio.gather(*map(embed, batches))
        if len({part.shape[1] for part in vectors}) > 1:
            raise MalformedAnswer("vectors of different lengths came", where=self._candidate.model)
        return np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float32)

    async def _embed_patiently(self, batch: list[str], env: Mapping[str, str]) -> Vectors:
        direct = self._candidate.provider in OPENAI_PROVIDERS
        ask = self._ask_directly if direct else self._ask_litellm
        for left in reversed(range(TRIES)):
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    return read_vectors(await ask(batch, env), len(batch), self._candidate.model)
            except TimeoutError as error:
                failure: CallError = TimedOut("no vectors in time", where=self._candidate.model)
                failure.__cause__ = error
            except CallError as error:
                failure = error
            if not left or failure.kind not in _PASSING:
                raise failure
            await asyncio.sleep(min(30.0, failure.retry_after_s or 0.5 * 2 ** (TRIES - 1 - left)))
        raise AssertionError("unreachable")

    async def _ask_directly(self, batch: list[str], env: Mapping[str, str]) -> Any:
        import aiohttp

        endpoint = endpoint_of(self._candidate, env)
        url = endpoint.url.removesuffix("/chat/completions") + "/embeddings"
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        body = {"model": endpoint.model, "input": batch, "encoding_format": "float"}
        try:
            async with (
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(
                    url, json=body, headers=headers, allow_redirects=False, proxy=endpoint.proxy
                ) as response,
            ):
                content = await response.content.read(MAX_REPLY_BYTES + 1)
                while len(content) <= MAX_REPLY_BYTES and not response.content.at_eof():
                    content += await response.content.read(MAX_REPLY_BYTES)
                return _parsed(response.status, content, endpoint)
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ConnectionFailed(
                f"no answer: {excerpt(str(error)) or type(error).__name__}",
                where=endpoint.shown,
                fix="Check that the server runs.",
            ) from error

    async def _ask_litellm(self, batch: list[str], _: Mapping[str, str]) -> Any:
        from llmroute.calls.litellm_client import import_litellm, sent_refusal, stated_refusal

        litellm = import_litellm()
        try:
            reply = await litellm.aembedding(model=self._candidate.model, input=batch)
        except Exception as error:  # LiteLLM raises anything
            refusal = sent_refusal(error) or stated_refusal(error)
            if refusal is None:
                raise OutsideError(
                    f"no vectors: {excerpt(str(error))}", where=self._candidate.model
                ) from error
            raise call_error(refusal, where=self._candidate.model) from error
        return reply.model_dump() if hasattr(reply, "model_dump") else reply


_PASSING = ("rate_limited", "timed_out", "connection", "server_error")


def read_vectors(reply: Any, n_texts: int, where: str) -> Vectors:
    """The vectors of an embeddings reply, in the order asked, each of length 1.

    Raises:
        MalformedAnswer: a vector is missing, of another length or not of finite numbers.

    >>> read_vectors({"data": [{"index": 0, "embedding": [3.0, 4.0]}]}, 1, "m").tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list) or len(data) != n_texts:
        raise MalformedAnswer(f"not one vector for each of {n_texts} texts", where=where)
    try:
        ordered = sorted(data, key=lambda item: int(item["index"]))
        vectors = np.array([item["embedding"] for item in ordered], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer(f"the vectors cannot be read: {error}", where=where) from error
    if vectors.ndim != 2 or not vectors.shape[1] or not bool(np.isfinite(vectors).all()):
        raise MalformedAnswer("the vectors are not lists of finite numbers", where=where)
    lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    unit: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def _parsed(status: int, content: bytes, endpoint: Endpoint) -> Any:
    if status != 200:
        refusal = read_refusal(status, content[:100_000].decode("utf-8", "replace"))
        raise call_error(refusal, where=endpoint.shown)
    if len(content) > MAX_REPLY_BYTES:
        raise MalformedAnswer("the reply is longer than 64 MiB", where=endpoint.shown)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("the reply is not JSON", where=endpoint.shown) from error


def _run(work: Coroutine[Any, Any, Vectors]) -> Vectors:
    """The result of `work`, also where this thread already runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    results: list[Vectors | BaseException] = []

    def work_apart() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            results.append(error)

    thread = threading.Thread(target=work_apart)
    thread.start()
    thread.join()
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]

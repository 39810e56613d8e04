"""What several rooms' tests need: an OpenAI-shaped server on loopback, a routing map."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import pytest

from llmroute.records import (
    Interval,
    Match,
    Provenance,
    QualityRule,
    QualityThreshold,
    QueryRouter,
    RoutingMap,
    Savings,
    TaskEvidence,
    TaskRoute,
)

T = TypeVar("T")
Fault = Literal["reset", "hang", "trickle", "cut"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sends: a JSON value or raw bytes, after `delay_s`, or a fault."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    fault: Fault | None = None
    """reset: RST before any answer. hang: silence. trickle: a byte now and then, for ever.
    cut: half the promised body, then RST."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    at_s: float
    """Monotonic."""

    @property
    def prompt(self) -> str:
        """The text of the last message, in OpenAI's form or in Anthropic's list of parts."""
        content = self.body["messages"][-1]["content"]
        return content if isinstance(content, str) else "".join(part["text"] for part in content)


Script = Callable[[Asked], Any]


def chat_answer(text: str | None = "ok", **changes: Any) -> dict[str, Any]:
    """A chat completion's JSON, with any top-level key replaced by `changes`."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "served-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        **changes,
    }


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still but for waiting, which takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._poll = self._selector.select
        self._selector.select = self._select

    def time(self) -> float:
        return self._now_s

    def _select(self, timeout: float | None = None) -> Any:
        events = self._poll(0)
        if timeout is None and not events:
            raise RuntimeError("everything waits, and nothing will ever happen")
        if not events:
            self._now_s += timeout or 0.0
        return events


class ChatServer:
    """An OpenAI-shaped server in a thread, answering as `script` says and logging each request.

    A script returns a text (a whole chat completion is made of it), a `Reply`, or a JSON value.
    """

    reply = Reply
    """So that tests need no import from here."""
    answer = staticmethod(chat_answer)
    refusal = Reply(
        {
            "error": {
                "message": "Invalid prompt: your prompt was flagged as potentially violating our"
                " usage policy. Please try again with a different prompt.",
                "type": "invalid_request_error",
                "code": "invalid_prompt",
            }
        },
        400,
    )
    """What OpenAI says of a prompt it will not answer."""
    too_long = Reply(
        {
            "error": {
                "message": "This model's maximum context length is 128000 tokens. However, your"
                " messages resulted in 200000 tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            }
        },
        400,
    )
    """The same of one that does not fit the model's window."""

    def __init__(self) -> None:
        self.script: Script = lambda asked: "ok"
        self.requests: list[Asked] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def reset(self) -> None:
        """Forget the log and the script."""
        self.script = lambda asked: "ok"
        self.requests.clear()
        self.most_in_flight = 0

    def start(self) -> None:
        self._thread.start()
        self._started.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=2048)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = await self._read(reader)
        self.requests.append(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            reply = self._reply(asked)
            await asyncio.sleep(reply.delay_s)
            return await self._send(reply, writer)
        finally:
            self.in_flight -= 1

    async def _read(self, reader: asyncio.StreamReader) -> Asked:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        body = json.loads(raw) if raw else None
        return Asked(head[0].split(" ")[1], headers, body, time.monotonic())

    def _reply(self, asked: Asked) -> Reply:
        said = self.script(asked)
        if isinstance(said, Reply):
            return said
        return Reply(chat_answer(said) if isinstance(said, str) else said)

    async def _send(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        if reply.fault == "hang":
            await asyncio.sleep(3600)
        if reply.fault == "reset":
            _abort(writer)
            return False
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", **reply.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {reply.status} Said\r\nContent-Length: {len(raw)}\r\n{lines}\r\n"
        writer.write(head.encode("latin-1"))
        if reply.fault == "trickle":
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        if reply.fault == "cut":
            writer.write(raw[: len(raw) // 2])
            await writer.drain()
            await asyncio.sleep(0.05)
            _abort(writer)
            return False
        writer.write(raw)
        await writer.drain()
        return True


def _abort(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.fixture(scope="session")
def _chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def chat_server(_chat_server: ChatServer) -> ChatServer:
    """A loopback server that speaks OpenAI's chat protocol; see `ChatServer` for its script."""
    _chat_server.reset()
    return _chat_server


@pytest.fixture(scope="session")
def run_virtually() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Runs a coroutine in a loop whose waits take no time; its clock is the loop's `time`."""

    def run(main: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(main)

    return run


# -- a routing map as a bench of real models leaves it -------------------------------------------

MakeMap = Callable[..., RoutingMap]

WINDOWS = {"small": 128_000, "medium": 1_047_576, "big": 128_000}
"""Of openai/gpt-4o-mini, openai/gpt-4.1-mini and openai/gpt-4o in LiteLLM's table."""


def candidate(model: str, api_base: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": model, **({"api_base": api_base} if api_base else {}), **more}


def route(task: str, name: str, *fallbacks: str, **more: Any) -> TaskRoute:
    return TaskRoute(
        task=task,
        route=name,
        fallbacks=fallbacks,
        verdict=more.get("verdict", "proven"),
        reason="q = 0.91, L = 0.87",
        quality_threshold=0.85,
        threshold_rule=QualityThreshold(0.85),
        weight=1.0,
        evidence=TaskEvidence(120, 1.0, 0.91, 0.87, 0.94, 0.13, "measured", 0.4, 1.2, "5ca1e"),
        rejected=(),
    )


@pytest.fixture(scope="session")
def make_map() -> MakeMap:
    """A map of two tasks and three OpenAI models, at `api_base` where one is given."""

    def make(api_base: str | None = None, **changes: Any) -> RoutingMap:
        known = {
            "small": candidate("openai/gpt-4o-mini", api_base, params={"temperature": 0}),
            "medium": candidate("openai/gpt-4.1-mini", api_base),
            "big": candidate("openai/gpt-4o", api_base),
        }
        return RoutingMap(
            **{
                "reference": "big",
                "rule": QualityRule(),
                "tasks": (
                    route("summaries", "small", "medium", "big"),
                    route("proofs", "medium", "big", verdict="likely"),
                ),
                "savings": Savings(4.38, 3.25, None, None),
                "matches": {
                    "summaries": Match(
                        tags=("summary",),
                        keywords=("summarise", "summary"),
                        patterns=(r"(?i)\btl;?dr\b",),
                        utterances=("Summarise this report.", "Give me a short recap."),
                    ),
                    "proofs": Match(tags=("maths",), utterances=("Prove that 2 is even.",)),
                },
                "provenance": Provenance(run_id="20261125T204157-296342", candidates=known),
                **changes,
            }
        )

    return make


@pytest.fixture(scope="session")
def query_router() -> QueryRouter:
    """A calibrated router between small and big for every task, as a map states it."""
    return QueryRouter(
        router="tfidf",
        artefact="router.json",
        sha256="0" * 64,
        weak="small",
        strong="big",
        routing_threshold=0.64,
        strong_share=Interval(0.3, 0.28, 0.33),
        apgr=Interval(0.67, 0.63, 0.72),
    )


@pytest.fixture
def sandbox() -> Iterator[None]:
    """Generated code may be run; skips where there is no sandbox to run it in."""
    from llmroute.errors import InputError
    from llmroute.sandbox import code_execution
    from llmroute.sandbox.preflight import check_sandbox

    try:
        check_sandbox()
    except InputError as error:
        pytest.skip(error.what)
    with code_execution(allowed=True):
        yield

"""A fast OpenAI-shaped server on loopback, so that the client is what is measured.

    python benchmarks/mock_server.py [--port 0] [--latency-ms 50] [--rpm 1200]

It prints its port, then answers every chat completion with the word after `answer=` in the request.
With --rpm it grants that many requests a minute and answers the rest with 429 and Retry-After.
GET /stats returns counts as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time

WORD = re.compile(rb"answer=(\w+)")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
BODY = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"mock",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"%s"},'
    b'"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":2,"total_tokens":22}}'
)


class State:
    """What all connections share."""

    def __init__(self, latency_s: float, rpm: float | None) -> None:
        self.latency_s = latency_s
        self.per_s = rpm / 60 if rpm else None
        self.tokens = 0.0
        self.refilled_s = time.monotonic()
        self.not_before_s = 0.0
        self.served = self.refused = self.too_early = 0
        self.first_s = self.last_s = 0.0

    def admit(self) -> bool:
        """Take one request from a bucket that holds at most one second's worth."""
        now = time.monotonic()
        self.first_s = self.first_s or now
        self.last_s = now
        if self.per_s is None:
            self.served += 1
            return True
        self.tokens = min(self.per_s, self.tokens + (now - self.refilled_s) * self.per_s)
        self.refilled_s = now
        if now < self.not_before_s:
            self.too_early += 1
        if self.tokens >= 1:
            self.tokens -= 1
            self.served += 1
            return True
        self.refused += 1
        self.not_before_s = max(self.not_before_s, now + 1)
        return False

    def stats(self) -> bytes:
        seconds = self.last_s - self.first_s
        return json.dumps(
            {
                "served": self.served,
                "refused": self.refused,
                "too_early": self.too_early,
                "seconds": seconds,
            }
        ).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            found = LENGTH.search(self.buffer, 0, end)
            total = end + 4 + (int(found[1]) if found else 0)
            if len(self.buffer) < total:
                return
            request, self.buffer = self.buffer[:total], self.buffer[total:]
            self.answer(request)

    def answer(self, request: bytes) -> None:
        if request.startswith(b"GET /stats"):
            self.send(200, self.state.stats())
        elif self.state.admit():
            word = WORD.search(request)
            body = BODY % (word[1] if word else b"ok")
            asyncio.get_running_loop().call_later(self.state.latency_s, self.send, 200, body)
        else:
            self.send(429, b'{"error":{"message":"rate limit"}}', b"Retry-After: 1\r\n")

    def send(self, status: int, body: bytes, more: bytes = b"") -> None:
        if not self.transport.is_closing():
            head = (
                b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
            )
            self.transport.write(head % (status, more, len(body)) + body)


async def serve(options: argparse.Namespace) -> None:
    state = State(options.latency_ms / 1000, options.rpm)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(state), "127.0.0.1", options.port, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--rpm", type=float)
    try:
        asyncio.run(serve(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()

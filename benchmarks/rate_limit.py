"""How close to an enforced limit the scheduler keeps, and how seldom it is refused.

    python benchmarks/rate_limit.py [--seconds 60]

Each row is a server of its own that grants so many requests a minute and answers the rest with 429
and `Retry-After: 1`. "stated" rows know the limit from the configuration, the others learn it. The
figures are of the second half. "early" counts requests that were sent after a refusal had come
back, and before its Retry-After had passed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from throughput import mock_server

from llmroute.calls.direct_client import DirectClient
from llmroute.calls.execute import execute
from llmroute.errors import RateLimited
from llmroute.records import Call, Candidate, Completion, Limits, Message

ROWS = [
    # requests a minute, latency in ms, stated
    (1200, 50, True),
    (1200, 50, False),
    (1200, 500, False),
    (6000, 50, True),
    (6000, 50, False),
    (6000, 500, False),
]


@dataclass
class Log:
    """What was sent, and whether it was refused."""

    started_s: float = field(default_factory=time.monotonic)
    sent: list[tuple[float, bool]] = field(default_factory=list)
    early: int = 0
    closed_until_s: float = 0.0

    def figures(self, rpm: float, seconds: float) -> tuple[float, float]:
        """Share of the allowed rate, and share that was refused, in the second half."""
        half = [refused for at_s, refused in self.sent if seconds / 2 <= at_s < seconds]
        return half.count(False) / (rpm / 60 * seconds / 2), half.count(True) / max(1, len(half))


class Logged:
    """A client that keeps a log of what another one does."""

    def __init__(self, client: Any, log: Log) -> None:
        self.client = client
        self.log = log

    async def complete(self, call: Call) -> Completion:
        sent_s = time.monotonic()
        self.log.early += sent_s < self.log.closed_until_s
        refused = False
        try:
            return await self.client.complete(call)
        except RateLimited as error:
            refused = True
            closed_until_s = time.monotonic() + (error.retry_after_s or 0.0)
            self.log.closed_until_s = max(self.log.closed_until_s, closed_until_s)
            raise
        finally:
            self.log.sent.append((sent_s - self.log.started_s, refused))

    async def close(self) -> None:
        await self.client.close()


def calls_of(candidate: Candidate, n: int) -> Iterator[Call]:
    for number in range(n):
        message = Message("user", f"What comes after question {number}? answer=yes")
        yield Call(str(number), "s", "t", str(number), candidate, (message,), "d", {})


async def drive(base: str, rpm: int, stated: bool, seconds: float) -> tuple[Log, int]:
    """The log of a run that ends after so many seconds, and its calls that failed for good."""
    limits = Limits(rpm=rpm) if stated else Limits()
    candidate = Candidate("m", "openai/m", api_base=base, limits=limits)
    log, failed, stop = Log(), 0, asyncio.Event()
    client = Logged(DirectClient(env={}), log)
    asyncio.get_running_loop().call_later(seconds, stop.set)

    def done(_call: Call, result: Any) -> None:
        nonlocal failed
        failed += not isinstance(result, Completion)

    await execute(
        calls_of(candidate, int(rpm / 60 * (seconds + 60))),
        lambda _candidate: client,
        on_done=done,
        rng=random.Random(0),
        concurrency=256,
        stop=stop,
        grace_s=1.0,
    )
    await client.close()
    return log, failed


async def measure(row: tuple[int, int, bool], seconds: float) -> str:
    rpm, latency_ms, stated = row
    with mock_server(latency_ms=latency_ms, rpm=rpm) as base:
        log, failed = await drive(base, rpm, stated, seconds)
    used, refused = log.figures(rpm, seconds)
    return (
        f"| {rpm} | {latency_ms} | {'stated' if stated else 'learned'} | {used:.1%} "
        f"| {refused:.2%} | {log.early} | {failed} |"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    lines = await asyncio.gather(*(measure(row, seconds) for row in ROWS))
    print("| rpm | latency ms | limit | of the allowed rate | refused | early | failed |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    asyncio.run(main())

"""Calls a second through scheduler, store and scoring, beside plain aiohttp and bare litellm.

    python benchmarks/throughput.py [--calls 3000] [--rounds 3] [--concurrency 256]

Each round measures every client in turn against the same server, so that a ratio is taken within a
round; the table gives medians. CPU is this process's, without the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("mock_server.py")
MESSAGES = "What comes after question {}? answer=yes"


@contextlib.contextmanager
def mock_server(*, latency_ms: float = 0.0, rpm: float | None = None) -> Iterator[str]:
    """The address of a server of its own process."""
    command = [sys.executable, str(SERVER), "--latency-ms", str(latency_ms)]
    if rpm:
        command += ["--rpm", str(rpm)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.kill()


def server_stats(base: str) -> dict[str, float]:
    with urllib.request.urlopen(base.removesuffix("/v1") + "/stats") as answer:
        stats: dict[str, float] = json.load(answer)
        return stats


def ask_plainly(base: str, calls: int, concurrency: int) -> None:
    """Workers that post and read JSON: the floor."""
    import aiohttp

    async def run() -> None:
        queue = iter(range(calls))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                for i in queue:
                    body = {
                        "model": "m",
                        "messages": [{"role": "user", "content": MESSAGES.format(i)}],
                    }
                    async with session.post(f"{base}/chat/completions", json=body) as answer:
                        document = await answer.json()
                        assert document["choices"][0]["message"]["content"] == "yes"

            await asyncio.gather(*(work() for _ in range(concurrency)))

    asyncio.run(run())


def ask_litellm(base: str, calls: int, concurrency: int) -> None:
    """Workers around bare litellm.acompletion."""
    from llmroute.calls.litellm_client import import_litellm

    litellm = import_litellm()

    async def run() -> None:
        queue = iter(range(calls))

        async def work() -> None:
            for i in queue:
                await litellm.acompletion(
                    model="openai/m",
                    api_base=base,
                    api_key="none",
                    messages=[{"role": "user", "content": MESSAGES.format(i)}],
                    max_retries=0,
                    num_retries=0,
                )

        await asyncio.gather(*(work() for _ in range(concurrency)))

    asyncio.run(run())


def ask_llmroute(adapter: str) -> Callable[[str, int, int], None]:
    """The whole bench: plan, scheduler, store on disk, scoring, map; no report."""

    def ask(base: str, calls: int, concurrency: int) -> None:
        from llmroute.pipeline import benchmark, plan_run
        from llmroute.plan.matrix import Selection
        from llmroute.records import Candidate, Config, Price

        with tempfile.TemporaryDirectory() as folder:
            config = Config(
                suites=(write_suite(Path(folder), calls),),
                candidates=(
                    Candidate(
                        "m", "openai/m", api_base=base, api_key="none-at-all",
                        adapter=adapter, price=Price(1, 1),  # type: ignore[arg-type]
                    ),
                ),
                concurrency=concurrency,
                store=Path(folder) / "store.db",
            )  # fmt: skip
            plan = plan_run(config, Selection(), os.environ)
            result = benchmark(
                config, plan, env=os.environ, listener=Silent(), now=lambda: datetime.now(UTC)
            )
            assert result.n_failed == 0
            assert result.comparison.tasks[0].cells[0].quality == 1.0

    return ask


def write_suite(folder: Path, n: int) -> Path:
    """A suite of n samples that the mock server answers rightly."""
    (folder / "suite.jsonl").write_text(
        "".join(
            json.dumps({"id": f"q{i}", "input": MESSAGES.format(i), "target": "yes"}) + "\n"
            for i in range(n)
        )
    )
    path = folder / "suite.yaml"
    path.write_text("name: s\ntask: s\nmetric: exact\nsamples: suite.jsonl\n")
    return path


class Silent:
    """A listener that says nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def measure(ask: Callable[[str, int, int], None], base: str, calls: int, concurrency: int) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    ask(base, calls, concurrency)
    return calls / (time.perf_counter() - wall), 1000 * (time.process_time() - cpu) / calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=256)
    options = parser.parse_args()
    clients: dict[str, tuple[Callable[[str, int, int], None], int]] = {
        "plain aiohttp": (ask_plainly, options.calls),
        "llmroute, direct": (ask_llmroute("direct"), options.calls),
        "bare litellm": (ask_litellm, options.calls // 6),
        "llmroute, litellm": (ask_llmroute("litellm"), options.calls // 6),
    }
    for latency_ms in (0, 50):
        rows: dict[str, list[Any]] = {name: [] for name in clients}
        with mock_server(latency_ms=latency_ms) as base:
            for ask, calls in clients.values():
                measure(ask, base, max(calls // 10, 50), options.concurrency)  # warm up
            for _ in range(options.rounds):
                for name, (ask, calls) in clients.items():
                    rows[name].append(measure(ask, base, calls, options.concurrency))
        print(f"\n{latency_ms} ms latency, {options.concurrency} at once, {options.rounds} rounds")
        print("client               calls/s   CPU ms/call   ÷ plain aiohttp   ÷ bare litellm")
        for name, measured in rows.items():
            rate, cpu = (statistics.median(m[i] for m in measured) for i in (0, 1))
            ratios = [
                statistics.median(
                    one[0] / other[0] for one, other in zip(measured, rows[base_name], strict=True)
                )
                for base_name in ("plain aiohttp", "bare litellm")
            ]
            print(f"{name:18} {rate:9,.0f} {cpu:13.2f} {ratios[0]:17.2f} {ratios[1]:16.2f}")


if __name__ == "__main__":
    main()

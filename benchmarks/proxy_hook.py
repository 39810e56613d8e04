"""What the hook adds to a request through a LiteLLM proxy, with and without it side by side.

    python benchmarks/proxy_hook.py [--requests 400]

Two real proxies stand in front of one provider on loopback. One is asked for the model group
itself, the other leaves the choice to the map, whose TF-IDF router reads each prompt. Requests
alternate between them, so that a machine that slows down slows both. Printed are both medians, the
median of the paired differences, and the time the hook itself takes, measured in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_MODE"] = "PRODUCTION"

import numpy as np
from throughput import mock_server

from llmroute.artefact import training_fingerprint
from llmroute.calibration.pair import Pair, Query
from llmroute.digest import file_digest
from llmroute.exporters.litellm import LitellmProxy
from llmroute.integrations.litellm import make_hook
from llmroute.integrations.live_map import LiveMap
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
from llmroute.routers import build_router
from llmroute.routers.artefact import SavedRouter, save_router
from llmroute.routers.novelty import Novelty
from llmroute.routing_map.file import map_to_yaml

KEY = "sk-loopback"
WORDS = """
invoice contract station river number sum prove list teacher garden market price window summary
report guest morning hotel letter reason train clock bridge colour
"""
EVIDENCE = TaskEvidence(120, 1.0, 0.9, 0.87, 0.93, 0.1, "measured", 0.4, 1.0)


def prompt(seed: int) -> str:
    """Sixty words, so about as long as a short request with its instructions."""
    drawn = np.random.default_rng(seed).choice(WORDS.split(), 60)
    return f"Request {seed}: " + " ".join(drawn)


def make_map(folder: Path, provider: str) -> Path:
    """A map of two tasks with a TF-IDF router fitted on 1,000 prompts."""
    texts = [prompt(seed) for seed in range(1000)]
    rng = np.random.default_rng(0)
    weak = rng.integers(0, 2, 1000).astype(float)
    unknown = np.full(1000, np.nan)
    ids = tuple(map(str, range(1000)))
    queries = tuple(map(Query, texts))
    pair = Pair(
        "small", "big", ids, queries, weak, np.ones(1000), unknown, unknown, np.arange(1000)
    )
    saved = SavedRouter(
        build_router("tfidf").fit(pair),
        "small",
        "big",
        0.5,
        Novelty.learn(texts),
        training_fingerprint(pair),
    )
    save_router(folder / "router.json", saved)
    unit = Interval(0.5, 0.4, 0.6)
    digest = file_digest(folder / "router.json")
    stated = QueryRouter("tfidf", "router.json", digest, "small", "big", 0.5, unit, unit, task="a")
    models = {"small": "openai/gpt-4o-mini", "big": "openai/gpt-4o"}
    bar = QualityThreshold(0.85)
    routes = tuple(
        TaskRoute(task, "small", ("big",), "proven", "", 0.85, bar, 1.0, EVIDENCE, ())
        for task in ("a", "b")
    )
    routing_map = RoutingMap(
        reference="big",
        rule=QualityRule(),
        tasks=routes,
        savings=Savings(None, None, None, None),
        matches={"a": Match(keywords=("request",)), "b": Match(keywords=("question",))},
        provenance=Provenance(
            candidates={n: {"model": m, "api_base": provider} for n, m in models.items()}
        ),
        query_router=stated,
    )
    (folder / "routing-map.yaml").write_text(map_to_yaml(routing_map))
    for name, hook in (("with", str(folder / "routing-map.yaml")), ("without", "")):
        text = LitellmProxy(hook=hook).render(routing_map)
        (folder / f"{name}.yaml").write_text(text)
    return folder / "routing-map.yaml"


def start_proxy(folder: Path, name: str) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **os.environ,
        "LITELLM_MASTER_KEY": KEY,
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    }
    start = [sys.executable, "-c", "from litellm import run_server; run_server()"]
    where = ["--config", f"{name}.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([*start, *where], cwd=folder, env=env, stdout=log, stderr=log)
    for _ in range(1200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=5):
                return process, port
        except OSError:
            if process.poll() is not None:
                raise SystemExit((folder / f"{name}.log").read_text()[-2000:]) from None
            time.sleep(0.1)
    raise SystemExit("a proxy has not come up")


class Caller:
    """One keep-alive connection to a proxy."""

    def __init__(self, port: int, model: str) -> None:
        self.model = model
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(self, text: str) -> float:
        """Seconds until the answer has been read."""
        body = json.dumps({"model": self.model, "messages": [{"role": "user", "content": text}]})
        started = time.perf_counter()
        self.connection.request(
            "POST",
            "/v1/chat/completions",
            body,
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        reply = self.connection.getresponse()
        read = reply.read()
        took = time.perf_counter() - started
        if reply.status != 200:
            raise SystemExit(f"{self.model}: {reply.status} {read[:300]!r}")
        return took


def time_hook(map_file: Path, n: int) -> list[float]:
    """Seconds the hook takes for each of n requests, without a proxy around it."""
    import litellm.proxy.proxy_server as server

    server.llm_router = None
    hook = make_hook(LiveMap.open(map_file))

    async def run() -> list[float]:
        times = []
        for seed in range(n):
            data = {
                "model": "llmroute",
                "messages": [{"role": "user", "content": prompt(10_000 + seed)}],
                "metadata": {},
            }
            started = time.perf_counter()
            await hook.async_pre_call_hook(None, None, data, "acompletion")
            times.append(time.perf_counter() - started)
        return times

    return asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=400)
    options = parser.parse_args()
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as name, mock_server() as url:
        folder = Path(name)
        try:
            map_file = make_map(folder, url)
            ports = {}
            for kind in ("without", "with"):
                process, ports[kind] = start_proxy(folder, kind)
                running.append(process)
            plain, hooked = (
                Caller(ports["without"], "llmroute/a"),
                Caller(ports["with"], "llmroute"),
            )
            for seed in range(40):
                plain.ask(prompt(seed)), hooked.ask(prompt(seed))
            pairs = []
            for seed in range(options.requests):
                text = prompt(1_000 + seed)
                order = (plain, hooked) if seed % 2 else (hooked, plain)
                took = {caller.model: caller.ask(text) for caller in order}
                pairs.append((took[plain.model], took[hooked.model]))
            own = time_hook(map_file, options.requests)
        finally:
            for process in running:
                process.terminate()
                process.wait(20)
    report(pairs, own)


def report(pairs: list[tuple[float, float]], own: list[float]) -> None:
    without, with_hook = zip(*pairs, strict=True)
    added = [b - a for a, b in pairs]
    rows = {
        "without the hook": without,
        "with the hook": with_hook,
        "added, pair by pair": added,
        "the hook alone, in process": own,
    }
    print(f"{len(pairs)} pairs of requests, one at a time, tfidf query router, ms")
    print(f"{'':<28}{'median':>8}{'p90':>8}")
    for name, seconds in rows.items():
        p90 = statistics.quantiles(seconds, n=10)[-1]
        print(f"{name:<28}{1000 * statistics.median(seconds):>8.2f}{1000 * p90:>8.2f}")


if __name__ == "__main__":
    main()

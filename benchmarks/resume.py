"""A full store of 100,000 answers: how soon a resumed bench asks something new, and what it takes.

    python benchmarks/resume.py [--samples 25000] [--profile]

One suite × 25,000 short samples × 4 direct candidates. The store is filled through `StoreWriter`,
all but the answers to the last `--missing` samples. Then `llmroute bench` runs in a process of its
own against a loopback server, and these are printed:

- the time from launch to its first request at the server (goal 5 s), and the CPU used till then,
- the peak memory of the process (goal 300 MB), and whether it loaded litellm,
- the size of the store over the bytes of requests and answers in it (goal 1.2).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CANDIDATES = 4
GOALS = {"first_call_s": 5.0, "peak_mb": 300.0, "store_ratio": 1.2}
WORDS = (  # noqa: SIM905
    "the parcel came late and the box was open when it arrived on Tuesday so please tell me how I "
    "can send it back or get my money for it because nobody has answered my two mails yet"
).split()


def write_project(folder: Path, url: str, samples: int) -> None:
    with (folder / "samples.jsonl").open("w") as stream:
        for n in range(samples):
            text = " ".join(WORDS[(n * 7 + i) % len(WORDS)] for i in range(40))
            row = {"id": f"s{n}", "input": f"Ticket {n}: {text}", "target": f"label {n % 7}"}
            stream.write(json.dumps(row) + "\n")
    (folder / "suite.yaml").write_text(
        "name: tickets\ntask: tickets\nprompt: 'Which label? {{ input }}'\nmetric: exact\n"
        "samples: samples.jsonl\n"
    )
    lines = "".join(
        f"  - {{model: openai/m{n}, name: m{n}, adapter: direct, api_base: '{url}', "
        f"price: {{input_usd_per_mtok: {n + 1}, output_usd_per_mtok: {n + 1}}}}}\n"
        for n in range(CANDIDATES)
    )
    (folder / "llmroute.yaml").write_text(
        f"suites: [suite.yaml]\ncandidates:\n{lines}budget: {{confirm_usd: 1000000}}\n"
    )


def fill_store(folder: Path, missing: int) -> tuple[int, int, int]:
    """Answers stored, bytes of their requests and outputs, and the same with each request once."""
    from llmroute.config.load import load_config
    from llmroute.plan.matrix import plan_calls
    from llmroute.plan.prepare import identify_endpoints, prepare_candidates, select_suites
    from llmroute.records import Completion, Usage
    from llmroute.store import StoreWriter

    try:
        from llmroute.plan.matrix import Selection
    except ImportError:
        from llmroute.plan.prepare import Selection

    config = load_config(folder / "llmroute.yaml", {})
    suites = select_suites(config, Selection())
    candidates = prepare_candidates(config, Selection(), {})
    plan = plan_calls(suites, candidates, endpoints=identify_endpoints(candidates))
    stored = plan.calls[: len(plan.calls) - missing * CANDIDATES]
    sent_bytes, distinct_bytes, seen = 0, 0, set()
    with StoreWriter.open(config.store) as store:
        for n, call in enumerate(stored):
            output = f"label {n % 7}. " + " ".join(WORDS[: n % 30])
            usage = Usage(60, 20, 0, 0)
            store.put_answer(
                call,
                Completion(
                    call.key,
                    output,
                    usage,
                    "stop",
                    0.61,
                    model_returned=call.candidate.model,
                    created_s=time.time(),
                ),
            )
            request_bytes = sum(len(m.content) + len(m.role) for m in call.messages)
            sent_bytes += request_bytes + len(output)
            distinct_bytes += len(output)
            if call.messages_digest not in seen:
                seen.add(call.messages_digest)
                distinct_bytes += request_bytes
    return len(stored), sent_bytes, distinct_bytes


def cpu_s(pid: int) -> float:
    """CPU a process has used so far: what is left of the wall time on a busy machine."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server(threading.Thread):
    """Answers every chat request at once, and remembers when the first one came."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.first_s: float | None = None
        self.pid = 0
        self.first_cpu_s = float("nan")
        self.n = 0
        self.ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self.serve())

    async def serve(self) -> None:
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self.ready.set()
        await server.serve_forever()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(
            {
                "model": "m",
                "choices": [{"message": {"content": "label 1"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 60, "completion_tokens": 3},
            }
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        try:
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                if self.first_s is None:
                    self.first_s, self.first_cpu_s = time.monotonic(), cpu_s(self.pid)
                self.n += 1
                await reader.readexactly(int(raw.partition("content-length: ")[2].split("\r")[0]))
                writer.write(head.encode() + b"\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


RUN = """
import os, resource, sys
sys.argv = ["llmroute", "bench", "-q"]
from llmroute.cli.app import main
try:
    main()
finally:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stderr.write(f"PEAK {peak} LITELLM {int('litellm' in sys.modules)}\\n")
"""

PROFILE = """
import cProfile, pstats, sys
sys.argv = ["llmroute", "bench", "-q"]
from llmroute.cli.app import main
profile = cProfile.Profile()
try:
    profile.runcall(main)
except SystemExit:
    pass
pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(70)
"""


def run_bench(folder: Path, server: Server, program: str) -> dict[str, float]:
    server.first_s, server.first_cpu_s, server.n = None, float("nan"), 0
    started_s, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    server.pid = process.pid
    _, said = process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if program == PROFILE:
        print(said)
        return {}
    words = said.split()
    if process.returncode or "PEAK" not in words:
        sys.exit(said)
    return {
        "first_call_s": (server.first_s or float("nan")) - started_s,
        "first_cpu_s": server.first_cpu_s,
        "whole_s": time.monotonic() - started_s,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mb": int(words[words.index("PEAK") + 1]) / 1024,
        "litellm": int(words[words.index("LITELLM") + 1]),
        "requests": server.n,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=25_000)
    parser.add_argument("--missing", type=int, default=25, help="samples without an answer")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    server = Server()
    server.start()
    server.ready.wait()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder, server.url, arguments.samples)
        began = time.monotonic()
        n_stored, sent_bytes, distinct_bytes = fill_store(folder, arguments.missing)
        print(f"{n_stored:,} answers stored in {time.monotonic() - began:.1f} s")
        store = folder / ".llmroute/store.db"
        size = store.stat().st_size
        print(f"store_ratio   {size / sent_bytes:8.2f}  goal {GOALS['store_ratio']}")
        print(f"  with each request counted once {size / distinct_bytes:.2f}: {size / 1e6:.1f} MB,")
        print(f"  {(size - distinct_bytes) / n_stored:.0f} bytes an answer beside its text")
        if arguments.profile:
            run_bench(folder, server, PROFILE)
            return
        for title in ("first resume (scores all)", "second resume"):
            print(f"\n{title}")
            for what, value in run_bench(folder, server, RUN).items():
                goal = f"  goal {GOALS[what]}" if what in GOALS else ""
                print(f"{what:13} {value:8.2f}{goal}")
        print(f"\nstore after   {store.stat().st_size / 1e6:8.1f} MB")


if __name__ == "__main__":
    main()

"""Whole processes as a user starts them: wall, CPU and peak memory, beside a minimal runner.

    python benchmarks/whole_process.py [--prompts 5000] [--rounds 3]

`floor` posts with plain aiohttp and appends one JSON line an answer: nothing is faster than that.
`llmroute bench` does the whole job: plan, calls, store, scores, map, HTML report and outcomes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from throughput import MESSAGES, ask_plainly, mock_server, write_suite

HERE = Path(__file__).resolve().parent


@dataclass
class Run:
    """One finished process."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def run(command: list[str], folder: Path) -> Run:
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command}: {said.decode()}")
    return Run(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def floor(base: str, prompts: int, concurrency: int, path: Path) -> None:
    """The floor's own process: ask, and append each answer to a file."""
    ask_plainly(base, prompts, concurrency)
    with path.open("w") as lines:
        for i in range(prompts):
            lines.write(json.dumps({"prompt": MESSAGES.format(i), "answer": "yes"}) + "\n")


def llmroute(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "llmroute", *arguments]


def write_project(folder: Path, base: str, prompts: int, concurrency: int) -> None:
    write_suite(folder, prompts)
    (folder / "llmroute.yaml").write_text(
        f"suites: [suite.yaml]\nconcurrency: {concurrency}\ncandidates:\n"
        f"  - {{model: openai/m, name: m, api_base: '{base}', "
        "price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}}\n"
    )


def size_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("store.db*")) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--floor", nargs=2, metavar=("BASE", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        base, path = options.floor
        floor(base, options.prompts, options.concurrency, Path(path))
        return
    rows: dict[str, list[Run]] = {"floor": [], "llmroute bench": [], "again, all stored": []}
    store_mib = 0.0
    with mock_server(latency_ms=50) as base:
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_project(folder, base, options.prompts, options.concurrency)
                me = [sys.executable, str(HERE / "whole_process.py"), "--floor", base, "f.jsonl"]
                me += ["--prompts", str(options.prompts)]
                me += ["--concurrency", str(options.concurrency)]
                rows["floor"].append(run(me, folder))
                rows["llmroute bench"].append(run(llmroute("bench", "-q"), folder))
                store_mib = size_mib(folder / ".llmroute")
                rows["again, all stored"].append(run(llmroute("bench", "-q"), folder))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(llmroute("bench", "-q"), folder)
        for arguments in (("--help",), ("map",)):
            title = f"llmroute {arguments[0]}" + (" (634 answers)" if arguments == ("map",) else "")
            rows[title] = [run(llmroute(*arguments), folder) for _ in range(options.rounds + 2)]
    print(f"{options.prompts:,} prompts, 50 ms latency, {options.concurrency} at once")
    print("process                     wall s    CPU s   peak MiB   wall ÷ floor")
    for title, runs in rows.items():
        wall, cpu, peak = (
            statistics.median(getattr(r, field) for r in runs)
            for field in ("wall_s", "cpu_s", "peak_mib")
        )
        ratio = ""
        if len(runs) == len(rows["floor"]) and not title.startswith("llmroute -"):
            pairs = zip(runs, rows["floor"], strict=True)
            ratio = f"{statistics.median(a.wall_s / b.wall_s for a, b in pairs):14.2f}"
        print(f"{title:25} {wall:8.2f} {cpu:8.2f} {peak:10.0f} {ratio}")
    print(f"store after {options.prompts:,} answers and scores: {store_mib:.1f} MiB")


if __name__ == "__main__":
    main()

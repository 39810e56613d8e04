"""How long does a calibration of 14,000 prompts take, and how long a decision?

    python benchmarks/calibration_speed.py [--prompts 14000] [--policy router] [--data FOLDER]

Prompts and outcomes are recorded ones (RouteLLM's GSM8K file), each prompt told again with other
numbers until there are enough: so many different texts, as long as real ones. The calibration runs
as a process of its own, and its wall seconds, CPU seconds and peak memory are the process's. CPU
seconds stand beside wall seconds because other work on the machine makes only the latter longer.

Decisions are `QueryRouter.decide`, one prompt at a time, median and 95th percentile of 500, and
`decide_many` over 1,000; `Cascade.look` the same, over recorded answers. LLMROUTE_MINILM names the
folder of a sentence model; without it the row is left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from llmroute.artefact import Saved
from llmroute.calibration.outcomes import read_pair
from llmroute.calibration.pair import Pair
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.cascades.decide import Cascade
from llmroute.outcomes import read_outcomes
from llmroute.routers import build_router
from llmroute.routers.decide import QueryRouter
from llmroute.routers.novelty import Novelty

REPOSITORY = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
FILE = "routellm_gsm8k.jsonl.gz"
WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
_NUMBER = re.compile(r"\d+")


def retold(rows: list[dict[str, Any]], n: int) -> Iterator[dict[str, Any]]:
    """The rows again and again, each time with other numbers and names of other things."""
    random = np.random.default_rng(0)
    words = sorted({word for row in rows for word in row["prompt"].split() if word.isalpha()})
    for i in range(n):
        row = rows[i % len(rows)]
        text = row["prompt"]
        if i >= len(rows):
            text = _NUMBER.sub(lambda _: str(random.integers(2, 999)), text)
            kept = [
                word if random.random() < 0.4 else words[int(random.integers(len(words)))]
                for word in text.split(" ")
            ]
            text = " ".join(kept)
        yield {**row, "id": f"q{i}", "prompt": text}


def calibrate(n: int, policy: str, data: Path) -> None:
    with gzip.open(data / FILE, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder) / "outcomes.jsonl"
        outcomes.write_text("".join(json.dumps(row) + "\n" for row in retold(rows, n)))
        command = [
            sys.executable, "-m", "llmroute", "calibrate", "--data", str(outcomes), "--policy",
            policy, "--weak", WEAK, "--strong", STRONG, "--out", folder,
            "--prices", str(data / "prices.csv"), "--json",
        ]  # fmt: skip
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        figures = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        wall_s = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"calibrate --policy {policy} --router auto: {figures['n']} prompts,"
        f" {figures['n_groups']} distinct, {wall_s:.0f} s wall, {cpu_s:.0f} s CPU,"
        f" {used.ru_maxrss / 2**20:.2f} GB; chose {figures['router']},"
        f" APGR {figures['apgr']['value']:.3f}",
        flush=True,
    )


def show_times(name: str, one: Callable[[int], object], n: int = 500) -> None:
    times = []
    for i in range(n):
        start = time.perf_counter()
        one(i)
        times.append(1000 * (time.perf_counter() - start))
    middle, late = np.quantile(times[20:], [0.5, 0.95])
    print(f"{name:<28} {middle:8.2f} ms median {late:8.2f} ms p95", flush=True)


def show_batch(router: QueryRouter, texts: list[str]) -> None:
    took = []
    for _ in range(5):
        start, cpu = time.perf_counter(), time.process_time()
        router.decide_many(texts)
        took.append((time.perf_counter() - start, time.process_time() - cpu))
    wall_s, cpu_s = np.median(took, axis=0)
    print(f"{'tfidf, 1,000 at once':<28} {wall_s:8.3f} s wall {cpu_s:8.3f} s CPU (median of 5)")


def show_decisions(pair: Pair) -> None:
    texts = [query.text for query in pair.queries]
    novelty = Novelty.learn(texts)
    names: list[tuple[str, dict[str, Any]]] = [("tfidf", {})]
    if folder := os.environ.get("LLMROUTE_MINILM"):
        names.append(("embedding", {"embedding": f"local:{folder}"}))
    for name, params in names:
        router = build_router(name, params).fit(pair)
        decide = QueryRouter(Saved(router, WEAK, STRONG, 0.6, novelty, {})).decide
        show_times(name, lambda i, decide=decide: decide(texts[i % len(texts)]))  # type: ignore[misc]
        if name == "tfidf":
            show_batch(QueryRouter(Saved(router, WEAK, STRONG, 0.6, novelty, {})), texts[:1000])
    cascade = Cascade(Saved(AnswerScorer().fit(pair), WEAK, STRONG, 0.6, novelty, {}))
    show_times("cascade", lambda i: cascade.look(texts[i], pair.weak_answers[i]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=14_000, help="0: decisions only")
    parser.add_argument("--policy", default="router")
    parser.add_argument("--data", type=Path, default=REALDATA)
    options = parser.parse_args()
    show_decisions(read_pair(read_outcomes([options.data / FILE]), WEAK, STRONG, prices={}))
    if options.prompts:
        calibrate(options.prompts, options.policy, options.data)


if __name__ == "__main__":
    main()

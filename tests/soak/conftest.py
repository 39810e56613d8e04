"""A bench in a process of its own against a fast server, to be killed at any moment."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmroute.store import StoreReader

CONCURRENCY = 16

Asked = tuple[str, str]
"""Model and prompt: what makes a call of these benches."""


@dataclass(slots=True)
class Bench:
    """One project folder, and the server its candidates are on."""

    folder: Path
    server: Any
    noise: random.Random
    samples: int
    """Each is asked of two candidates."""

    def write(self) -> None:
        self.folder.mkdir(parents=True)
        colours = ("red", "green", "blue")
        samples = "".join(
            f'  - {{id: s{n}, input: "thing {n} ({colours[n % 3]})", target: {colours[n % 3]}}}\n'
            for n in range(self.samples)
        )
        (self.folder / "suite.yaml").write_text(
            "name: colours\ntask: colours\nprompt: 'What colour is {{ input }}?'\nmetric: exact\n"
            f"quality_threshold: 0.8\nsamples:\n{samples}"
        )
        common = f"api_base: '{self.server.url}', adapter: direct"
        (self.folder / "llmroute.yaml").write_text(
            f"suites: [suite.yaml]\nconcurrency: {CONCURRENCY}\ncandidates:\n"
            f"  - {{model: openai/good, name: good, {common}, "
            "price: {input_usd_per_mtok: 2, output_usd_per_mtok: 8}}\n"
            f"  - {{model: openai/poor, name: poor, {common}, "
            "price: {input_usd_per_mtok: 1, output_usd_per_mtok: 4}}\n"
        )

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "llmroute", "bench", *options],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self) -> None:
        """Run it to its end."""
        process = self.start("-q")
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said

    def stop(self, number: signal.Signals, when: Callable[[], bool]) -> tuple[int, str]:
        """Start it, and signal it as soon as `when` says so; exit code and stderr."""
        process = self.start()
        while not when() and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
        return process.returncode, said

    def some_time(self, first: int) -> Callable[[], bool]:
        """A moment: after so many requests of the server's, or simply after a while."""
        if self.noise.random() < 0.3:
            at_s = time.monotonic() + self.noise.uniform(0.0, 3.0)
            return lambda: time.monotonic() >= at_s
        return self.after_some_requests(first)

    def after_some_requests(self, first: int) -> Callable[[], bool]:
        """The moment when so many have come since request number `first`."""
        n = first + self.noise.randint(1, self.samples // 2)
        return lambda: len(self.server.requests) >= n

    def answered(self) -> set[Asked]:
        """What the store has acknowledged."""
        store = self.folder / ".llmroute/store.db"
        if not store.exists() or store.stat().st_size == 0:
            return set()
        query = (
            "SELECT w.text, r.messages FROM answers a JOIN words w ON w.id = a.model "
            "JOIN requests r ON r.id = a.request"
        )
        with StoreReader.open(store) as reader:
            assert reader.damage() == ()
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            rows = connection.execute(query).fetchall()
        return {(model.removeprefix("openai/"), json.loads(text)[-1][1]) for model, text in rows}

    def asked(self, first: int) -> list[Asked]:
        """What has reached the server since its request number `first`."""
        return [(one.body["model"], one.prompt) for one in self.server.requests[first:]]

    def decided(self) -> str:
        """The map, without what is another with every run: its id, times, and the digest of all."""
        text = (self.folder / "llmroute-out/routing-map.yaml").read_text()
        document = yaml.safe_load(text)
        del document["digest"]
        for name in ("run_id", "started", "oldest_answer"):
            del document["provenance"][name]
        return json.dumps(_without_latency(document), indent=1)

    def check_files(self) -> None:
        """What is there is whole."""
        out = self.folder / "llmroute-out"
        if (out / "routing-map.yaml").exists():
            assert yaml.safe_load((out / "routing-map.yaml").read_text())["tasks"]
        if (out / "outcomes.jsonl").exists():
            lines = (out / "outcomes.jsonl").read_text().splitlines()
            assert len(list(map(json.loads, lines))) == self.samples
        if (out / "report.html").exists():
            assert (out / "report.html").read_text().rstrip().endswith("</html>")


def _without_latency(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_latency(v) for k, v in value.items() if not k.startswith("latency_")}
    return [_without_latency(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def new_bench(tmp_path: Path, chat_server: Any) -> Callable[[str, int], Bench]:
    """A fresh project of this name; its candidate "poor" is wrong on every second thing."""
    noise = random.Random(20261122)

    def reply(asked: Any) -> Any:
        found = re.search(r"thing (\d+) \((\w+)\)", asked.prompt)
        assert found is not None
        wrong = asked.body["model"] == "poor" and int(found[1]) % 2
        answer = chat_server.answer("purple" if wrong else found[2])
        return chat_server.reply(answer, delay_s=noise.uniform(0.02, 0.05))

    def make(name: str, samples: int) -> Bench:
        chat_server.script = reply
        bench = Bench(tmp_path / name, chat_server, random.Random(name), samples)
        bench.write()
        return bench

    return make

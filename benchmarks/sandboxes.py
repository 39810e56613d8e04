"""What running generated code costs: a sandbox, 200 answers, and the same bench again.

    python benchmarks/sandboxes.py [--answers 200]

Printed are, each beside what it is compared with:

- a sandbox's start beside a bare interpreter's (medians of 15, in turn),
- scoring so many different answers one after the other and several at once, with equal scores,
- a whole `llmroute bench --allow-code-execution` over as many recorded answers, and the same
  command again, which runs nothing.

Needs bubblewrap.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from llmroute.metrics.python_tests import PythonTests
from llmroute.records import Sample
from llmroute.sandbox import code_execution
from llmroute.sandbox.pool import AT_ONCE, open_pool
from llmroute.sandbox.python import ask_python

STARTS = 15


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def starts() -> None:
    python = [getattr(sys, "_base_executable", sys.executable), "-S", "-s", "-c", "pass"]
    bare, inside = [], []
    for _ in range(STARTS):  # in turn: a busy machine slows both
        bare.append(timed(lambda: subprocess.run(python, check=True, env={})))
        inside.append(timed(lambda: ask_python("", [[("", "1")]])))
    print(
        f"a sandbox {median(inside) * 1e3:.0f} ms, a bare interpreter {median(bare) * 1e3:.0f} ms: "
        f"× {median(inside) / median(bare):.1f}"
    )


def sample(number: int) -> Sample:
    tests = [f"assert add(2) == {number + 2}", f"assert add(-1) == {number - 1}"]
    return Sample(f"s{number}", f"Add {number}.", fields={"tests": tests})


def answer(number: int, salt: str) -> str:
    sign = "-" if number % 5 == 0 else "+"
    return f"# {salt}\ndef add(x):\n    return x {sign} {number}"


def several_at_once(n: int) -> None:
    metric = PythonTests(mode="all")
    alone: list[float] = []
    together: list[float] = []

    def one_by_one() -> None:
        alone.extend(metric.score(sample(i), answer(i, "alone")) for i in range(1, n + 1))

    def at_once() -> None:
        with open_pool() as pool:
            numbers = range(1, n + 1)
            found = pool.map(lambda i: metric.score(sample(i), answer(i, "together")), numbers)
            together.extend(found)

    alone_s, together_s = timed(one_by_one), timed(at_once)
    assert alone == together
    print(
        f"{n} answers one by one {alone_s:.1f} s, {AT_ONCE} at once {together_s:.1f} s: "
        f"× {alone_s / together_s:.2f}; {sum(alone):.0f} right both times"
    )


def whole_bench(n: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = [
            {"id": f"s{i}", "input": f"Add {i}.", "tests": sample(i).fields["tests"]}
            for i in range(1, n + 1)
        ]
        (folder / "suite.yaml").write_text(
            "name: code\ntask: code\nextract: [code_block]\nsamples: samples.jsonl\n"
            "metric: {name: python_tests, mode: all}\n"
        )
        (folder / "samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
        answers = [
            {
                "suite": "code",
                "sample_id": f"s{i}",
                "candidate": "m",
                "output": f"```python\n{answer(i, 'bench')}\n```",
                "cost_usd": 0.0,
            }
            for i in range(1, n + 1)
        ]
        (folder / "answers.jsonl").write_text("".join(json.dumps(a) + "\n" for a in answers))
        (folder / "llmroute.yaml").write_text(
            "suites: [suite.yaml]\n"
            "candidates: [{model: replay/m, name: m, recording: answers.jsonl}]\n"
        )
        command = [sys.executable, "-m", "llmroute", "bench", "--allow-code-execution", "-q"]

        def bench() -> None:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, env=os.environ)

        first_s, again_s = timed(bench), timed(bench)
    print(
        f"a bench of {n} answers {first_s:.1f} s, {first_s / n * 1e3:.0f} ms each; the same again, "
        f"which runs none, {again_s:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=200)
    n = parser.parse_args().answers
    with code_execution(allowed=True):
        starts()
        several_at_once(n)
    whole_bench(n)


if __name__ == "__main__":
    main()

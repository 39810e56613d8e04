"""`llmroute shadow` over a long log: lines a second and memory, by the length of the log.

    python benchmarks/shadow.py [LINES...]

A log of made-up requests (tags, 400 characters of text, tokens, cost) on a map of three tasks, then
the same as LiteLLM's spend logs. CPU seconds and peak memory are each run's own process: were
memory to grow with the log, the lengths would differ.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

LENGTHS = (10_000, 100_000)
TASKS = ("code", "sums", "tickets")


def write_outcomes(path: Path) -> None:
    rng = random.Random(0)
    with path.open("w") as lines:
        for number in range(300):
            models = {
                name: {
                    "score": int(rng.random() < 0.95),
                    "prompt_tokens": 100,
                    "completion_tokens": rng.randrange(10, 90),
                    "cost_usd": cost,
                }
                for name, cost in (("big", 0.01), ("small", 0.001))
            }
            row = {"id": number, "task": TASKS[number % 3], "prompt": "x", "models": models}
            lines.write(json.dumps(row) + "\n")


def own(number: int, rng: random.Random) -> dict[str, object]:
    return {
        "id": number,
        "time": 1_769_860_800 + number,
        "prompt": f"Please look at ticket {number}. " + "word " * 75,
        "model": "big",
        "tags": [TASKS[number % 3]],
        "prompt_tokens": rng.randrange(50, 500),
        "completion_tokens": rng.randrange(10, 90),
        "cost_usd": rng.expovariate(100),
        "score": rng.random(),
    }


def spend(number: int, rng: random.Random) -> dict[str, object]:
    row = own(number, rng)
    body = {"model": "big", "messages": [{"role": "user", "content": row["prompt"]}]}
    return {
        "request_id": f"chatcmpl-{number}",
        "call_type": "acompletion",
        "spend": row["cost_usd"],
        "prompt_tokens": row["prompt_tokens"],
        "completion_tokens": row["completion_tokens"],
        "startTime": "2026-01-31T12:00:00+00:00",
        "endTime": "2026-01-31T12:00:01+00:00",
        "model": "big",
        "model_group": "big",
        "metadata": json.dumps({"user_api_key_alias": "a", "spend_logs_metadata": {"app": "x"}}),
        "request_tags": json.dumps(row["tags"]),
        "messages": "{}",
        "response": "{}",
        "proxy_server_request": json.dumps(body),
        "cache_hit": "False",
        "status": "success",
    }


FORMS = {"llmroute": own, "litellm": spend}


def run(*command: str) -> tuple[float, float]:
    """The process's CPU seconds, and its peak in MB."""
    code = (
        "import resource, sys; from llmroute.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    seconds, peak = map(float, done.stderr.split()[-2:])
    return seconds, peak


def main() -> None:
    lengths = [int(word) for word in sys.argv[1:]] or LENGTHS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcomes = folder / "outcomes.jsonl"
        write_outcomes(outcomes)
        run("map", "--data", str(outcomes), "--reference", "big", "--out", str(folder))
        print("| form | lines | CPU s | lines/CPU s | peak MB |\n|---|---:|---:|---:|---:|")
        for form, make in FORMS.items():
            for length in lengths:
                log, rng = folder / f"{form}-{length}.jsonl", random.Random(1)
                with log.open("w") as lines:
                    lines.writelines(json.dumps(make(n, rng)) + "\n" for n in range(length))
                command = ("shadow", "--log", str(log), "--map", str(folder / "routing-map.yaml"))
                seconds, peak = run(*command, "--json")
                speed = length / seconds
                print(f"| {form} | {length:,} | {seconds:.1f} | {speed:,.0f} | {peak:.0f} |")
                log.unlink()


if __name__ == "__main__":
    main()

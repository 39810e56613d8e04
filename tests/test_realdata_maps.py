"""`map --data` over recorded outcomes gives the routes that a plain computation gives."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from scipy import stats
from typer.testing import CliRunner

from llmroute.cli.app import app

REALDATA = Path(
    os.environ.get("LLMROUTE_REALDATA", Path(__file__).resolve().parents[2] / "shared" / "realdata")
)
pytestmark = pytest.mark.skipif(
    not REALDATA.is_dir(), reason="the recorded outcomes are not here (LLMROUTE_REALDATA)"
)
CONFIDENCE, MARGIN, COVERAGE = 0.95, 0.05, 0.98


def read_rows(name: str) -> dict[str, list[dict[str, Any]]]:
    tasks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(REALDATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            tasks[row["task"]].append(row["models"])
    return tasks


def read_prices() -> dict[str, tuple[float, float]]:
    with (REALDATA / "prices.csv").open() as lines:
        return {
            row["model"]: (float(row["input_usd_per_1m"]), float(row["output_usd_per_1m"]))
            for row in csv.DictReader(lines)
        }


def usd_per_1k(model: str, answers: list[dict[str, Any]], prices: Any) -> float:
    """Recorded cost, else tokens × price, else the 3:1 list price at 1,000 tokens a request."""
    inp, out = prices[model]
    costs = [
        a["cost_usd"]
        if a["cost_usd"] is not None
        else (a["prompt_tokens"] * inp + a["completion_tokens"] * out) / 1e6
        for a in answers
        if a["cost_usd"] is not None or a["prompt_tokens"] is not None
    ]
    if costs:
        return 1000 * sum(costs) / len(costs)
    return (3 * inp + out) / 4


def clears(scores: list[float], n: int, bar: float) -> bool:
    """The default rule for right-or-wrong scores, by SciPy's beta quantile."""
    if len(scores) < COVERAGE * n or sum(scores) / len(scores) < bar:
        return False
    right = round(sum(scores))
    low = stats.beta.ppf(1 - CONFIDENCE, right, len(scores) - right + 1) if right else 0.0
    return bool(low >= bar - MARGIN)


def map_of(name: str, *arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(
        app,
        ["map", "--data", str(REALDATA / f"{name}.jsonl.gz"), "--prices",
         str(REALDATA / "prices.csv"), "--json", *arguments],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.mark.parametrize(
    ("name", "bar", "reference"),
    [
        ("zeroeval", 0.85, "o1-mini-2024-09-12"),
        ("zeroeval", 0.6, "o1-mini-2024-09-12"),
        ("llmrouter_example", 0.7, "llama-3.1-nemotron-51b-instruct"),
        ("routerarena", 0.6, "gemini-2.0-flash-001"),
    ],
)
def test_routes_equal_a_by_hand_computation(name: str, bar: float, reference: str) -> None:
    document = map_of(name, "--threshold", str(bar))
    prices = read_prices()
    # The best mean among the models scored everywhere: partial coverage never wins.
    assert document["reference"] == reference
    compared = 0
    for task, rows in read_rows(name).items():
        models = list(dict.fromkeys(model for row in rows for model in row))
        scores = {
            m: [r[m]["score"] for r in rows if m in r and r[m]["score"] is not None] for m in models
        }
        if any(value not in (0.0, 1.0) for values in scores.values() for value in values):
            continue  # fractional scores use another bound than this computation
        answers = {m: [r[m] for r in rows if m in r] for m in models}
        passing = [m for m in models if clears(scores[m], len(rows), bar)]
        route = document["tasks"][task]
        compared += 1
        if not passing:
            assert (route["route"], route["verdict"]) == (reference, "fallback"), task
            continue
        cheapest = min(
            passing,
            key=lambda m: (usd_per_1k(m, answers[m], prices), -sum(scores[m]) / len(scores[m]), m),
        )
        assert route["route"] == cheapest, task
        assert route["evidence"]["cost_usd_per_1k"] == pytest.approx(
            usd_per_1k(cheapest, answers[cheapest], prices), rel=1e-5
        )
    assert compared >= 3


def test_partial_coverage_never_wins() -> None:
    document = map_of("routerarena", "--threshold", "0.3", "--evidence", "mean")
    partial = {"gpt-4o-mini", "mistral-medium"}
    for task, rows in read_rows("routerarena").items():
        for model in partial:
            scored = sum(r.get(model, {}).get("score") is not None for r in rows)
            if scored < COVERAGE * len(rows):
                assert document["tasks"][task]["route"] != model, task


def test_every_rejected_candidate_has_a_reason_and_every_task_its_evidence() -> None:
    document = map_of("llmrouter_example", "--threshold", "of_best:0.9")
    assert len(document["tasks"]) == 14
    for task in document["tasks"].values():
        assert task["evidence"]["cost_basis"] == "list_price"
        assert len(task["rejected"]) == 8 if task["verdict"] != "fallback" else 9
        assert all(rejected["reason"] for rejected in task["rejected"])

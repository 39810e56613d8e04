"""How often does a small suite route to a model that is truly below the bar, and at what cost?

    python benchmarks/decision_rule.py [--draws 200] [--data FOLDER]

Recorded outcomes of real models stand for the truth: a task's full outcomes are its population, and
its bar is 90 % of its best model's mean. Suites of 20 to 240 samples are drawn from it with
replacement, the map is made from the draw alone, and the route is looked up in the population.
`mean` is the usual advice (cheapest observed mean above the bar); the other rows are llmroute's.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llmroute.analysis.compare import TaskRules, compare_task
from llmroute.analysis.summary import Summary
from llmroute.records import Comparison, Evidence, QualityRule, QualityThreshold
from llmroute.routing_map.choose import choose_routes

REPOSITORY = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
SETS = ("zeroeval", "llmrouter_example", "routerarena")
SIZES = (20, 40, 60, 120, 240)
LEAST_PROMPTS = 20
SHARE_OF_BEST = 0.9
FAR_BELOW = 0.05


@dataclass(frozen=True)
class Population:
    """One task's full outcomes: scores of shape (n_candidates, n_prompts), prices per candidate."""

    task: str
    candidates: tuple[str, ...]
    scores: np.ndarray
    costs: np.ndarray

    @property
    def bar(self) -> float:
        return SHARE_OF_BEST * float(self.scores.mean(axis=1).max())


@dataclass
class Tally:
    """What happened over all draws of one rule and size."""

    draws: int = 0
    below: int = 0
    far_below: int = 0
    fallbacks: int = 0
    cost_ratios: float = 0.0
    cost: float = 0.0
    least_cost: float = 0.0


def read_populations(folder: Path, sets: Sequence[str] = SETS) -> Iterator[Population]:
    with (folder / "prices.csv").open() as lines:
        prices = {
            row["model"]: (3 * float(row["input_usd_per_1m"]) + float(row["output_usd_per_1m"])) / 4
            for row in csv.DictReader(lines)
        }
    for name in sets:
        tasks: dict[str, list[dict[str, float]]] = defaultdict(list)
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                scores = {m: o["score"] for m, o in row["models"].items()}
                tasks[row["task"]].append(scores)
        for task, rows in tasks.items():
            if len(rows) < LEAST_PROMPTS:
                continue
            names = tuple(m for m in rows[0] if all(r.get(m) is not None for r in rows))
            matrix = np.array([[r[m] for r in rows] for m in names])
            yield Population(f"{name}/{task}", names, matrix, np.array([prices[m] for m in names]))


def route(
    population: Population, columns: np.ndarray, threshold: QualityThreshold, evidence: Evidence
) -> tuple[str, bool]:
    """The chosen candidate, and whether it is the fallback."""
    rule = QualityRule(threshold=threshold, evidence=evidence)
    drawn = population.scores[:, columns]
    summaries = tuple(
        _summary(name, scores, cost)
        for name, scores, cost in zip(population.candidates, drawn, population.costs, strict=True)
    )
    reference = population.candidates[int(drawn.mean(axis=1).argmax())]
    compared = compare_task(population.task, summaries, rule, reference, TaskRules())
    comparison = Comparison(rule, reference, False, population.candidates, (compared,))
    chosen = choose_routes(comparison).tasks[0]
    return chosen.route, chosen.verdict == "fallback"


def _summary(name: str, scores: np.ndarray, cost: float) -> Summary:
    n = len(scores)
    return Summary(
        candidate=name,
        n_samples=n,
        n_planned=n,
        n_answered=n,
        n_scored=n,
        failures={},
        scores={str(i): float(score) for i, score in enumerate(scores)},
        clusters=scores,
        cluster_weights=np.ones(n),
        cost_usd_per_1k=float(cost),
        cost_basis="list_price",
        unpriced_reason=None,
        costs_usd=(float(cost) / 1000,) * n,
        latency_p50_s=None,
        latency_p95_s=None,
        input_tokens=None,
        output_tokens=None,
    )


def simulate(
    populations: Sequence[Population],
    n: int,
    draws: int,
    evidence: Evidence,
    relative: bool,
    seed: int = 0,
) -> Tally:
    """Draw suites of n samples from each population and tally where the map routes."""
    tally = Tally()
    for index, population in enumerate(populations):
        rng = np.random.default_rng([seed, index, n])
        truth = population.scores.mean(axis=1)
        least = float(population.costs[truth >= population.bar].min())
        threshold = QualityThreshold(population.bar)
        if relative:
            threshold = QualityThreshold(SHARE_OF_BEST, "best")
        for _ in range(draws):
            columns = rng.integers(0, population.scores.shape[1], n)
            name, fallback = route(population, columns, threshold, evidence)
            chosen = population.candidates.index(name)
            tally.draws += 1
            tally.below += bool(truth[chosen] < population.bar)
            tally.far_below += bool(truth[chosen] < population.bar - FAR_BELOW)
            tally.fallbacks += fallback
            tally.cost_ratios += float(population.costs[chosen]) / least
            tally.cost += float(population.costs[chosen])
            tally.least_cost += least
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200, help="draws a task and size")
    parser.add_argument("--data", type=Path, default=REALDATA)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    populations = list(read_populations(options.data))
    print(f"{len(populations)} tasks, {options.draws} draws each, bar at 90 % of the best model")
    print("bar       evidence    n   below bar   > 0.05 below   fallback   cost / least cost")
    for relative in (False, True):
        for evidence in ("mean", "likely", "proven"):
            for n in options.sizes:
                t = simulate(populations, n, options.draws, evidence, relative)
                print(
                    f"{'of_best' if relative else 'number':9} {evidence:8} {n:4}"
                    f"   {t.below / t.draws:9.1%}   {t.far_below / t.draws:12.1%}"
                    f"   {t.fallbacks / t.draws:8.1%}   {t.cost / t.least_cost:8.3f}"
                    f"  (mean ratio {t.cost_ratios / t.draws:.2f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()

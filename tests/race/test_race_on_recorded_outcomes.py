from __future__ import annotations

import csv
import gzip
import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from llmroute.analysis.intervals import clopper_pearson_low
from llmroute.race.race import TaskRace
from llmroute.race.rule import RaceCandidate, RaceRule
from llmroute.records import QualityRule, QualityThreshold, Sample

REALDATA = Path(
    os.environ.get("LLMROUTE_REALDATA") or Path(__file__).parents[2] / "../shared/realdata"
)
pytestmark = pytest.mark.skipif(
    not REALDATA.is_dir(), reason="LLMROUTE_REALDATA names no folder of recorded outcomes"
)
N, DRAWS, RISK = 40, 25, 0.05
MOST_MISSED = 7
"""Of 25 races missing with probability 0.05 each, more than 7 miss with probability 2e-5."""


@pytest.fixture(scope="module")
def populations():
    """(task, candidates, scores, costs) of every task whose scores are right or wrong."""
    with (REALDATA / "prices.csv").open() as lines:
        price = {
            row["model"]: (3 * float(row["input_usd_per_1m"]) + float(row["output_usd_per_1m"])) / 4
            for row in csv.DictReader(lines)
        }
    found = []
    for name in ("zeroeval", "llmrouter_example"):
        tasks = defaultdict(list)
        with gzip.open(REALDATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                tasks[row["task"]].append({m: o["score"] for m, o in row["models"].items()})
        for task, rows in tasks.items():
            names = [m for m in rows[0] if all(row.get(m) is not None for row in rows)]
            scores = np.array([[row[m] for row in rows] for m in names])
            if len(rows) >= N and np.isin(scores, (0.0, 1.0)).all():
                found.append((task, names, scores, [price[m] for m in names]))
    return found


@pytest.fixture(scope="module")
def races(populations):
    """Per task and bar: (share as the grid, rejected routes, share of the grid's dollars)."""
    results = {}
    for index, (task, names, scores, costs) in enumerate(populations):
        for bar in (0.9 * float(scores.mean(axis=1).max()), 0.85):
            rng = np.random.default_rng([index, round(1000 * bar)])
            results[task, bar] = [
                race_once(
                    names, scores[:, rng.choice(scores.shape[1], N, replace=False)], costs, bar, i
                )
                for i in range(DRAWS)
            ]
    return results


def race_once(names, scores, costs, bar, seed):
    rule = RaceRule(QualityRule(QualityThreshold(bar)), right_or_wrong=True, risk=RISK)
    samples = [Sample(f"{i:03}", "") for i in range(N)]
    candidates = [RaceCandidate(*pair) for pair in zip(names, costs, strict=True)]
    race = TaskRace("t", samples, candidates, rule, seed=seed)
    while batch := race.next_batch():
        for name, sample in batch:
            row = names.index(name)
            race.record(name, sample, float(scores[row, int(sample)]), costs[row])
    right = scores.sum(axis=1)
    clearing = [
        i
        for i in range(len(names))
        if right[i] / N >= bar and clopper_pearson_low(int(right[i]), N, 0.95) >= bar - 0.05
    ]
    best = min(clearing, key=lambda i: (costs[i], -right[i], names[i]), default=None)
    spent = sum(standing.spent_usd for standing in race.standings)
    rejected = race.route is not None and names.index(race.route) not in clearing
    return race.route == (None if best is None else names[best]), rejected, spent / (N * sum(costs))


def test_the_grids_route_is_missed_no_more_often_than_the_risk_allows(races):
    missed = {key: sum(not same for same, _, _ in draws) for key, draws in races.items()}

    assert max(missed.values()) <= MOST_MISSED
    assert sum(missed.values()) <= RISK * DRAWS * len(races)


def test_no_race_routes_to_a_candidate_that_the_grid_rejects(races):
    assert not any(rejected for draws in races.values() for _, rejected, _ in draws)


def test_a_race_spends_at_most_three_tenths_of_the_grid(races):
    shares = [share for draws in races.values() for _, _, share in draws]

    assert np.mean(shares) <= 0.30

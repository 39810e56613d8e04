"""DESIGN's promise about the default rule, on recorded outcomes: the fast, seeded version.

`python benchmarks/decision_rule.py` is the full one.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).resolve().parent.parent / "benchmarks" / "decision_rule.py"
DRAWS = 12


@pytest.fixture(scope="module")
def simulation() -> Any:
    spec = importlib.util.spec_from_file_location("decision_rule", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["decision_rule"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def populations(simulation: Any) -> Any:
    if not simulation.REALDATA.is_dir():
        pytest.skip("the recorded outcomes are not here (LLMROUTE_REALDATA)")
    return list(simulation.read_populations(simulation.REALDATA))


@pytest.mark.parametrize("n", [20, 60])
def test_the_default_rule_seldom_routes_far_below_the_bar(
    simulation: Any, populations: Any, n: int
) -> None:
    tally = simulation.simulate(populations, n, DRAWS, "likely", relative=False)
    assert tally.draws == len(populations) * DRAWS
    assert tally.far_below / tally.draws <= 0.05


def test_the_default_rules_map_costs_little_more_than_the_best_possible_one(
    simulation: Any, populations: Any
) -> None:
    tally = simulation.simulate(populations, 60, DRAWS, "likely", relative=False)
    assert 1.0 <= tally.cost / tally.least_cost <= 1.25


def test_the_naive_rule_routes_below_the_bar_more_often(simulation: Any, populations: Any) -> None:
    naive = simulation.simulate(populations, 20, DRAWS, "mean", relative=False)
    ours = simulation.simulate(populations, 20, DRAWS, "likely", relative=False)
    assert naive.below > 1.4 * ours.below
    assert naive.far_below > 1.5 * ours.far_below

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from llmroute.analysis.compare import compare
from llmroute.recogniser.corpus import own_match
from llmroute.records import (
    Match,
    Outcome,
    Outcomes,
    Price,
    QualityRule,
    RoutingMap,
    Sample,
    Suite,
    Usage,
)
from llmroute.routing_map.choose import choose_routes

WORDS = {
    "refunds": "refund parcel invoice money return order broken screen courier receipt",
    "sums": "train apples percent speed total metres hours price each divided",
    "poems": "autumn rose moon verse whisper golden river silence dawn sorrow",
}


def some_text(task: str, rng: np.random.Generator, n_words: int = 12) -> str:
    """Words of the task, two thirds of them, and of all tasks."""
    own, every = WORDS[task].split(), " ".join(WORDS.values()).split()
    return " ".join(str(rng.choice(own if rng.random() < 0.67 else every)) for _ in range(n_words))


def make_suites(n: int = 30, tasks: tuple[str, ...] = tuple(WORDS)) -> tuple[Suite, ...]:
    rng = np.random.default_rng(3)
    return tuple(
        Suite(
            task,
            task,
            tuple(Sample(f"{task}-{i}", some_text(task, rng)) for i in range(n)),
            system=f"You see to {task}." if task != "poems" else None,
            prompt="Please read this closely: {{ input }}" if task == "sums" else "{{ input }}",
            match=Match(utterances=(f"About {WORDS[task].split()[0]}",)),
        )
        for task in tasks
    )


QUALITIES = {
    "small": {"refunds": 0.95, "sums": 0.2, "poems": 0.95},
    "large": {"refunds": 1.0, "sums": 1.0, "poems": 1.0},
}


def make_map(
    suites: tuple[Suite, ...], qualities: Mapping[str, Mapping[str, float]] = QUALITIES
) -> RoutingMap:
    """Small ($0.20 for 1,000) where it clears 0.85, else large ($2)."""
    rows = tuple(
        Outcome(
            suite.task,
            f"s{i}",
            name,
            score=by_task[suite.task],
            answered=True,
            usage=Usage(1000, 0),
        )
        for suite in suites
        for name, by_task in qualities.items()
        for i in range(200)
    )
    prices = {"small": Price(0.2, 0.2), "large": Price(2.0, 2.0)}
    comparison = compare(Outcomes(rows), prices, QualityRule(), reference="large")
    return choose_routes(comparison, matches={suite.task: own_match(suite) for suite in suites})


@pytest.fixture(scope="session")
def suites() -> tuple[Suite, ...]:
    return make_suites()


@pytest.fixture(scope="session")
def routing_map(suites: tuple[Suite, ...]) -> RoutingMap:
    return make_map(suites)

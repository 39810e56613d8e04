from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from llmroute.calibration.pair import Pair, Query

NAMES = ("Ann", "Bob", "Eve", "Tom")
THINGS = ("pens", "eggs", "cars", "nuts")


@pytest.fixture(scope="session")
def sums_pair() -> Callable[..., Pair]:
    return make_sums


def make_sums(n: int = 160, seed: int = 0) -> Pair:
    """Sums that the weak model gets wrong in two of five answers, and says so in its steps."""
    rng = np.random.default_rng(seed)
    queries, answers, right = [], [], []
    for _ in range(n):
        a, b, c = (int(number) for number in rng.integers(10, 99, 3))
        slip = int(rng.integers(1, 9)) if rng.random() < 0.4 else 0
        first, total = a + b + slip, a + b + slip + c
        who, what = NAMES[int(rng.integers(4))], THINGS[int(rng.integers(4))]
        queries.append(Query(f"{who} has {a} {what}, buys {b} and finds {c}. How many are there?"))
        steps = f"{a} + {b} = {first} {what}\n{first} + {c} = {total} {what}"
        answers.append(f"{steps}\n#### {total}")
        right.append(float(slip == 0))
    return Pair(
        weak="w", strong="s",
        ids=tuple(f"q{i}" for i in range(n)),
        queries=tuple(queries),
        weak_scores=np.array(right), strong_scores=np.ones(n),
        weak_costs_usd=np.full(n, 1.0), strong_costs_usd=np.full(n, 10.0),
        groups=np.arange(n), weak_answers=tuple(answers),
    )  # fmt: skip

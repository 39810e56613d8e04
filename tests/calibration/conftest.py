from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from llmroute.calibration.pair import Pair, Query

MakePair = Callable[..., Pair]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def make_pair() -> MakePair:
    """A pair from two lists of scores; costs of 1 and 3 dollars unless given."""

    def make(
        weak: Sequence[float],
        strong: Sequence[float],
        *,
        texts: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
        groups: Sequence[int] | None = None,
        weak_usd: float | Sequence[float] = 1.0,
        strong_usd: float | Sequence[float] = 3.0,
    ) -> Pair:
        n = len(weak)
        names = [f"q{i:05d}" for i in range(n)]
        return Pair(
            weak="small",
            strong="large",
            ids=tuple(names),
            queries=tuple(
                Query(text, task)
                for text, task in zip(texts or names, tasks or ["t"] * n, strict=True)
            ),
            weak_scores=np.array(weak, dtype=np.float64),
            strong_scores=np.array(strong, dtype=np.float64),
            weak_costs_usd=np.broadcast_to(np.asarray(weak_usd, dtype=np.float64), n).copy(),
            strong_costs_usd=np.broadcast_to(np.asarray(strong_usd, dtype=np.float64), n).copy(),
            groups=np.arange(n) if groups is None else np.array(groups, dtype=np.int64),
        )

    return make


@pytest.fixture
def noisy_pair(make_pair: MakePair) -> Callable[..., tuple[Pair, np.ndarray]]:
    """A pair of right-or-wrong scores, and scores that know something about it."""

    def make(n: int = 400, seed: int = 0, **changes: object) -> tuple[Pair, np.ndarray]:
        rng = np.random.default_rng(seed)
        hard = rng.random(n)
        weak = (rng.random(n) < 0.95 - 0.7 * hard).astype(float)
        strong = (rng.random(n) < 0.98 - 0.2 * hard).astype(float)
        return make_pair(weak, strong, **changes), hard

    return make


@pytest.fixture
def realdata() -> Path:
    """The folder of recorded outcomes; the test is skipped where there is none."""
    folder = Path(os.environ.get("LLMROUTE_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
    if not folder.is_dir():
        pytest.skip("no recorded outcomes: set LLMROUTE_REALDATA")
    return folder

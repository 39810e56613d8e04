"""`mf`: RouteLLM's matrix factorisation over sentence vectors and a vector for each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.embeddings import build_embedder
from llmroute.routers.scale import learnable_gaps

RATE = 0.02
BETAS = (0.9, 0.999)


@dataclass
class Mf:
    """σ(δ(strong, q) − δ(weak, q)), δ(m, q) = head · (v_m ⊙ (W q + b)) (arXiv 2406.18665, §4.2).

    Departs from RouteLLM's code: ties are kept as half a win (dropping them costs six points of
    APGR on its MMLU file), the projection has the paper's bias, and training is full-batch Adam
    (arXiv 1412.6980) from a seed. For one pair the factors fold into a single vector, which is
    what is kept and scored.
    """

    name: ClassVar[str] = "mf"

    embedding: str = "hashed"
    """As `llmroute.embeddings` names them."""
    rank: int = 32
    decay: float = 1e-3
    steps: int = 150

    def __post_init__(self) -> None:
        if self.rank < 1 or self.steps < 1 or not self.decay >= 0:
            raise ValueError("rank and steps must be at least 1, and decay at least 0")

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Learn the factors and fold them."""
        wins = (1 + learnable_gaps(pair)) / 2
        vectors = build_embedder(self.embedding).embed([query.text for query in pair.queries])
        inputs = np.hstack([vectors.astype(np.float64), np.ones((len(vectors), 1))])
        factors = _learn(inputs, wins, self.rank, self.decay, self.steps, seed)
        folded = factors["projection"] @ (factors["head"] * factors["models"][1])
        folded -= factors["projection"] @ (factors["head"] * factors["models"][0])
        self.weights_ = folded
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in (0, 1)."""
        if not queries:
            return np.zeros(0)
        vectors = build_embedder(self.embedding).embed([query.text for query in queries])
        return _sigmoid(vectors @ self.weights_[:-1] + self.weights_[-1])

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters and the folded vector."""
        params = {
            "embedding": self.embedding,
            "rank": self.rank,
            "decay": self.decay,
            "steps": self.steps,
        }
        return {"params": params}, {"weights": self.weights_}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        router = cls(**values["params"])
        router.weights_ = arrays["weights"]
        return router


def _sigmoid(logits: NDArray[np.floating]) -> Floats:
    rates: Floats = 1 / (1 + np.exp(-np.clip(logits, -30.0, 30.0)))
    return rates


def _learn(
    inputs: Floats, wins: Floats, rank: int, decay: float, steps: int, seed: int
) -> dict[str, Floats]:
    random = np.random.default_rng(seed)
    factors: dict[str, Floats] = {
        "projection": random.standard_normal((inputs.shape[1], rank)) / np.sqrt(rank),
        "models": random.standard_normal((2, rank)) / np.sqrt(rank),
        "head": np.ones(rank),
    }
    means = {name: np.zeros_like(values) for name, values in factors.items()}
    squares = {name: np.zeros_like(values) for name, values in factors.items()}
    for step in range(1, steps + 1):
        slopes = _slopes(inputs, wins, factors, decay)
        for name, slope in slopes.items():
            means[name] += (1 - BETAS[0]) * (slope - means[name])
            squares[name] += (1 - BETAS[1]) * (slope * slope - squares[name])
            mean = means[name] / (1 - BETAS[0] ** step)
            square = squares[name] / (1 - BETAS[1] ** step)
            factors[name] = factors[name] - RATE * mean / (np.sqrt(square) + 1e-8)
    return factors


def _slopes(
    inputs: Floats, wins: Floats, factors: dict[str, Floats], decay: float
) -> dict[str, Floats]:
    """Gradient of the mean cross-entropy + decay · |factors|²."""
    projection, head = factors["projection"], factors["head"]
    between = factors["models"][1] - factors["models"][0]
    errors = (_sigmoid(inputs @ (projection @ (head * between))) - wins) / len(wins)
    pulled = errors @ inputs
    hidden = pulled @ projection
    models = np.stack([-hidden * head, hidden * head])
    slopes = {
        "projection": np.outer(pulled, head * between),
        "models": models,
        "head": hidden * between,
    }
    return {name: slope + 2 * decay * factors[name] for name, slope in slopes.items()}

"""Queries × models → expected score of each: what a choice among more than two models needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from llmroute.calibration.pair import Floats, Query
from llmroute.errors import InputError
from llmroute.routers.design import Reading
from llmroute.routers.text_ridge import TextRidge


@dataclass
class Qualities:
    """One ridge a model over shared columns; the argmax of quality − λ·cost is the caller's.

    A model's quality may be known for some of the queries only: each is fitted on its own rows.
    """

    embedding: str | None = None
    """As `llmroute.embeddings` names them; None: what `tfidf` reads."""
    penalty: float = 10.0

    def __post_init__(self) -> None:
        if not self.penalty > 0:
            raise ValueError("penalty must be above 0")

    def fit(
        self, queries: Sequence[Query], scores: Floats, models: Sequence[str], *, seed: int = 0
    ) -> Self:
        """Learn from scores of shape (n_queries, n_models), in [0, 1] or NaN for not scored.

        Raises:
            InputError: a model has no score at all.
        """
        for model, column in zip(models, scores.T, strict=True):
            if not bool(np.isfinite(column).any()):
                raise InputError(
                    f"model {model!r} has no score on any query",
                    fix="Bench it, or leave it out of the candidates.",
                )
        self.models_ = tuple(models)
        reading = Reading(embedding=self.embedding)
        self.ridge_ = TextRidge.learn(reading, queries, scores, penalty=self.penalty, seed=seed)
        return self

    def expected_scores(self, queries: Sequence[Query]) -> Floats:
        """Shape (n_queries, n_models), in [0, 1], models in the order of `fit`."""
        scores: Floats = np.clip(self.ridge_.predict(queries), 0.0, 1.0)
        return scores

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters, models, vocabulary and weights."""
        values, arrays = self.ridge_.state()
        params = {"embedding": self.embedding, "penalty": self.penalty}
        return {"params": params, "models": list(self.models_), "ridge": values}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The predictor that `state` was taken from."""
        qualities = cls(**values["params"])
        qualities.models_ = tuple(values["models"])
        qualities.ridge_ = TextRidge.from_state(values["ridge"], arrays)
        return qualities

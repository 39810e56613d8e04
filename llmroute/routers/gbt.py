"""`gbt`: gradient-boosted trees on counts, task and, if asked, a sentence vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.embeddings import build_embedder
from llmroute.errors import InputError
from llmroute.routers.features import count_features
from llmroute.routers.scale import learnable_gaps, win_rates

MAX_DEPTH = 6
LEAST_ROWS = 40
"""Fewer rows than two leaves hold make no tree: the mean gap is all there is to say."""


@dataclass
class Gbt:
    """Strong minus weak score by scikit-learn's histogram boosting, scored in numpy.

    Needs the extra `calibrate` to learn, and numpy only to score.
    """

    name: ClassVar[str] = "gbt"

    embedding: str | None = None
    """As `llmroute.embeddings` names them; None: counts and task only."""
    trees: int = 60
    rate: float = 0.05

    def __post_init__(self) -> None:
        if self.trees < 1 or not 0 < self.rate <= 1:
            raise ValueError("trees must be at least 1, and rate in (0, 1]")

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Grow the trees and copy them out of scikit-learn.

        Raises:
            InputError: the extra `calibrate` is not installed.
        """
        gaps = learnable_gaps(pair)
        tasks = {query.task for query in pair.queries if query.task is not None}
        self.tasks_ = tuple(sorted(tasks)) if len(tasks) > 1 else ()
        self.base_, self.forest_ = float(gaps.mean()), _no_trees()
        if len(gaps) >= LEAST_ROWS and float(gaps.std()) > 0:
            self.base_, self.forest_ = self._grow(self._inputs(pair.queries), gaps, seed)
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]."""
        if not queries:
            return np.zeros(0)
        return win_rates(self.base_ + _sum_leaves(self.forest_, self._inputs(queries)))

    def _inputs(self, queries: Sequence[Query]) -> Floats:
        texts = [query.text for query in queries]
        blocks = [count_features(texts)]
        if self.tasks_:
            known = [[float(query.task == task) for task in self.tasks_] for query in queries]
            blocks.append(np.array(known))
        if self.embedding is not None:
            blocks.append(build_embedder(self.embedding).embed(texts).astype(np.float64))
        return np.hstack(blocks)

    def _grow(self, inputs: Floats, gaps: Floats, seed: int) -> tuple[float, dict[str, Any]]:
        try:
            from sklearn.ensemble import HistGradientBoostingRegressor
        except ImportError as error:
            raise InputError(
                "router 'gbt' learns with scikit-learn, which is not installed",
                fix="pip install 'llmroute[calibrate]'",
            ) from error
        model = HistGradientBoostingRegressor(
            max_iter=self.trees,
            learning_rate=self.rate,
            max_depth=MAX_DEPTH,
            max_leaf_nodes=15,
            min_samples_leaf=LEAST_ROWS // 2,
            l2_regularization=5.0,
            early_stopping=False,
            random_state=seed,
        ).fit(inputs, gaps)
        return float(np.ravel(model._baseline_prediction)[0]), _copy_trees(model._predictors)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters, tasks and the trees."""
        params = {"embedding": self.embedding, "trees": self.trees, "rate": self.rate}
        values = {"params": params, "tasks": list(self.tasks_), "base": self.base_}
        return values, dict(self.forest_)

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        router = cls(**values["params"])
        router.tasks_ = tuple(values["tasks"])
        router.base_, router.forest_ = float(values["base"]), dict(arrays)
        return router


def _no_trees() -> dict[str, NDArray[Any]]:
    nothing = np.zeros(0, np.int32)
    return {
        "roots": nothing,
        "feature": nothing,
        "threshold": np.zeros(0),
        "left": nothing,
        "right": nothing,
        "value": np.zeros(0),
    }


def _copy_trees(predictors: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """All nodes in one table; a leaf is its own child on both sides."""
    nodes = [predictor[0].nodes for predictor in predictors]
    roots = np.cumsum([0, *(len(tree) for tree in nodes)])[:-1].astype(np.int32)
    table = np.concatenate(nodes)
    start = np.repeat(roots, [len(tree) for tree in nodes])
    leaf = table["is_leaf"].astype(bool)
    itself = np.arange(len(table))
    return {
        "roots": roots,
        "feature": np.where(leaf, 0, table["feature_idx"]).astype(np.int32),
        "threshold": np.where(leaf, 0.0, table["num_threshold"]),
        "left": np.where(leaf, itself, table["left"] + start).astype(np.int32),
        "right": np.where(leaf, itself, table["right"] + start).astype(np.int32),
        "value": table["value"].astype(np.float64),
    }


def _sum_leaves(forest: dict[str, NDArray[Any]], inputs: Floats) -> Floats:
    at = np.tile(forest["roots"], (len(inputs), 1))
    if at.shape[1] == 0:
        return np.zeros(len(inputs))
    rows = np.arange(len(inputs))[:, None]
    for _ in range(MAX_DEPTH):
        goes_left = inputs[rows, forest["feature"][at]] <= forest["threshold"][at]
        at = np.where(goes_left, forest["left"][at], forest["right"][at])
    total: Floats = forest["value"][at].sum(axis=1)
    return total

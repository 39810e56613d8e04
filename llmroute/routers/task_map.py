"""`task_map`: each task's mean gap, drawn towards the overall mean where a task has few rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.routers.scale import learnable_gaps, win_rates


@dataclass
class TaskMap:
    """The static map as a router: every query of a task fares alike.

    Shrinkage is empirical Bayes for a one-way layout (Robbins 1956; Efron and Morris 1975):
    a task of n rows keeps n / (n + k) of its own mean, k the variance within tasks over the
    variance between them. A task never seen gets the overall mean.
    """

    name: ClassVar[str] = "task_map"

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:  # noqa: ARG002
        """Learn the mean gap of each task."""
        gaps = learnable_gaps(pair)
        tasks = np.array([query.task or "" for query in pair.queries])
        self.overall_ = float(gaps.mean())
        self.gaps_ = shrunk_means(gaps, tasks)
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]; one value a task."""
        gaps = [self.gaps_.get(query.task or "", self.overall_) for query in queries]
        return win_rates(np.array(gaps, np.float64))

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The mean gaps."""
        return {"overall": self.overall_, "gaps": self.gaps_}, {}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:  # noqa: ARG003
        """The router that `state` was taken from."""
        router = cls()
        router.overall_ = float(values["overall"])
        router.gaps_ = {str(task): float(gap) for task, gap in values["gaps"].items()}
        return router


def shrunk_means(gaps: Floats, tasks: np.ndarray) -> dict[str, float]:
    """Task → its mean gap after shrinkage; variances by the method of moments."""
    overall = float(gaps.mean())
    rows = {str(task): gaps[tasks == task] for task in np.unique(tasks)}
    if len(rows) < 2:
        return dict.fromkeys(rows, overall)
    n_rows = np.array([len(some) for some in rows.values()], np.float64)
    means = np.array([some.mean() for some in rows.values()])
    freedom = max(1.0, float(n_rows.sum()) - len(rows))
    within = sum(float(((some - some.mean()) ** 2).sum()) for some in rows.values()) / freedom
    spread = float((n_rows * (means - overall) ** 2).sum()) - (len(rows) - 1) * within
    between = spread / float(n_rows.sum() - (n_rows**2).sum() / n_rows.sum())
    if between <= 0:
        return dict.fromkeys(rows, overall)
    kept = n_rows / (n_rows + within / between)
    shrunk = overall + kept * (means - overall)
    return dict(zip(rows, shrunk.tolist(), strict=True))

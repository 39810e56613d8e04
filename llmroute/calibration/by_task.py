"""Policy × threshold → what it gives each task by itself, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES, intervals
from llmroute.calibration.controls import LEAST_TASK_ROWS
from llmroute.calibration.pair import Floats, Ints
from llmroute.calibration.policy import Policy
from llmroute.records import Interval


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task under a threshold: expected values with two-sided intervals."""

    task: str
    n: int
    n_groups: int
    """Distinct prompts: near-duplicates count once."""
    strong_share: Interval
    weak_quality: Interval
    strong_quality: Interval
    quality: Interval
    """As routed."""
    quality_loss: Interval
    """Below always asking the strong model; negative where it is above."""
    pgr: Interval
    """Not a number where the strong model is no better on this task."""
    cost_usd_per_1k: Interval | None
    """As routed; None: a cost is not known. So for the models alone."""
    weak_usd_per_1k: float | None
    strong_usd_per_1k: float | None

    @property
    def is_small(self) -> bool:
        """Whether a bootstrap of so few prompts bounds nothing."""
        return self.n_groups < LEAST_TASK_ROWS


def figures_by_task(
    policy: Policy, threshold: float, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[TaskFigures, ...]:
    """Each task's figures at the threshold, by name; the bootstrap draws the task's own groups.

    Args:
        policy: its scores out-of-fold.
        threshold: from which score on the strong model is asked.
        resamples: of the bootstrap over groups.
        seed: of the bootstrap.
    """
    tasks = np.array([query.task or "" for query in policy.pair.queries])
    return tuple(
        _task_figures(str(task), policy, np.flatnonzero(tasks == task), threshold, resamples, seed)
        for task in np.unique(tasks)
    )


def _task_figures(
    task: str, policy: Policy, rows: Ints, threshold: float, resamples: int, seed: int
) -> TaskFigures:
    pair, alone = policy.pair.rows(rows), policy.strong_alone_usd[rows]
    strong = policy.scores[rows] >= threshold
    spent = np.where(strong, pair.strong_costs_usd, pair.weak_costs_usd)
    columns = np.column_stack(
        [
            strong,
            pair.weak_scores,
            pair.strong_scores,
            np.where(strong, pair.strong_scores, pair.weak_scores),
            1000 * spent,
        ]
    )
    share, weak, best, quality, cost, loss, pgr = intervals(
        lambda counts: _figures(counts, columns), pair.groups, resamples=resamples, seed=seed
    )
    return TaskFigures(
        task=task,
        n=len(pair),
        n_groups=int(np.unique(pair.groups).size),
        strong_share=share,
        weak_quality=weak,
        strong_quality=best,
        quality=quality,
        quality_loss=loss,
        pgr=pgr,
        cost_usd_per_1k=None if np.isnan(cost.value) else cost,
        weak_usd_per_1k=_mean_usd(pair.weak_costs_usd),
        strong_usd_per_1k=_mean_usd(alone),
    )


def _figures(counts: Floats, columns: Floats) -> Floats:
    """Means of the columns under each resample, then the loss and the PGR."""
    means = counts @ columns / counts.sum(axis=1, keepdims=True)
    weak, strong, quality = means[:, 1], means[:, 2], means[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        pgr = np.where(strong > weak, (quality - weak) / (strong - weak), np.nan)
    return np.column_stack([means, strong - quality, pgr])


def _mean_usd(costs_usd: Floats) -> float | None:
    mean = 1000 * float(costs_usd.mean())
    return None if np.isnan(mean) else mean

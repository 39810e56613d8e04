"""Outcomes × three or more candidates → what choosing among them per query is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from llmroute.calibrating import Wish
from llmroute.calibration.outcomes import read_candidates
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.several import (
    Candidates,
    LambdaCurve,
    SeveralPoint,
    SeveralSummary,
    SeveralTarget,
    lambda_curve,
    pick_lambda,
    summarise_several,
)
from llmroute.calibration.split import grouped_folds
from llmroute.calibration.threshold import check_target
from llmroute.deciding import Result
from llmroute.errors import ConfigError
from llmroute.records import Interval
from llmroute.routers.qualities import Qualities
from llmroute.routers.remember import remembering_texts

TARGETS = ("max_usd_per_1k", "max_quality_loss", "knee")


@dataclass(frozen=True, slots=True, eq=False)
class SeveralCalibration:
    """argmax(expected quality − λ·cost) over several candidates, out-of-fold."""

    candidates: Candidates
    curve: LambdaCurve
    summary: SeveralSummary
    point: SeveralPoint
    task_map_lift: Interval
    """What one choice a task, by its mean scores, gains over the hull: the control."""
    wish: Wish

    @property
    def beats_singles(self) -> bool:
        """Whether the curve surely lies above the hull of the single models."""
        return self.summary.lift.low > 0

    @property
    def beats_task_map(self) -> bool:
        """Whether its lower bound lies above what one choice a task gains."""
        return self.summary.lift.low > self.task_map_lift.value


def calibrate_several(result: Result, names: Sequence[str], wish: Wish) -> SeveralCalibration:
    """The choice among these candidates, at the λ that meets the target.

    Raises:
        UnknownName: a candidate or the task is not in the outcomes.
        InputError: scores or costs are missing, or no λ meets the target.
    """
    target = wish.target
    check_target(target, wish.asymmetry)
    if len(set(names)) < 2:
        raise ConfigError("a choice needs two candidates", where="--candidates", fix="Name more.")
    if target.kind not in TARGETS:
        raise ConfigError(
            f"several candidates have no --{target.kind.replace('_', '-')}: no one of them is"
            " the strong one",
            where="--candidates",
            fix="Use --max-usd-per-1k, --max-quality-loss or --knee.",
        )
    candidates = read_candidates(
        result.outcomes, list(dict.fromkeys(names)), prices=result.prices, task=wish.task
    )
    with remembering_texts():
        predicted = _out_of_fold(candidates, wish)
    curve = lambda_curve(candidates, predicted)
    point = pick_lambda(
        candidates,
        curve,
        cast("SeveralTarget", target.kind),
        target.value,
        confidence=target.confidence,
        seed=wish.seed,
    )
    summary = summarise_several(candidates, curve, seed=wish.seed)
    by_task = lambda_curve(candidates, _task_means(candidates))
    task_map = summarise_several(candidates, by_task, seed=wish.seed)
    return SeveralCalibration(candidates, curve, summary, point, task_map.lift, wish)


def _task_means(candidates: Candidates) -> Floats:
    """Each query's row is its task's mean scores, over the very rows they are judged on.

    That favours the control a little, as in `controls.task_map_scores`.
    """
    tasks = np.array([query.task or "" for query in candidates.queries])
    means = np.empty_like(candidates.scores)
    for task in np.unique(tasks):
        means[tasks == task] = candidates.scores[tasks == task].mean(axis=0)
    return means


def _out_of_fold(candidates: Candidates, wish: Wish) -> Floats:
    """Expected scores, shape (n, m), each by a predictor that never saw the row's group."""
    predicted = np.full(candidates.scores.shape, np.nan)
    for fold in grouped_folds(_as_pair(candidates), seed=wish.seed):
        train, test = ([candidates.queries[i] for i in rows] for rows in (fold.train, fold.test))
        qualities = Qualities(embedding=wish.embedding)
        qualities.fit(train, candidates.scores[fold.train], candidates.names, seed=wish.seed)
        predicted[fold.test] = qualities.expected_scores(test)
    return predicted


def _as_pair(candidates: Candidates) -> Pair:
    """The first two columns: folds hang on ids and groups alone."""
    return Pair(
        weak=candidates.names[0],
        strong=candidates.names[1],
        ids=candidates.ids,
        queries=candidates.queries,
        weak_scores=candidates.scores[:, 0],
        strong_scores=candidates.scores[:, 1],
        weak_costs_usd=candidates.costs_usd[:, 0],
        strong_costs_usd=candidates.costs_usd[:, 1],
        groups=candidates.groups,
    )

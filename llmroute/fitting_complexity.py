"""Outcomes → the boundary of LiteLLM's complexity score that parts cheap from needed strong.

The score is LiteLLM's and learns nothing; only its boundary is fitted. What that is worth is
measured with the boundary picked on other prompts than it is applied to.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from llmroute.calibrating import Wish, choose_pair
from llmroute.calibration.bootstrap import Figures, intervals
from llmroute.calibration.controls import is_worth_shipping
from llmroute.calibration.outcomes import read_pair
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.split import grouped_folds
from llmroute.calibration.threshold import Target, check_target, pick_threshold
from llmroute.deciding import Result
from llmroute.exporters.complexity_score import HIGHEST, LOWEST, Scorer, installed_scorer
from llmroute.exporters.litellm_complexity import ComplexityFit


def fit_complexity(result: Result, wish: Wish) -> ComplexityFit:
    """The fitted boundary between two candidates, and its worth on prompts it was not picked on.

    Args:
        result: decided outcomes.
        wish: the pair, the task and the target; the router and the embedding are not asked.

    Raises:
        UnknownName: a candidate or task nobody knows.
        InputError: the outcomes can't carry a boundary, or LiteLLM's scorer is not at hand.
    """
    check_target(wish.target)
    weak, strong = choose_pair(result.comparison, result.routing_map, wish)
    pair = read_pair(result.outcomes, weak, strong, prices=result.prices, task=wish.task)
    scorer = installed_scorer()
    scores = shares_of_range(np.array([scorer.score(query.text) for query in pair.queries]))
    fit = _measured(scores, pair, wish, scorer)
    if len({query.task for query in pair.queries}) < 2:
        return fit
    return replace(fit, over_task_map=is_worth_shipping(scores, pair, seed=wish.seed).over_task_map)


def shares_of_range(scores: Floats) -> Floats:
    """LiteLLM's scores in [0, 1], in their order.

    >>> shares_of_range(np.array([-1.0, 0.5, 2.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return (scores - LOWEST) / (HIGHEST - LOWEST)


def _measured(scores: Floats, pair: Pair, wish: Wish, scorer: Scorer) -> ComplexityFit:
    boundary = _boundary(scores, pair, wish.target)
    figures = _figures(pair, _cross_fitted(scores, pair, wish))
    quality, random, gained, share = intervals(figures, pair.groups, seed=wish.seed)
    return ComplexityFit(
        weak=pair.weak,
        strong=pair.strong,
        boundary=boundary,
        scorer=scorer,
        n_prompts=len(pair),
        strong_share=share,
        quality=quality,
        random_quality=random,
        gained=gained,
        weak_quality=float(pair.weak_scores.mean()),
        strong_quality=float(pair.strong_scores.mean()),
    )


def _boundary(scores: Floats, pair: Pair, target: Target) -> float:
    """The threshold that meets the target, in LiteLLM's units."""
    threshold = pick_threshold(scores, pair, target, resamples=1).threshold
    return round(LOWEST + (HIGHEST - LOWEST) * threshold, 6)


def _cross_fitted(scores: Floats, pair: Pair, wish: Wish) -> Floats:
    """Row by row 1.0 where strong answers, by a boundary picked on the other folds."""
    strong = np.zeros(len(pair))
    for fold in grouped_folds(pair, seed=wish.seed):
        boundary = _boundary(scores[fold.train], pair.rows(fold.train), wish.target)
        strong[fold.test] = scores[fold.test] >= shares_of_range(np.array([boundary]))
    return strong


def _figures(pair: Pair, strong: Floats) -> Figures:
    """Quality routed, quality at random with the same share, their difference, share of strong."""
    routed = pair.weak_scores + strong * pair.gaps
    rows = np.stack([routed, pair.weak_scores, pair.gaps, strong], axis=1)

    def figures(counts: Floats) -> Floats:
        means = counts @ rows / counts.sum(axis=1, keepdims=True)
        quality, weak, gap, share = means.T
        random = weak + share * gap
        return np.stack([quality, random, quality - random, share], axis=1)

    return figures

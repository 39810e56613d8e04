"""Pair with weak answers → the scores of a cascade, and what a cascade pays.

The weak call is paid in any case, the strong one on top: `both_paid` makes that the pair's costs,
so that curves, intervals and thresholds are taken as for a router.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.controls import shuffle_outcomes
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.split import FOLDS, Fold, checked_scores, grouped_folds

if TYPE_CHECKING:
    from llmroute.cascades import Escalator
    from llmroute.records import Sample


def out_of_fold_escalation(
    factory: Callable[[], Escalator],
    pair: Pair,
    folds: int | Sequence[Fold] = FOLDS,
    seed: int = 0,
    *,
    samples: Sequence[Sample] | None = None,
) -> Floats:
    """Escalation scores in row order, shape (n,), each by a scorer that never saw the row's group.

    Raises:
        InputError: no answers are kept, there are fewer groups than folds, or a score is missing.
    """
    splits = grouped_folds(pair, folds, seed) if isinstance(folds, int) else folds
    scores = np.full(len(pair), np.nan)
    for fold in splits:
        train, test = fold.train.tolist(), fold.test.tolist()
        scorer = factory().fit(pair.rows(train), samples=_rows(samples, train), seed=seed)
        answers = [pair.weak_answers[i] for i in test]
        queries = [pair.queries[i] for i in test]
        scores[test] = scorer.escalation_score(queries, answers, samples=_rows(samples, test))
    return checked_scores(scores, pair)


def shuffle_scores(pair: Pair, seed: int) -> Pair:
    """The same queries and answers with the outcomes of others: the control of a cascade.

    `shuffle_outcomes` is none: it moves answers along with their scores, and what an answer says of
    its own score stays true.
    """
    return replace(shuffle_outcomes(pair, seed), weak_answers=pair.weak_answers)


def both_paid(pair: Pair) -> Pair:
    """The pair as a cascade pays for it: a strong call costs the weak one before it too.

    Hand `pair.strong_costs_usd` to `Sweep`, `summarise_router` and `pick_threshold` as
    `strong_alone_usd`: savings are against the strong model alone.
    """
    return replace(pair, strong_costs_usd=pair.weak_costs_usd + pair.strong_costs_usd)


def _rows(samples: Sequence[Sample] | None, rows: Sequence[int]) -> list[Sample] | None:
    return None if samples is None else [samples[row] for row in rows]

"""Pair with weak answers → the scores of a cascade, each by a scorer that had not seen the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.controls import shuffle_outcomes
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.split import FOLDS, Fold, checked_scores, grouped_folds
from llmroute.errors import InputError

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


def with_answers(pair: Pair) -> Pair:
    """The rows whose weak answer is kept.

    Raises:
        InputError: there is none.
    """
    kept = [row for row, answer in enumerate(pair.weak_answers) if answer is not None]
    if not kept:
        raise no_answers(pair.weak)
    return pair.rows(kept) if len(kept) < len(pair) else pair


def no_answers(weak: str) -> InputError:
    """What is said where a cascade has nothing to look at."""
    return InputError(
        f"no answer of {weak!r} is kept: a cascade decides by the answer",
        fix=f'Add "answer": "..." to {weak!r} in each line of the outcomes file, or calibrate on a'
        " run of `llmroute bench`, which keeps them.",
    )


def _rows(samples: Sequence[Sample] | None, rows: Sequence[int]) -> list[Sample] | None:
    return None if samples is None else [samples[row] for row in rows]

"""Pair → folds that keep near-duplicates together, and scores nobody was trained on."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.pair import Floats, Ints, Pair
from llmroute.digest import digest
from llmroute.errors import InputError

if TYPE_CHECKING:
    from llmroute.routers import Router

FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Row numbers of one split: what is learned from, and what is then scored."""

    train: Ints
    test: Ints


def grouped_folds(pair: Pair, folds: int = FOLDS, seed: int = 0) -> tuple[Fold, ...]:
    """Folds of nearly equal size; rows of a group stand together.

    Depends on the ids, the groups and the seed, never on the order of the rows.

    Raises:
        InputError: there are fewer groups than folds.
    """
    return split_groups(pair.ids, pair.groups, folds, seed)


def split_groups(
    ids: Sequence[str], groups: Ints, folds: int = FOLDS, seed: int = 0
) -> tuple[Fold, ...]:
    """`grouped_folds` of rows that are known by their ids and groups alone."""
    keys: dict[int, str] = {}
    sizes: dict[int, int] = {}
    for group, row_id in zip(groups.tolist(), ids, strict=True):
        keys[group] = min(keys.get(group, row_id), row_id)
        sizes[group] = sizes.get(group, 0) + 1
    if len(keys) < folds:
        raise InputError(
            f"{len(keys)} distinct prompts cannot be split into {folds} folds",
            fix="Near-duplicates count once: add prompts that differ, or use fewer folds.",
        )
    shuffled = sorted(keys, key=lambda group: digest([seed, keys[group]]))
    assigned = _balanced(sorted(shuffled, key=lambda group: -sizes[group]), sizes, folds)
    fold_of = np.array([assigned[group] for group in groups.tolist()])
    return tuple(
        Fold(np.flatnonzero(fold_of != k), np.flatnonzero(fold_of == k)) for k in range(folds)
    )


def _balanced(groups: Sequence[int], sizes: dict[int, int], folds: int) -> dict[int, int]:
    """Each group to the fold that is smallest when its turn comes."""
    heap = [(0, fold) for fold in range(folds)]
    assigned = {}
    for group in groups:
        size, fold = heapq.heappop(heap)
        assigned[group] = fold
        heapq.heappush(heap, (size + sizes[group], fold))
    return assigned


def nested_folds(
    pair: Pair, folds: int = FOLDS, inner: int = FOLDS, seed: int = 0
) -> tuple[tuple[Fold, tuple[Fold, ...]], ...]:
    """Each outer fold, and the folds inside its training rows; all in the pair's row numbers.

    What is chosen on the inner folds (a router, its strength of regularisation) is judged on the
    outer test rows, which took no part in the choice.
    """
    nested = []
    for outer in grouped_folds(pair, folds, seed):
        within = grouped_folds(pair.rows(outer.train), inner, seed)
        mapped = tuple(Fold(outer.train[fold.train], outer.train[fold.test]) for fold in within)
        nested.append((outer, mapped))
    return tuple(nested)


def out_of_fold(
    router_factory: Callable[[], Router],
    pair: Pair,
    folds: int | Sequence[Fold] = FOLDS,
    seed: int = 0,
) -> Floats:
    """Scores in row order, shape (n,), each from a router that never saw the row's group.

    Args:
        router_factory: makes an unfitted router; called once a fold.
        pair: the scored queries.
        folds: how many, or the splits themselves; together they must test every row.
        seed: of the folds and of each fit.

    Raises:
        InputError: there are fewer groups than folds, or a router's score is not a number.
    """
    splits = grouped_folds(pair, folds, seed) if isinstance(folds, int) else folds
    scores = np.full(len(pair), np.nan)
    for fold in splits:
        router = router_factory().fit(pair.rows(fold.train), seed=seed)
        scores[fold.test] = router.strong_win_rate([pair.queries[i] for i in fold.test])
    return checked_scores(scores, pair)


def checked_scores(scores: Floats, pair: Pair) -> Floats:
    """The scores, one a row and none missing.

    Raises:
        InputError: the number of scores is wrong, or one is not a number.
    """
    values: Floats = np.asarray(scores, dtype=np.float64)
    if values.shape != (len(pair),):
        raise InputError(
            f"a router gave scores of shape {values.shape} for {len(pair)} queries",
            fix="`strong_win_rate` must return one number for each query.",
        )
    if bool(np.isnan(values).any()):
        row = pair.ids[int(np.flatnonzero(np.isnan(values))[0])]
        raise InputError(
            f"{int(np.isnan(values).sum())} of the router's scores are not a number",
            where=f"query {row!r}",
            fix="A router must answer in [0, 1]; report it to whoever wrote the router.",
        )
    return values

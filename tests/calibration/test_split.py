from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pytest

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.calibration.split import grouped_folds, nested_folds, out_of_fold
from llmroute.errors import InputError


class Remembers:
    """Scores 1 what it was fitted on and 0 what it has not seen."""

    name: ClassVar[str] = "remembers"

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        self.seen_ = {query.text for query in pair.queries}
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        return np.array([float(query.text in self.seen_) for query in queries])

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        return cls()


class Broken(Remembers):
    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        return np.full(len(queries), np.nan)


@pytest.fixture
def pair(make_pair) -> Pair:
    groups = [i // 3 for i in range(60)]
    return make_pair([0, 1] * 30, [1, 1] * 30, groups=groups, texts=[f"g{g}" for g in groups])


def test_every_row_is_tested_once_and_groups_stay_together(pair):
    folds = grouped_folds(pair)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(60))
    for fold in folds:
        assert not set(pair.groups[fold.train]) & set(pair.groups[fold.test])
        assert fold.test.size == 12


def test_folds_depend_on_the_ids_and_not_on_the_order_of_the_rows(pair):
    order = np.random.default_rng(0).permutation(60)
    moved = pair.rows(order)
    for one, other in zip(grouped_folds(pair), grouped_folds(moved), strict=True):
        assert {pair.ids[i] for i in one.test} == {moved.ids[i] for i in other.test}


def test_another_seed_gives_other_folds(pair):
    tests = [tuple(grouped_folds(pair, seed=seed)[0].test) for seed in range(5)]
    assert len(set(tests)) > 1
    assert tuple(grouped_folds(pair, seed=3)[0].test) == tests[3]


def test_no_row_is_scored_by_a_router_that_saw_its_group(pair):
    assert out_of_fold(Remembers, pair).tolist() == [0.0] * 60


def test_folds_can_be_given(pair):
    folds = grouped_folds(pair, 3, seed=5)
    assert out_of_fold(Remembers, pair, folds).tolist() == [0.0] * 60


def test_folds_that_leave_a_row_out_are_refused(pair):
    with pytest.raises(InputError, match="not a number"):
        out_of_fold(Remembers, pair, grouped_folds(pair)[:4])


def test_a_router_that_answers_with_nothing_is_refused(pair):
    with pytest.raises(InputError, match="not a number"):
        out_of_fold(Broken, pair)


def test_inner_folds_never_touch_the_outer_test_rows(pair):
    for outer, inner in nested_folds(pair, 4, 3):
        tested = np.concatenate([fold.test for fold in inner])
        assert sorted(tested) == sorted(outer.train)
        for fold in inner:
            used = set(fold.train) | set(fold.test)
            assert not used & set(outer.test)
            assert not set(pair.groups[fold.train]) & set(pair.groups[fold.test])


def test_fewer_prompts_than_folds_is_an_error(make_pair):
    with pytest.raises(InputError, match="2 distinct prompts cannot be split into 5 folds"):
        grouped_folds(make_pair([0, 1, 0], [1, 1, 1], groups=[0, 0, 1]))

from __future__ import annotations

import numpy as np
import pytest

from llmroute.cascades.trees import Trees
from llmroute.errors import InputError


@pytest.fixture(scope="module")
def grown() -> tuple[Trees, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    rows = rng.random((400, 6))
    targets = ((rows[:, 0] > 0.5) & (rows[:, 1] > 0.5)).astype(float)
    return Trees.learn(rows, targets, n_trees=40, seed=1), rows, targets


def test_trees_find_two_columns_that_matter_only_together(grown) -> None:
    trees, _, _ = grown
    corners = np.full((4, 6), 0.5)
    corners[:, :2] = [[0.1, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.9]]
    low = trees.predict(corners)
    assert low[3] > 0.8
    assert low[:3].max() < 0.3


def test_predictions_stay_between_the_least_and_the_greatest_target(grown) -> None:
    trees, _, _ = grown
    far = np.array([[-1e9] * 6, [1e9] * 6])
    assert ((trees.predict(far) >= 0) & (trees.predict(far) <= 1)).all()


def test_the_same_seed_grows_the_same_trees(grown) -> None:
    trees, rows, targets = grown
    again = Trees.learn(rows, targets, n_trees=40, seed=1)
    assert (again.cuts == trees.cuts).all()
    other = Trees.learn(rows, targets, n_trees=40, seed=2)
    assert not np.array_equal(other.predict(rows), trees.predict(rows))


def test_columns_that_never_vary_and_targets_that_never_vary_are_leaves() -> None:
    flat = Trees.learn(np.ones((50, 2)), np.arange(50.0), n_trees=3)
    assert flat.predict(np.zeros((1, 2))).tolist() == [24.5]
    same = Trees.learn(np.random.default_rng(0).random((50, 2)), np.full(50, 0.25), n_trees=3)
    assert len(same.columns) == 3


def test_no_rows_get_no_predictions(grown) -> None:
    assert grown[0].predict(np.zeros((0, 6))).shape == (0,)


def test_trees_survive_their_arrays(grown) -> None:
    trees, rows, _ = grown
    back = Trees.from_arrays(trees.arrays(), 6)
    assert (back.predict(rows) == trees.predict(rows)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("tree_roots", 10**6), ("tree_children", 0), ("tree_children", 10**6), ("tree_columns", 6)],
)
def test_edited_arrays_are_refused(grown, name: str, value: int) -> None:
    arrays = grown[0].arrays()
    edited = arrays[name].copy()
    edited[0] = value
    with pytest.raises(InputError, match="do not hold together"):
        Trees.from_arrays(arrays | {name: edited}, 6)

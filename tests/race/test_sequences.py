from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.race import sequences
from llmroute.race.sequences import TotalTest, count_boundary


def share_of_orders_dropped(n: int, right: int, looks: tuple[int, ...], drop_at: tuple[int, ...]):
    """By going through every order of the suite."""
    dropped = total = 0
    for places in combinations(range(n), right):
        total += 1
        dropped += any(
            sum(place < t for place in places) <= bound
            for t, bound in zip(looks, drop_at, strict=True)
        )
    return dropped / total


@pytest.mark.parametrize("needed", [3, 7, 9, 12])
@pytest.mark.parametrize("looks", [(5, 10, 12), tuple(range(1, 13))])
def test_the_stated_risk_is_the_share_of_orders_in_which_a_candidate_is_dropped(needed, looks):
    boundary = count_boundary(12, needed, looks, 0.2)

    share = share_of_orders_dropped(12, needed, looks, boundary.drop_at)

    assert share == pytest.approx(boundary.risk, abs=1e-12)
    assert boundary.risk <= 0.2


def test_a_candidate_with_more_right_than_needed_is_dropped_no_more_often():
    looks = (3, 6, 9, 12)
    boundary = count_boundary(12, 8, looks, 0.3)

    shares = [share_of_orders_dropped(12, k, looks, boundary.drop_at) for k in range(8, 13)]

    assert all(more <= fewer for fewer, more in pairwise(shares))


@given(n=st.integers(1, 80), data=st.data())
@settings(max_examples=60, deadline=None)
def test_after_the_last_sample_the_count_alone_decides(n, data):
    needed = data.draw(st.integers(-1, n + 1))
    looks = (*range(5, n, 5), n)

    boundary = count_boundary(n, needed, looks, 0.05)

    assert boundary.drop_at[-1] == max(-1, min(needed - 1, n))
    assert boundary.risk <= 0.05


def test_counting_paths_drops_sooner_than_villes_inequality(monkeypatch):
    looks = (*range(5, 100, 5), 100)
    counted = count_boundary(100, 90, looks, 0.05)
    monkeypatch.setattr(sequences, "MOST_COUNTED", 0)

    by_ville = count_boundary.__wrapped__(100, 90, looks, 0.05)

    assert all(a >= b for a, b in zip(counted.drop_at, by_ville.drop_at, strict=True))
    assert sum(counted.drop_at) > sum(by_ville.drop_at)


@pytest.mark.parametrize("shape", ["right or wrong", "uniform", "nearly alike"])
def test_a_total_at_the_bar_is_found_below_it_in_no_more_than_the_risk(shape):
    rng = np.random.default_rng(3)
    n, draws, risk = 40, 1500, 0.1
    population = {
        "right or wrong": np.repeat([1.0, 0.0], [30, 10]),
        "uniform": np.linspace(0, 1, n),
        "nearly alike": 0.7 + 0.01 * np.sin(np.arange(n)),
    }[shape]

    dropped = 0
    for _ in range(draws):
        test = TotalTest(n, float(population.sum()), risk)
        for value in rng.permutation(population):
            test.add(float(value))
        dropped += test.surely_below

    assert dropped <= draws * risk + 3 * (draws * risk * (1 - risk)) ** 0.5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1))
@settings(deadline=None)
def test_a_total_below_the_bar_is_known_to_be_after_the_last_value(values, share):
    test = TotalTest(len(values), share * len(values), risk=1e-12)
    for value in values:
        test.add(value)

    if sum(values) < share * len(values) - 1e-6:
        assert test.surely_below


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(deadline=None)
def test_what_reaches_the_bar_exactly_is_not_certainly_below(values):
    test = TotalTest(len(values), sum(values), risk=1e-300)
    for value in values:
        test.add(value)

    assert not test.surely_below

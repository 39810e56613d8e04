"""What attacks win is the mean of paired differences, with bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.judges.inflation import Attempt, grouped, inflation_of

scores = st.floats(0, 1)


def test_the_gain_is_attacked_minus_plain_each_answer_counting_once() -> None:
    attempts = [
        Attempt("a", "k", "one", 0.0, 1.0),
        Attempt("b", "k", "one", 0.0, 0.5),  # answer one gains 0.75 on average
        Attempt("a", "k", "two", 0.5, 0.25),  # answer two loses 0.25
    ]
    found = inflation_of("overall", attempts)
    assert found.gain.value == pytest.approx((0.75 - 0.25) / 2)
    assert (found.n_answers, found.n_attempts, found.n_won) == (2, 3, 2)
    assert found.plain == pytest.approx(0.5 / 3)
    assert found.attacked == pytest.approx(1.75 / 3)


def test_where_nothing_is_won_the_bounds_still_say_how_little_is_known() -> None:
    def high(n: int) -> float:
        return inflation_of("x", [Attempt("a", "k", i, 0.0, 0.0) for i in range(n)]).gain.high

    assert 1 > high(5) > high(25) > high(200) > 0


def test_the_bounds_cover_the_true_gain() -> None:
    rng = np.random.default_rng(7)
    true_gain, covered = 0.3, 0
    for _ in range(200):
        won = rng.random(25) < true_gain
        attempts = [Attempt("a", "k", i, 0.0, float(x)) for i, x in enumerate(won)]
        gain = inflation_of("x", attempts).gain
        covered += gain.low <= true_gain <= gain.high
    assert covered >= 190


@given(st.lists(st.tuples(st.integers(0, 5), scores, scores), min_size=1, max_size=20))
def test_the_order_of_attempts_never_matters(rows: list[tuple[int, float, float]]) -> None:
    attempts = [Attempt("a", "k", answer, plain, attacked) for answer, plain, attacked in rows]
    one, other = inflation_of("x", attempts), inflation_of("x", attempts[::-1])
    assert one.gain.value == pytest.approx(other.gain.value)
    assert one.gain.low == pytest.approx(other.gain.low, abs=1e-6)
    assert -1 <= one.gain.low <= one.gain.value <= one.gain.high <= 1


def test_groups_come_worst_first() -> None:
    attempts = [
        Attempt("mild", "k", 1, 0.0, 0.1),
        Attempt("bad", "k", 1, 0.0, 0.9),
        Attempt("none", "k", 1, 0.0, 0.0),
    ]
    assert [one.name for one in grouped(attempts, lambda a: a.attack)] == ["bad", "mild", "none"]

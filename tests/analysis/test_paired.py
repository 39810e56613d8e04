from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmroute.analysis.paired import holm, interval_drop_p, sign_flip_p
from llmroute.records import Interval


@pytest.mark.parametrize(("rises", "falls"), [(0, 5), (3, 9), (20, 21), (50, 80), (7, 0)])
def test_right_or_wrong_scores_give_mcnemars_mid_p_test(rises: int, falls: int) -> None:
    differences = [1.0] * rises + [-1.0] * falls + [0.0] * 40
    exact = stats.binomtest(falls, rises + falls, 0.5, alternative="greater").pvalue
    expected = exact - stats.binom.pmf(falls, rises + falls, 0.5) / 2
    assert sign_flip_p(differences) == pytest.approx(expected, abs=1e-12)


def test_graded_scores_agree_with_scipys_permutation_test() -> None:
    rng = np.random.default_rng(3)
    differences = rng.normal(-0.03, 0.2, 60)
    oracle = stats.permutation_test(
        (differences,),
        np.sum,
        permutation_type="samples",
        alternative="less",
        n_resamples=50_000,
        rng=np.random.default_rng(4),
    )
    assert sign_flip_p(differences) == pytest.approx(oracle.pvalue, abs=0.015)


def test_few_graded_differences_agree_with_counting_out_all_signs() -> None:
    differences = [-0.5, -0.25, -0.8, 0.1, -0.3]
    signs = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1)
    sums = np.abs(differences) @ signs
    exact = float((sums <= sum(differences) + 1e-12).mean())
    assert exact == 2 / 32
    assert sign_flip_p(differences) == pytest.approx(exact, abs=0.01)


@given(st.lists(st.floats(-1, 1), max_size=30), st.randoms(use_true_random=False))
def test_order_never_matters_and_the_p_value_is_one(values: list[float], rng: object) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert 0 < sign_flip_p(values) <= 1
    assert sign_flip_p(values) == sign_flip_p(shuffled)


def test_under_no_change_a_rejection_at_five_percent_is_no_more_frequent() -> None:
    rng = np.random.default_rng(5)
    graded = rng.beta(2, 1, (400, 2, 40))
    rejected = sum(sign_flip_p(new - old) <= 0.05 for old, new in graded)
    assert rejected / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_equal_intervals_are_no_fall_and_disjoint_ones_are() -> None:
    same = Interval(0.9, 0.85, 0.94)
    assert interval_drop_p(same, same, 0.95, 0.95) == 0.5
    low = Interval(0.7, 0.6, 0.79)
    assert interval_drop_p(same, low, 0.95, 0.95) < 0.001
    assert interval_drop_p(low, same, 0.95, 0.95) > 0.99


def test_the_interval_fall_is_newcombes() -> None:
    """Newcombe (1998), table II, case a: 56/70 against 48/80, 95 % interval 0.0524 to 0.3339.

    His bounds come from Wilson intervals; where ours say p = 0.025, his lower bound is 0.
    """
    first, second = stats.binomtest(56, 70), stats.binomtest(48, 80)
    a = first.proportion_ci(0.95, method="wilson")
    b = second.proportion_ci(0.95, method="wilson")
    shift = 0.0524
    before = Interval(0.8 - shift, a.low - shift, a.high - shift)
    after = Interval(0.6, b.low, b.high)
    assert interval_drop_p(before, after, 0.975, 0.975) == pytest.approx(0.025, abs=2e-4)


def test_a_perfect_score_twice_is_no_fall() -> None:
    perfect = Interval(1.0, 1.0, 1.0)
    assert interval_drop_p(perfect, perfect, 0.95, 0.95) == 1.0
    assert interval_drop_p(perfect, Interval(0.5, 0.5, 0.5), 0.95, 0.95) == 0.0


def test_holm_is_rs_p_adjust() -> None:
    """R: p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm")."""
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx((0.04, 0.06, 0.06, 0.06))
    assert holm([]) == ()
    assert holm([0.9, 0.8]) == (1.0, 1.0)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.calibration.curve import (
    Sweep,
    concave_majorants,
    hull_values,
    threshold_curve,
    upper_hull,
)
from llmroute.calibration.pair import Pair, Query
from llmroute.calibration.summary import apgr
from llmroute.errors import InputError

SCORES = np.array([0.2, 0.9, 0.4, 0.7])
"""Sorted: 0.9, 0.7, 0.4, 0.2 with gaps 1, 0, 1, −1."""
WEAK, STRONG = [1, 0, 0, 1], [0, 1, 1, 1]


def pair_of(weak, strong) -> Pair:
    n = len(weak)
    return Pair(
        "small",
        "large",
        tuple(f"q{i}" for i in range(n)),
        tuple(Query(f"q{i}") for i in range(n)),
        np.array(weak, dtype=float),
        np.array(strong, dtype=float),
        np.full(n, 1.0),
        np.full(n, 3.0),
        np.arange(n),
    )


def test_curve_sends_the_highest_scores_first():
    curve = threshold_curve(SCORES, pair_of(WEAK, STRONG))
    assert curve.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.quality.tolist() == [0.5, 0.75, 0.75, 1.0, 0.75]
    assert curve.pgr.tolist() == [0, 1, 1, 2, 1]
    assert curve.cost_usd is not None
    assert curve.cost_usd.tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]


def test_thresholds_stand_between_the_scores_and_zero_sends_all_to_strong():
    curve = threshold_curve(SCORES, pair_of(WEAK, STRONG))
    assert curve.thresholds.tolist() == pytest.approx([1.000001, 0.8, 0.55, 0.3, 0.0])
    for threshold, share in zip(curve.thresholds, curve.threshold_shares, strict=True):
        assert np.mean([score >= threshold for score in SCORES]) == share


def test_equal_scores_are_one_block_that_is_sent_in_random_order():
    curve = threshold_curve(np.array([0.9, 0.5, 0.5, 0.5]), pair_of([0, 0, 1, 0], [0, 1, 1, 1]))
    assert curve.quality.tolist() == pytest.approx([0.25, 0.25, 5 / 12, 7 / 12, 0.75])
    assert curve.threshold_shares.tolist() == [0, 0.25, 1]


def test_hull_of_the_curve_never_falls():
    curve = threshold_curve(SCORES, pair_of(WEAK, STRONG))
    assert curve.quality_hull.tolist() == [0.5, 0.75, 0.875, 1.0, 1.0]


def test_an_unknown_cost_leaves_no_cost_at_all():
    pair = pair_of(WEAK, STRONG)
    pair.weak_costs_usd[2] = np.nan
    assert threshold_curve(SCORES, pair).cost_usd is None


def test_regret_counts_only_what_is_lost():
    points = Sweep.of(SCORES, pair_of(WEAK, STRONG)).whole()
    assert points.regret[0].tolist() == [0.5, 0.25, 0.25, 0.0, 0.0]


def test_a_cascade_is_compared_with_the_strong_model_alone():
    pair = pair_of(WEAK, STRONG)
    cascade = Sweep.of(SCORES, pair, strong_alone_usd=np.full(4, 2.0)).whole()
    assert cascade.strong_cost_usd is not None
    assert cascade.strong_cost_usd.tolist() == [2.0]


def test_a_missing_score_is_refused():
    with pytest.raises(InputError, match="not a number"):
        threshold_curve(np.array([0.1, np.nan, 0.2, 0.3]), pair_of(WEAK, STRONG))


def test_scores_of_another_length_are_refused():
    with pytest.raises(InputError, match="for 4 queries"):
        threshold_curve(np.array([0.1, 0.2]), pair_of(WEAK, STRONG))


def test_resampling_a_row_twice_is_having_it_twice():
    counts = np.array([[2.0, 1.0, 0.0, 1.0]])
    twice = Sweep.of(SCORES[[0, 0, 1, 3]], pair_of([1, 1, 0, 1], [0, 0, 1, 1])).whole()
    once = Sweep.of(SCORES, pair_of(WEAK, STRONG)).under(counts)
    assert apgr(once) == pytest.approx(apgr(twice), nan_ok=True)
    assert once.quality[0, -1] == twice.quality[0, -1] == 0.5


def test_a_coarse_sweep_passes_through_points_of_the_fine_one():
    rng = np.random.default_rng(0)
    pair = pair_of(rng.integers(0, 2, 200), rng.integers(0, 2, 200))
    fine = Sweep.of(rng.random(200), pair)
    coarse = fine.coarse(21)
    assert coarse.thresholds.size == 21
    at = np.isin(fine.thresholds, coarse.thresholds)
    assert coarse.whole().quality[0] == pytest.approx(fine.whole().quality[0, at])


def test_hull_leaves_out_what_a_mix_of_others_beats():
    x = np.array([0.0, 1.0, 1.0, 2.0, 3.0])
    y = np.array([0.0, 0.2, 0.9, 1.0, 0.5])
    assert upper_hull(x, y).tolist() == [0, 2, 3]
    assert hull_values(x, y).tolist() == [0.0, 0.9, 0.9, 1.0, 1.0]


@given(st.lists(st.lists(st.floats(0, 1), min_size=12, max_size=12), min_size=8, max_size=12))
@settings(max_examples=30, deadline=None)
def test_hulls_of_many_curves_are_those_of_each(rows):
    y = np.array(rows)
    x = np.broadcast_to(np.linspace(0, 1, 12), y.shape)
    each = np.stack([hull_values(a, b) for a, b in zip(x, y, strict=True)])
    assert np.allclose(concave_majorants(x, y), each, atol=1e-9)


Rows = st.lists(
    st.tuples(st.sampled_from([0, 0.25, 0.5, 1]), st.integers(0, 1), st.integers(0, 1)),
    min_size=2,
    max_size=30,
)


@given(Rows, st.randoms())
@settings(max_examples=60, deadline=None)
def test_order_of_the_rows_never_matters(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, other = (
        threshold_curve(
            np.array([r[0] for r in some]), pair_of([r[1] for r in some], [r[2] for r in some])
        )
        for some in (rows, shuffled)
    )
    assert np.allclose(one.quality, other.quality)
    assert one.thresholds.tolist() == other.thresholds.tolist()


@given(Rows)
@settings(max_examples=60, deadline=None)
def test_the_curve_starts_at_weak_and_ends_at_strong(rows):
    pair = pair_of([r[1] for r in rows], [r[2] for r in rows])
    curve = threshold_curve(np.array([r[0] for r in rows]), pair)
    assert curve.quality[0] == pytest.approx(pair.weak_scores.mean())
    assert curve.quality[-1] == pytest.approx(pair.strong_scores.mean())
    if pair.gaps.sum() > 0:
        assert curve.pgr[[0, -1]].tolist() == pytest.approx([0, 1])


@given(Rows)
@settings(max_examples=60, deadline=None)
def test_no_router_beats_the_oracle_at_any_share(rows):
    pair = pair_of([r[1] for r in rows], [r[2] for r in rows])
    router = threshold_curve(np.array([r[0] for r in rows]), pair)
    oracle = threshold_curve(pair.gaps, pair)
    assert (router.quality <= oracle.quality + 1e-12).all()


@given(Rows)
@settings(max_examples=60, deadline=None)
def test_the_short_way_to_apgr_gives_the_area(rows):
    pair = pair_of([r[1] for r in rows], [r[2] for r in rows])
    sweep = Sweep.of(np.array([r[0] for r in rows]), pair)
    counts = np.random.default_rng(len(rows)).integers(0, 3, (5, len(rows))) + 0.0
    counts[:, 0] += 1
    short, long = sweep.apgr_under(counts), apgr(sweep.under(counts))
    # Where the gaps cancel, rounding alone says whether a resample has a gap at all.
    surely = (counts @ pair.gaps) > 0.5
    assert short[surely] == pytest.approx(long[surely])

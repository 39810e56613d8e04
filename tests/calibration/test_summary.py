from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from llmroute.calibration.curve import Sweep
from llmroute.calibration.summary import (
    aiq,
    apgr,
    areas_between,
    cost_ratio,
    cpt,
    dollar_lift,
    knee_point,
    quality_gap,
    summarise_router,
)


def points_of(scores, pair, **options):
    return Sweep.of(np.array(scores, dtype=float), pair, **options).whole()


def test_apgr_and_cpt_of_a_curve_worked_by_hand(make_pair):
    """PGR 0, 1, 1, 2, 1: the area is (½ + 1 + 1½ + 1½)/4."""
    points = points_of([0.9, 0.7, 0.4, 0.2], make_pair([0, 1, 0, 1], [1, 1, 1, 0]))
    assert apgr(points).tolist() == [1.125]
    assert cpt(points, 0.5).tolist() == [0.125]
    assert cpt(points, 0.8).tolist() == [0.2]


def test_cpt_on_the_hull_may_mix_two_thresholds(make_pair):
    points = points_of([0.9, 0.1], make_pair([0.5, 0.0], [0.5, 1.0]))
    assert cpt(points, 0.5).tolist() == [0.75]
    assert cpt(points, 0.5, on_hull=True).tolist() == [0.5]


def test_cpt_is_the_first_crossing_of_a_curve_that_falls_again(make_pair):
    """PGR 0, 1, 0, 1: np.interp over it would say something else."""
    pair = make_pair([0, 1, 0], [1, 0, 1])
    assert cpt(points_of([0.9, 0.5, 0.1], pair), 0.5).tolist() == pytest.approx([1 / 6])


def test_random_routing_has_apgr_one_half_exactly(make_pair):
    pair = make_pair([0, 1, 0, 0, 1], [1, 1, 1, 0, 0.5])
    assert apgr(points_of([0.5] * 5, pair)).tolist() == pytest.approx([0.5])


def test_mean_apgr_over_every_order_is_one_half(make_pair):
    pair = make_pair([0, 1, 0, 0.5], [1, 1, 1, 0])
    orders = list(itertools.permutations(range(4)))
    mean = np.mean([apgr(points_of(order, pair))[0] for order in orders])
    assert mean == pytest.approx(0.5)


def test_aiq_is_the_area_under_the_hull_over_the_single_models_costs(make_pair):
    """Costs 1, 2, 3; the good order's quality is ¼, ¾, ¾ and its mean height (½ + ¾)/2."""
    pair = make_pair([0.5, 0.0], [0.5, 1.0])
    area, lift = aiq(points_of([0.1, 0.9], pair))
    assert area.tolist() == pytest.approx([0.625])
    assert lift.tolist() == pytest.approx([0.125])


def test_a_bad_order_has_no_hull_lift_but_a_negative_dollar_lift(make_pair):
    points = points_of([0.9, 0.1], make_pair([0.5, 0.0], [0.5, 1.0]))
    assert aiq(points)[1].tolist() == pytest.approx([0.0])
    assert dollar_lift(points).tolist() == pytest.approx([-0.125])


def test_a_random_router_has_no_dollar_lift(make_pair):
    pair = make_pair([0, 1, 0.0], [1, 1, 0.5], strong_usd=[3.0, 5.0, 2.0])
    assert dollar_lift(points_of([0.5] * 3, pair)).tolist() == pytest.approx([0.0])


def test_a_cascades_curve_is_cut_at_the_price_of_the_strong_model(make_pair):
    """Both calls cost 4; at $3 a request half the way to (4, 1) from (2, ½) is reached."""
    pair = make_pair([0.0, 0.0], [1.0, 1.0], weak_usd=1.0, strong_usd=4.0)
    points = points_of([0.9, 0.1], pair, strong_alone_usd=np.array([3.0, 3.0]))
    assert dollar_lift(points).tolist() == pytest.approx([1 / 3 - 1 / 2])


def test_without_a_dearer_strong_model_there_is_no_aiq(make_pair):
    pair = make_pair([0.0, 1.0], [1.0, 1.0], weak_usd=3.0, strong_usd=3.0)
    assert np.isnan(aiq(points_of([0.9, 0.1], pair))[0]).all()
    assert summarise_router(np.array([0.9, 0.1]), pair, resamples=20).aiq is None


def test_areas_extend_flat_and_are_clipped():
    x, y = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 1.0, 0.0]])
    assert areas_between(x, y, np.array([1.5]), np.array([3.0]))[0] == pytest.approx(1.125 / 1.5)
    assert areas_between(x, y, np.array([0.0]), np.array([1.0]))[0] == 0.0


def test_cost_ratio_and_quality_gap(make_pair):
    points = points_of([0.9, 0.1], make_pair([0.5, 0.0], [0.5, 1.0]))
    assert cost_ratio(points)[0].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert quality_gap(points)[0].tolist() == pytest.approx([-2 / 3, -2 / 3, 0])


def test_knee_is_the_point_farthest_above_the_chord(make_pair):
    pair = make_pair([0, 0, 1, 1, 1], [1, 1, 1, 1, 1])
    assert knee_point(points_of([0.9, 0.8, 0.3, 0.2, 0.1], pair)) == 2


def test_of_equal_knees_the_one_with_more_strong_calls_is_taken(make_pair):
    pair = make_pair([0, 0, 0, 0], [1, 1, 1, 1])
    assert knee_point(points_of([0.4, 0.3, 0.2, 0.1], pair)) == 4


def test_every_interval_holds_its_estimate(noisy_pair):
    pair, scores = noisy_pair(300)
    summary = summarise_router(scores, pair, resamples=200)
    for name in ("apgr", "cpt50", "cpt80", "cpt50_raw", "cpt80_raw", "aiq", "dollar_lift"):
        found = getattr(summary, name)
        assert found.low <= found.value <= found.high, name
        assert found.high - found.low > 0, name


def test_the_summary_is_the_same_every_time(noisy_pair):
    pair, scores = noisy_pair(200)
    once = summarise_router(scores, pair, resamples=100, seed=3)
    assert once == summarise_router(scores, pair, resamples=100, seed=3)
    assert once.apgr != summarise_router(scores, pair, resamples=100, seed=4).apgr


def test_rows_said_twice_are_no_new_evidence(make_pair, noisy_pair):
    pair, scores = noisy_pair(150)
    twice = pair.rows(list(range(150)) * 2)
    one = summarise_router(scores, pair, resamples=400)
    both = summarise_router(np.tile(scores, 2), twice, resamples=400)
    assert both.n_groups == 150
    assert both.apgr.value == pytest.approx(one.apgr.value, abs=0.01)
    width = (one.apgr.high - one.apgr.low, both.apgr.high - both.apgr.low)
    assert width[1] == pytest.approx(width[0], rel=0.05)


def test_figures_of_many_rows_are_resampled_on_fewer_points(noisy_pair):
    pair, scores = noisy_pair(2000)
    summary = summarise_router(scores, pair, resamples=100)
    assert summary.apgr.low < summary.apgr.value < summary.apgr.high
    assert summary.cpt50.low < summary.cpt50.value < summary.cpt50.high


def test_intervals_cover_the_truth_as_often_as_they_say(noisy_pair):
    """95 % intervals of 60 seeded draws hold the population's APGR in at least 51 of them."""
    pair, scores = noisy_pair(40_000, seed=99)
    truth = Sweep.of(scores, pair).apgr_under(np.ones((1, 40_000)))[0]
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(60):
        rows = rng.choice(40_000, 250, replace=False)
        found = summarise_router(scores[rows], pair.rows(rows), resamples=100).apgr
        held += found.low <= truth <= found.high
    assert held >= 51


def test_routellm_gsm8k_without_contaminated_prompts_gives_the_known_figures(realdata, make_pair):
    """Means 63.73 and 85.77 of 1,307; oracle's CPT 11.0 and 17.6 %."""
    import gzip

    with gzip.open(realdata / "routellm_gsm8k.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if not row["contaminated"]]
    weak = [row["models"]["mistralai/Mixtral-8x7B-Instruct-v0.1"]["score"] for row in rows]
    strong = [row["models"]["gpt-4-1106-preview"]["score"] for row in rows]
    pair = make_pair(weak, strong)
    assert len(pair) == 1307
    assert round(100 * pair.weak_scores.mean(), 2) == 63.73
    assert round(100 * pair.strong_scores.mean(), 2) == 85.77
    points = points_of(pair.gaps, pair)
    assert round(100 * cpt(points, 0.5)[0], 1) == 11.0
    assert round(100 * cpt(points, 0.8)[0], 1) == 17.6

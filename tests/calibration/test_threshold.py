from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.calibration.threshold import Target, pick_threshold
from llmroute.errors import InputError


@pytest.fixture
def known(noisy_pair):
    return noisy_pair(500, weak_usd=0.001, strong_usd=0.005)


def pick(known, target, **options):
    pair, scores = known
    return pick_threshold(scores, pair, target, resamples=200, **options)


def test_a_share_of_strong_calls_is_met(known):
    point = pick(known, Target("target_strong", 0.3))
    assert point.strong_share.value == pytest.approx(0.3)
    assert (known[1] >= point.threshold).mean() == point.strong_share.value
    assert point.strong_share.low < 0.3 < point.strong_share.high


def test_every_figure_of_a_point_can_be_recomputed(known):
    pair, scores = known
    point = pick(known, Target("target_strong", 0.4))
    strong = scores >= point.threshold
    quality = np.where(strong, pair.strong_scores, pair.weak_scores).mean()
    weak, best = pair.weak_scores.mean(), pair.strong_scores.mean()
    assert point.quality.value == pytest.approx(quality)
    assert point.quality_loss.value == pytest.approx(best - quality)
    assert point.pgr.value == pytest.approx((quality - weak) / (best - weak))
    assert point.regret.value == pytest.approx((np.maximum(pair.gaps, 0) * ~strong).mean())
    assert point.cost_usd_per_1k is not None
    assert point.saving is not None
    assert point.cost_usd_per_1k.value == pytest.approx(1 + 4 * strong.mean())
    assert point.saving.value == pytest.approx(1 - (1 + 4 * strong.mean()) / 5)


def test_neighbours_stand_five_points_to_either_side(known):
    point = pick(known, Target("target_strong", 0.3))
    assert [p.strong_share.value for p in point.neighbours] == pytest.approx([0.25, 0.35])


def test_at_the_ends_there_is_one_neighbour(known):
    none, every = (pick(known, Target("target_strong", share)) for share in (0.0, 1.0))
    assert [p.strong_share.value for p in none.neighbours] == pytest.approx([0.05])
    assert [p.strong_share.value for p in every.neighbours] == pytest.approx([0.95])
    assert none.threshold > 1
    assert every.threshold == 0.0


def test_a_share_between_blocks_of_equal_scores_names_the_nearest(make_pair):
    pair = make_pair([0, 1] * 10, [1] * 20)
    with pytest.raises(InputError, match=r"--target-strong 0\.200") as fault:
        pick_threshold(np.repeat([0.9, 0.1], [4, 16]), pair, Target("target_strong", 0.4))
    assert "20.0% or 100.0%" in fault.value.what


def test_a_budget_is_kept(known):
    point = pick(known, Target("max_usd_per_1k", 2.2))
    assert point.cost_usd_per_1k is not None
    assert point.cost_usd_per_1k.value <= 2.2 + 1e-9
    assert point.strong_share.value <= 0.3


def test_a_budget_below_the_weak_models_cost_names_the_nearest(known):
    with pytest.raises(InputError, match=r"The nearest that can be met is --max-usd-per-1k 1\b"):
        pick(known, Target("max_usd_per_1k", 0.5))


def test_the_nearest_budget_that_is_named_can_be_met(known):
    with pytest.raises(InputError) as fault:
        pick(known, Target("max_usd_per_1k", 0.5))
    assert fault.value.fix is not None
    nearest = float(fault.value.fix.rstrip(".").split()[-1])
    assert pick(known, Target("max_usd_per_1k", nearest)).strong_share.value == 0.0


def test_a_budget_needs_known_costs(make_pair):
    pair = make_pair([0, 1, 0, 0], [1, 1, 1, 1], strong_usd=np.nan)
    with pytest.raises(InputError, match="is not known"):
        pick_threshold(np.arange(4) / 4, pair, Target("max_usd_per_1k", 5))


def test_without_costs_a_point_has_none(make_pair):
    pair = make_pair([0, 1, 0, 0], [1, 1, 1, 1], strong_usd=np.nan)
    point = pick_threshold(np.arange(4) / 4, pair, Target("target_strong", 0.5))
    assert (point.cost_usd_per_1k, point.saving) == (None, None)


def test_a_pgr_is_cleared_by_its_lower_bound(known):
    careful = pick(known, Target("min_pgr", 0.7))
    bold = pick(known, Target("min_pgr", 0.7), asymmetry=1)
    assert bold.pgr.value == pytest.approx(0.7, abs=0.05)
    assert careful.pgr.value > bold.pgr.value
    assert careful.strong_share.value > bold.strong_share.value


def test_a_greater_asymmetry_never_makes_fewer_strong_calls(known):
    shares = [
        pick(known, Target("min_pgr", 0.6), asymmetry=a).strong_share.value for a in (1, 4, 19, 99)
    ]
    assert shares == sorted(shares)


def test_the_whole_gap_needs_no_more_than_all_strong(known):
    assert pick(known, Target("min_pgr", 1.0)).strong_share.value <= 1.0


def test_a_knee_lies_above_the_chord(known):
    point = pick(known, Target("knee"))
    assert point.pgr.value > point.strong_share.value + 0.1


def test_a_knee_with_a_quality_clears_it_surely(known):
    point = pick(known, Target("knee", 0.7))
    assert point.quality.value > 0.7
    assert point.strong_share.value < 1


def test_a_quality_the_strong_model_does_not_reach_is_refused(known):
    with pytest.raises(InputError, match="not even the strong model"):
        pick(known, Target("knee", 0.99))


def test_a_maximal_loss_comes_with_its_certificate(known):
    point = pick(known, Target("max_quality_loss", 0.05))
    assert point.certificate is not None
    assert point.certificate.threshold == point.threshold
    assert point.regret.value == pytest.approx(point.certificate.regret)
    assert point.quality_loss.value <= point.regret.value <= 0.05


def test_a_loss_nothing_can_promise_names_the_nearest_that_can(known):
    with pytest.raises(InputError) as fault:
        pick(known, Target("max_quality_loss", 0.001))
    assert fault.value.fix is not None
    nearest = float(fault.value.fix.split("--max-quality-loss ")[1].split(";")[0])
    point = pick(known, Target("max_quality_loss", nearest))
    assert point.strong_share.value < 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("target_strong", 1.5), "1.5 is not a share"),
        (Target("target_strong", -0.1), "-0.1 is not a share"),
        (Target("target_strong", float("nan")), "nan is not a share"),
        (Target("target_strong"), "has no value"),
        (Target("max_quality_loss", 0.0), "0 is not a loss"),
        (Target("max_quality_loss", 2), "2 is not a loss"),
        (Target("max_quality_loss", 0.1, confidence=1.0), "confidence of 1"),
        (Target("max_usd_per_1k", -1), "-1 is not dollars"),
        (Target("min_pgr", 1.2), "1.2 is not a share of the quality gap"),
    ],
)
def test_a_target_out_of_range_is_refused(known, target, said):
    with pytest.raises(InputError, match=said):
        pick(known, target)


def test_an_asymmetry_in_favour_of_wrong_answers_is_refused(known):
    with pytest.raises(InputError, match="at least 1"):
        pick(known, Target("min_pgr", 0.5), asymmetry=0.5)


@given(st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_any_share_is_met_to_one_query(share):
    rng = np.random.default_rng(1)
    scores = rng.random(40)
    from llmroute.calibration.pair import Pair, Query

    pair = Pair(
        "a",
        "b",
        tuple(map(str, range(40))),
        tuple(Query(str(i)) for i in range(40)),
        (rng.random(40) < 0.5).astype(float),
        np.ones(40),
        np.ones(40),
        np.full(40, 2.0),
        np.arange(40),
    )
    point = pick_threshold(scores, pair, Target("target_strong", share), resamples=20)
    assert abs(point.strong_share.value - share) <= 0.5 / 40 + 1e-9
    assert (scores >= point.threshold).mean() == point.strong_share.value

from __future__ import annotations

import gzip
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llmroute.analysis.correction import correct
from llmroute.analysis.distributions import fisher_p_value
from llmroute.analysis.judged import Judged
from llmroute.analysis.predict_powered import predict_powered
from llmroute.analysis.rogan_gladen import RoganGladen, errs_alike, rogan_gladen

PANDALM = (
    Path(os.environ.get("LLMROUTE_REALDATA") or Path(__file__).parents[2] / "../shared/realdata")
    / "judge_pandalm.jsonl.gz"
)
needs_pandalm = pytest.mark.skipif(not PANDALM.is_file(), reason="no PandaLM rows here")


def judged(scores, truth, n_labels, *, clusters=None, stands_for=None, labelled=None) -> Judged:
    """The first `n_labels` answers are labelled, or those named."""
    scores, truth = np.asarray(scores, float), np.asarray(truth, float)
    known = np.arange(scores.size) < n_labels if labelled is None else np.asarray(labelled)
    values = {*scores.tolist(), *truth.tolist()}
    return Judged(
        scores=scores,
        labels=np.where(known, truth, np.nan),
        weights=np.ones(scores.size),
        stands_for=np.ones(scores.size) if stands_for is None else np.asarray(stands_for, float),
        clusters=np.arange(scores.size) if clusters is None else np.asarray(clusters),
        right_or_wrong=values <= {0.0, 1.0},
    )


def simulated(rng, n, quality, q1=0.9, q0=0.8):
    """(the judge's verdicts, the truth)."""
    truth = (rng.random(n) < quality).astype(float)
    right = rng.random(n)
    return np.where(truth == 1, right < q1, right >= q0).astype(float), truth


# -- PPI++ ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_the_estimate_is_that_of_the_paper_with_unlabelled_answers_apart(seed: int) -> None:
    # PPI++ (2311.01453, §6): λ = cov(h, f) / ((1 + n/N) var f), N unlabelled beside n labelled.
    scores, truth = simulated(np.random.default_rng(seed), 300, 0.8)
    n, rest = 60, 240
    f, h = scores[:n], truth[:n]
    tuning = np.cov(h, f)[0, 1] / ((1 + n / rest) * f.var(ddof=1))
    expected = tuning * scores[n:].mean() + (h - tuning * f).mean()
    assert predict_powered(judged(scores, truth, n)).value == pytest.approx(expected, abs=1e-12)


def test_where_all_is_labelled_the_judge_does_not_matter() -> None:
    scores, truth = simulated(np.random.default_rng(1), 200, 0.8)
    found = predict_powered(judged(scores, truth, 200))
    assert found.value == pytest.approx(truth.mean(), abs=1e-12)
    wilson = stats.binomtest(int(truth.sum()), 200).proportion_ci(0.95, "wilson")
    assert found.low(0.975) == pytest.approx(wilson.low, abs=0.003)
    assert found.high(0.975) == pytest.approx(wilson.high, abs=0.003)


@pytest.mark.parametrize("verdict", ["always right", "at random", "upside down"])
def test_a_judge_that_knows_nothing_leaves_the_labels_alone(verdict: str) -> None:
    rng = np.random.default_rng(3)
    truth = (np.arange(400) % 5 > 0).astype(float)
    scores = {
        "always right": np.ones(400),
        "at random": rng.integers(0, 2, 400).astype(float),
        "upside down": 1 - truth,
    }[verdict]
    found = predict_powered(judged(scores, truth, 50))
    assert found.tuning == pytest.approx(0, abs=0.1)
    assert found.value == pytest.approx(truth[:50].mean(), abs=0.02)
    wilson = stats.binomtest(int(truth[:50].sum()), 50).proportion_ci(0.95, "wilson")
    assert found.high(0.975) - found.low(0.975) == pytest.approx(wilson.high - wilson.low, rel=0.08)


def test_a_judge_that_is_always_right_is_nearly_worth_its_own_labels() -> None:
    _, truth = simulated(np.random.default_rng(5), 1000, 0.8)
    found = predict_powered(judged(truth, truth, 50))
    assert found.value == pytest.approx(truth.mean(), abs=1e-12)
    # 50 agreements say no more than that errors are rarer than one in 17 or so.
    assert 0.03 < found.high(0.975) - found.low(0.975) < 0.12
    alone = stats.binomtest(int(truth[:50].sum()), 50).proportion_ci(0.95, "wilson")
    assert found.high(0.975) - found.low(0.975) < (alone.high - alone.low) / 2


def test_no_error_seen_is_not_no_error() -> None:
    found = predict_powered(judged(np.ones(300), np.ones(300), 50))
    assert found.value == 1.0
    assert 0.90 < found.low(0.95) < 0.96


def test_repeats_of_an_answer_are_no_new_labels() -> None:
    scores, truth = simulated(np.random.default_rng(7), 200, 0.8)
    once = predict_powered(judged(scores, truth, 60))
    twice = predict_powered(
        judged(
            np.repeat(scores, 2), np.repeat(truth, 2), 120, clusters=np.repeat(np.arange(200), 2)
        )
    )
    assert twice.value == pytest.approx(once.value, abs=1e-12)
    assert twice.low(0.95) == pytest.approx(once.low(0.95), abs=1e-9)
    assert twice.n_labels == 120


def test_labels_drawn_more_often_near_the_bar_do_not_bias_the_estimate() -> None:
    rng = np.random.default_rng(11)
    values, plain = [], []
    for _ in range(300):
        truth = rng.choice([0.0, 0.5, 1.0], 400, p=[0.1, 0.3, 0.6])
        scores = np.where(rng.random(400) < 0.4, rng.choice([0.0, 0.5, 1.0], 400), truth)
        chance = np.where(scores == 0.5, 0.5, 0.05)
        labelled = rng.random(400) < chance
        values.append(
            predict_powered(
                judged(scores, truth, 0, labelled=labelled, stands_for=1 / chance)
            ).value
        )
        plain.append(truth[labelled].mean())
    assert np.mean(values) == pytest.approx(0.75, abs=0.01)
    assert np.mean(plain) < 0.70


@settings(deadline=None)
@given(
    st.integers(20, 60),
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=80, max_size=80),
    st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=80, max_size=80),
    st.floats(0.6, 0.999),
)
def test_bounds_hold_the_estimate_and_widen_with_confidence(n, scores, truth, confidence) -> None:
    found = predict_powered(judged(scores, truth, n))
    assert -1e-12 <= found.low(confidence) <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high(confidence) <= 1 + 1e-12
    assert found.low((1 + confidence) / 2) <= found.low(confidence) + 1e-12


# -- Rogan–Gladen ---------------------------------------------------------------------------------


def test_the_worked_example_of_the_design_comes_out() -> None:
    # p = 0.90, specificity 0.80, sensitivity 0.95: (0.9 + 0.8 − 1) / (0.8 + 0.95 − 1) = 0.7 / 0.75.
    judge = RoganGladen(0.90, 300, 0.95, 100, 0.80, 100, 200)
    assert judge.value == pytest.approx(0.7 / 0.75)
    widths = []
    for labels in (15, 50, 100):
        judge = RoganGladen(0.90, 300, 0.95, labels, 0.80, labels, 2 * labels)
        widths.append((judge.high(0.975) - judge.low(0.975)) / 2)
    assert widths == sorted(widths, reverse=True)
    # The delta method's half widths are 0.146, 0.088 and 0.070; these are cut off at 1.
    assert widths[0] > 0.09
    assert 0.04 < widths[2] < 0.08


def test_bounds_are_those_of_lang_and_reiczigel_by_hand() -> None:
    judge = RoganGladen(0.6, 400, 0.9, 50, 0.8, 40, 90)
    z = 1.959963984540054
    p, q1, q0 = (400 * 0.6 + z * z / 2) / (400 + z * z), 46 / 52, 33 / 42
    theta = (p + q0 - 1) / (q0 + q1 - 1)
    v1, v0 = q1 * (1 - q1) / 52, q0 * (1 - q0) / 42
    shift = 2 * z * z * (theta * v1 - (1 - theta) * v0)
    spread = math.sqrt(p * (1 - p) / (400 + z * z) + theta**2 * v1 + (1 - theta) ** 2 * v0)
    half = z * spread / (q0 + q1 - 1)
    assert judge.low(0.975) == pytest.approx(theta + shift - half, abs=1e-9)
    assert judge.high(0.975) == pytest.approx(theta + shift + half, abs=1e-9)


def test_error_rates_are_counted_from_the_labels_of_all_candidates() -> None:
    scores = [1, 1, 1, 0, 0, 0, 1, 0]
    truth = [1, 1, 0, 1, 0, 0, 0, 0]
    task = judged(scores, truth, 8)
    cell = judged(scores[:4], truth[:4], 0)
    found = rogan_gladen(cell, task)
    assert found.judged == 0.75
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.specificity == pytest.approx(3 / 5)
    assert (found.n_right, found.n_wrong, found.n_labels) == (
        pytest.approx(2, abs=1.01),
        pytest.approx(4, abs=1.01),
        8,
    )


def test_an_answer_people_are_split_on_counts_half_for_either() -> None:
    task = Judged(
        scores=np.array([1.0, 1.0, 0.0]),
        labels=np.array([1.0, 0.5, 0.0]),
        weights=np.ones(3),
        stands_for=np.ones(3),
        clusters=np.arange(3),
        right_or_wrong=True,
    )
    found = rogan_gladen(task, task)
    assert found.sensitivity == pytest.approx(1.0)  # (1 + ½) of (1 + ½)
    assert found.specificity == pytest.approx(1 / 1.5)


def test_fishers_test_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        n, m = rng.integers(1, 40, 2)
        a, b = rng.integers(0, n + 1), rng.integers(0, m + 1)
        expected = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
        assert fisher_p_value(int(a), int(n), int(b), int(m)) == pytest.approx(expected, abs=1e-9)


# -- which is used when ---------------------------------------------------------------------------


def two_candidates(n_own: int, n_others: int, *, seed: int = 1, own=(0.9, 0.8), others=(0.9, 0.8)):
    """(the cell, the task): quality 0.7 and 0.5, so that right and wrong answers are labelled."""
    rng = np.random.default_rng(seed)
    mine, my_truth = simulated(rng, 200, 0.7, *own)
    theirs, their_truth = simulated(rng, 200, 0.5, *others)
    cell = judged(mine, my_truth, n_own)
    labelled = np.concatenate([np.arange(200) < n_own, np.arange(200) < n_others])
    truth = np.concatenate([my_truth, their_truth])
    return cell, judged(np.concatenate([mine, theirs]), truth, 0, labelled=labelled)


def test_own_labels_are_used_alone_where_there_are_enough() -> None:
    assert correct(*two_candidates(20, 100)).method == "ppi"


def test_with_fewer_the_labels_of_all_candidates_tell_how_the_judge_errs() -> None:
    found = correct(*two_candidates(19, 100))
    assert (found.method, found.n_labels) == ("rogan_gladen", 119)


def test_graded_scores_are_not_corrected_by_others_labels() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.choice([0, 0.5, 1.0], 100), rng.choice([0, 0.5, 1.0], 100)
    why = correct(judged(scores, truth, 5), judged(scores, truth, 90))
    assert why == "only 5 of its own answers are labelled, and graded scores need 20"


def test_thirty_of_each_class_are_needed() -> None:
    why = correct(*two_candidates(0, 50))
    assert why.startswith("only 0 of its own answers are labelled, and of the task's ")
    assert "(20, or 30 each, are needed)" in why


def test_a_judge_that_favours_one_candidate_is_not_corrected_by_the_others() -> None:
    cell, task = two_candidates(19, 150, own=(1.0, 0.0))
    assert not errs_alike(cell, task)
    assert "the judge errs otherwise than on other candidates'" in correct(cell, task)


def test_judges_that_err_alike_are_seldom_said_to_differ() -> None:
    refused = sum(not errs_alike(*two_candidates(19, 100, seed=seed)) for seed in range(300))
    assert refused / 300 <= 0.03


def test_a_judge_near_chance_is_not_divided_by() -> None:
    why = correct(*two_candidates(0, 150, own=(0.55, 0.55), others=(0.55, 0.55)))
    assert "hardly tells right answers from wrong ones" in why


# -- coverage (2,000 draws: benchmarks/judge_correction.py) ---------------------------------------

DRAWS = 400
WITHIN = (0.915, 0.985)
"""Three standard errors around 0.95 at 400 draws, and a little."""


def coverage(draw, truth: float, seed: int = 0) -> tuple[float, float, float, float]:
    """(two-sided, lower bound, mean width, mean width of the labels alone)."""
    rng = np.random.default_rng(seed)
    covered = held = 0
    widths, alone = [], []
    for _ in range(DRAWS):
        cell = draw(rng)
        found = predict_powered(cell)
        low, high = found.low(0.975), found.high(0.975)
        covered += low <= truth <= high
        held += found.low(0.95) <= truth
        widths.append(high - low)
        labels = cell.labels[cell.labelled]
        alone.append(2 * stats.t.ppf(0.975, labels.size - 1) * stats.sem(labels))
    return covered / DRAWS, held / DRAWS, float(np.mean(widths)), float(np.mean(alone))


@pytest.mark.parametrize("n_labels", [50, 100])
def test_intervals_of_a_simulated_judge_hold_and_are_narrower_than_the_labels_alone(
    n_labels: int,
) -> None:
    def draw(rng):
        return judged(*simulated(rng, 400, 0.8), n_labels)

    covered, held, width, alone = coverage(draw, 0.8)
    assert WITHIN[0] <= covered <= WITHIN[1]
    assert held >= 0.92
    assert width < alone


@needs_pandalm
@pytest.mark.parametrize("judge", ["gpt-3.5-turbo", "PandaLM-7B"])
@pytest.mark.parametrize("n_labels", [50, 100])
def test_intervals_of_recorded_judges_hold_and_are_narrower_than_the_labels_alone(
    judge: str, n_labels: int
) -> None:
    won = {1: 1.0, 0: 0.5, 2: 0.0, None: math.nan}
    with gzip.open(PANDALM, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    scores = np.array([won[row["judges"][judge]] for row in rows])
    truth = np.array([won[row["human"]] for row in rows])[~np.isnan(scores)]
    scores = scores[~np.isnan(scores)]

    def draw(rng):
        drawn = rng.integers(0, truth.size, 400)
        return judged(scores[drawn], truth[drawn], n_labels)

    covered, held, width, alone = coverage(draw, float(truth.mean()))
    assert WITHIN[0] <= covered <= WITHIN[1]
    assert held >= 0.92
    assert width < alone


def test_intervals_by_other_candidates_labels_hold() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(DRAWS):
        cell = judged(*simulated(rng, 300, 0.85), 0)
        scores, truth = simulated(rng, 120, 0.55)
        found = rogan_gladen(cell, judged(scores, truth, 120))
        covered += found.low(0.975) <= 0.85 <= found.high(0.975)
    assert WITHIN[0] <= covered / DRAWS <= WITHIN[1]

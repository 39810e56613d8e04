import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from llmroute.calibration.bootstrap import resample_counts
from llmroute.judges.agreement import (
    MISSING,
    accuracy,
    bound,
    bound_interval_alpha,
    cohen_kappa,
    interval_alpha,
    nominal_alpha,
    ordinal_alpha,
    tally_pair,
    tally_raters,
)
from llmroute.judges.panel import effective_votes

REALDATA = Path(
    os.environ.get("LLMROUTE_REALDATA") or Path(__file__).parents[2] / "../shared/realdata"
)
PANDALM = REALDATA / "judge_pandalm.jsonl.gz"
needs_pandalm = pytest.mark.skipif(not PANDALM.is_file(), reason="no PandaLM rows here")

STATISTICS = {
    "accuracy": accuracy,
    "kappa": cohen_kappa,
    "linear": lambda tables: cohen_kappa(tables, "linear"),
    "quadratic": lambda tables: cohen_kappa(tables, "quadratic"),
}


def sklearn_figures(first, second):
    """Four figures by another library."""
    weights = (None, "linear", "quadratic")
    kappas = [cohen_kappa_score(first, second, weights=w, labels=[0, 1, 2]) for w in weights]
    return [accuracy_score(first, second), *kappas]


@pytest.fixture(scope="module")
def krippendorff_example():
    """12 units, 4 observers, 5 values with gaps: Krippendorff 2011, § C."""
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    return np.array([[np.nan if v is None else v for v in row] for row in rows]).T


def codes_of(values):
    return np.where(np.isnan(values), MISSING, values - 1).astype(np.int64)


# -- Krippendorff's α, against the worked examples of his paper -----------------------------------


def test_alpha_of_the_binary_example_is_the_published_one():
    # Krippendorff 2011, § A: two observers, ten units; α = 0.095.
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    tables = tally_raters(np.array([first, second]).T, 2).tables(np.ones((1, 10)))
    assert tables[0].tolist() == [[10, 4], [4, 2]]
    assert nominal_alpha(tables)[0] == pytest.approx(1 - 19 * 8 / (2 * 14 * 6), abs=1e-12)
    assert round(float(nominal_alpha(tables)[0]), 3) == 0.095


def test_alpha_of_the_nominal_example_is_the_published_one():
    # Krippendorff 2011, § B: two observers, twelve units, five levels; α = 0.692.
    first = "aabbdcccedda"
    second = "babbbccceddd"
    codes = np.array([[ord(c) - ord("a") for c in one] for one in (first, second)]).T
    tables = tally_raters(codes, 5).tables(np.ones((1, 12)))
    assert round(float(nominal_alpha(tables)[0]), 3) == 0.692


def test_alphas_with_missing_values_are_the_published_ones(krippendorff_example):
    # Krippendorff 2011, §§ C and D: nominal 0.743, ordinal 0.815, interval 0.849.
    tables = tally_raters(codes_of(krippendorff_example), 5).tables(np.ones((1, 12)))
    assert tables[0].tolist()[0] == pytest.approx([7, 4 / 3, 1 / 3, 1 / 3, 0])
    assert round(float(nominal_alpha(tables)[0]), 3) == 0.743
    assert round(float(ordinal_alpha(tables)[0]), 3) == 0.815
    assert round(float(interval_alpha(krippendorff_example, np.ones((1, 12)))[0]), 3) == 0.849


def test_a_unit_that_one_rater_judged_adds_nothing(krippendorff_example):
    without = np.delete(krippendorff_example, 11, axis=0)
    with_it = interval_alpha(krippendorff_example, np.ones((1, 12)))
    assert interval_alpha(without, np.ones((1, 11))) == pytest.approx(with_it, abs=1e-12)


def test_interval_alpha_is_the_same_from_a_table_of_levels(krippendorff_example):
    tables = tally_raters(codes_of(krippendorff_example), 5).tables(np.ones((1, 12)))[0]
    totals, v = tables.sum(axis=1), np.arange(5)
    distance = (v[:, None] - v) ** 2
    expected = (np.outer(totals, totals) * distance).sum() / (totals.sum() - 1)
    by_hand = 1 - (tables * distance).sum() / expected
    assert interval_alpha(krippendorff_example, np.ones((1, 12)))[0] == pytest.approx(by_hand)


def test_alpha_of_one_level_is_not_defined():
    same = np.zeros((6, 3), dtype=np.int64)
    tables = tally_raters(same, 2).tables(np.ones((1, 6)))
    assert np.isnan(nominal_alpha(tables)[0])
    assert np.isnan(ordinal_alpha(tables)[0])
    assert np.isnan(interval_alpha(same.astype(float), np.ones((1, 6)))[0])


# -- κ, against scikit-learn ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_kappas_are_those_of_sklearn(seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 3, 60)
    second = np.where(rng.random(60) < 0.6, first, rng.integers(0, 3, 60))
    tables = tally_pair(first, second, 3).tables(np.ones((1, 60)))
    figures = [float(statistic(tables)[0]) for statistic in STATISTICS.values()]
    assert figures == pytest.approx(sklearn_figures(first, second), abs=1e-12)


def test_kappa_of_raters_who_say_one_thing_only_is_not_defined():
    always = np.zeros(9, dtype=np.int64)
    found = bound(STATISTICS, [tally_pair(always, always, 2)], np.arange(9))
    assert found["kappa"] is None
    assert found["accuracy"].value == 1.0


def test_agreement_without_exception_is_not_certain():
    both = np.array([0, 1] * 10)
    found = bound(STATISTICS, [tally_pair(both, both, 2)], np.arange(20))
    # 20 of 20 agree: at least 0.025 ** (1 / 20) do; half of each level, so κ is at least 2 low − 1.
    assert found["accuracy"].low == pytest.approx(0.025 ** (1 / 20), abs=1e-9)
    assert found["kappa"].low == pytest.approx(2 * 0.025 ** (1 / 20) - 1, abs=1e-9)
    assert found["kappa"].high == 1.0


def test_nothing_in_common_gives_no_figure():
    one, other = np.array([0, MISSING]), np.array([MISSING, 1])
    found = bound(STATISTICS, [tally_pair(one, other, 2)], np.arange(2))
    assert found == dict.fromkeys(STATISTICS)


def test_items_of_one_group_widen_the_interval():
    rng = np.random.default_rng(4)
    first = np.repeat(rng.integers(0, 2, 40), 5)
    second = np.repeat(np.where(rng.random(40) < 0.8, first[::5], 1 - first[::5]), 5)
    alone = bound(STATISTICS, [tally_pair(first, second, 2)], np.arange(200))["kappa"]
    grouped = bound(STATISTICS, [tally_pair(first, second, 2)], np.repeat(np.arange(40), 5))[
        "kappa"
    ]
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.8 * (alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(1)
    values = rng.random((30, 3))
    assert bound_interval_alpha(values, np.arange(30), seed=5) == bound_interval_alpha(
        values, np.arange(30), seed=5
    )


def test_the_interval_of_kappa_covers_the_truth_as_often_as_it_says():
    # Two raters who agree with probability 0.8 on two equally frequent levels: κ = 0.6.
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(300):
        first = rng.integers(0, 2, 100)
        second = np.where(rng.random(100) < 0.8, first, 1 - first)
        tally = tally_pair(first, second, 2)
        found = bound({"kappa": cohen_kappa}, [tally], np.arange(100), resamples=500)["kappa"]
        covered += found.low <= 0.6 <= found.high
    assert 0.90 <= covered / 300 <= 0.98


# -- recorded judges ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pandalm():
    order = {2: 0, 0: 1, 1: 2, None: MISSING}
    with gzip.open(PANDALM, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {
        "human": np.array([order[row["human"]] for row in rows]),
        "votes": np.array([[order[vote] for vote in row["human_votes"]] for row in rows]),
        "prompts": np.unique([row["prompt"] for row in rows], return_inverse=True)[1],
        **{
            judge: np.array([order[row["judges"].get(judge)] for row in rows])
            for judge in ("gpt-3.5-turbo", "PandaLM-7B")
        },
    }


@needs_pandalm
@pytest.mark.parametrize(
    ("judge", "expected_accuracy", "expected_kappa"),
    [("gpt-3.5-turbo", 697 / 974, 0.492864715), ("PandaLM-7B", 667 / 999, 0.435354925)],
)
def test_agreement_of_recorded_judges_with_people_is_that_of_sklearn(
    pandalm, judge, expected_accuracy, expected_kappa
):
    said, human, prompts = pandalm[judge], pandalm["human"], pandalm["prompts"]
    found = bound(STATISTICS, [tally_pair(said, human, 3)], prompts, resamples=200)
    read = said != MISSING
    figures = sklearn_figures(said[read], human[read])
    assert [one.value for one in found.values()] == pytest.approx(figures, abs=1e-9)
    assert found["accuracy"].value == pytest.approx(expected_accuracy, abs=1e-12)
    assert found["kappa"].value == pytest.approx(expected_kappa, abs=1e-9)
    draws = []
    for counts in np.concatenate(list(resample_counts(prompts, resamples=200))).astype(int):
        rows = np.repeat(np.arange(said.size), counts * read)
        draws.append(sklearn_figures(said[rows], human[rows]))
    lows, highs = np.quantile(draws, [0.025, 0.975], axis=0)
    assert [one.low for one in found.values()] == pytest.approx(list(lows), abs=1e-9)
    assert [one.high for one in found.values()] == pytest.approx(list(highs), abs=1e-9)


@needs_pandalm
def test_agreement_among_people_is_that_of_sklearn(pandalm):
    votes, prompts = pandalm["votes"], pandalm["prompts"]
    pairs = [(0, 1), (0, 2), (1, 2)]
    tallies = [tally_pair(votes[:, one], votes[:, other], 3) for one, other in pairs]
    found = bound(STATISTICS, tallies, prompts, resamples=100)
    figures = np.mean([sklearn_figures(votes[:, i], votes[:, j]) for i, j in pairs], axis=0)
    assert [one.value for one in found.values()] == pytest.approx(list(figures), abs=1e-9)
    draws = []
    for counts in np.concatenate(list(resample_counts(prompts, resamples=100))).astype(int):
        v = votes[np.repeat(np.arange(len(votes)), counts)]
        draws.append(np.mean([sklearn_figures(v[:, i], v[:, j]) for i, j in pairs], axis=0))
    lows, highs = np.quantile(draws, [0.025, 0.975], axis=0)
    assert [one.low for one in found.values()] == pytest.approx(list(lows), abs=1e-9)
    assert [one.high for one in found.values()] == pytest.approx(list(highs), abs=1e-9)


# -- panels ---------------------------------------------------------------------------------------


def test_judges_that_err_together_are_one_vote():
    errors = np.random.default_rng(0).normal(size=(200, 1))
    found = effective_votes(np.repeat(errors, 3, axis=1), np.arange(200))
    assert found.value == pytest.approx(1.0, abs=1e-9)


def test_judges_that_err_apart_are_as_many_votes_as_judges():
    errors = np.random.default_rng(0).normal(size=(4000, 3))
    found = effective_votes(errors, np.arange(4000), resamples=200)
    assert 2.8 < found.low < found.value <= found.high <= 3.0


def test_effective_votes_follow_the_mean_correlation():
    # Correlation 0.5 for every pair of four judges: 4 / (1 + 3 · 0.5) = 1.6 votes.
    rng = np.random.default_rng(3)
    errors = (rng.normal(size=(20_000, 1)) + rng.normal(size=(20_000, 4))) / np.sqrt(2)
    found = effective_votes(errors, np.arange(20_000), resamples=100)
    r = np.corrcoef(errors.T)[np.triu_indices(4, 1)].mean()
    assert found.value == pytest.approx(4 / (1 + 3 * r), abs=1e-9)
    assert found.value == pytest.approx(1.6, abs=0.03)


def test_a_single_judge_has_no_effective_votes():
    assert effective_votes(np.ones((5, 1)), np.arange(5)) is None

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from llmroute.calibration.routellm_compat import routellm_figures, routellm_oracle

SCORES = np.arange(10) / 10 + 0.05
"""Ten edges fall between ten scores: shares 0, 0.1, ..., 1."""


def test_figures_of_ten_queries_worked_by_hand(make_pair):
    """Accuracy 0, .1, .2, .3, .4, .5 and flat: AUC .375 of .5."""
    pair = make_pair([0] * 10, [0] * 5 + [1] * 5)
    figures = routellm_figures(SCORES, pair)
    assert figures is not None
    assert (figures.cpt20, figures.cpt50, figures.cpt80) == pytest.approx((0.1, 0.25, 0.4))
    assert figures.apgr == pytest.approx(0.75)


def test_a_router_with_tied_quantiles_has_no_figures_there(make_pair):
    pair = make_pair([0] * 10, [0] * 5 + [1] * 5)
    assert routellm_figures(np.repeat([0.2, 0.8], 5), pair) is None


def test_a_falling_curve_is_interpolated_as_if_it_rose(make_pair):
    """np.interp is told that .2, .3, .2, .1, .2, ... .8 rises, and does not object."""
    pair = make_pair([0, 0, 0, 0, 0, 0, 0, 1, 1, 0], [1] * 7 + [0, 0, 1])
    figures = routellm_figures(SCORES, pair)
    assert figures is not None
    shares = np.linspace(0, 1, 11)
    quality = np.array([0.2, 0.3, 0.2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert figures.cpt50 == pytest.approx(np.interp(0.5, quality, shares))
    assert figures.cpt20 == pytest.approx(np.interp(0.32, quality, shares))


def test_the_oracle_spends_nothing_where_the_weak_model_is_right(make_pair):
    """Gaps 1, 1, 0, −1: ½, ¾, 1 and flat, above the strong model's ¾: (⅞ − ½)/¼."""
    oracle = routellm_oracle(make_pair([0, 0, 1, 1], [1, 1, 1, 0]), bins=4)
    assert oracle.apgr == pytest.approx(1.5)
    assert (oracle.cpt50, oracle.cpt80) == pytest.approx((0.125, 0.2))


@pytest.fixture
def gsm8k(realdata, make_pair):
    """RouteLLM's own responses, without the prompts it calls contaminated."""
    with gzip.open(realdata / "routellm_gsm8k.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if not row["contaminated"]]
    weak = [row["models"]["mistralai/Mixtral-8x7B-Instruct-v0.1"]["score"] for row in rows]
    strong = [row["models"]["gpt-4-1106-preview"]["score"] for row in rows]
    return make_pair(weak, strong, texts=[row["prompt"] for row in rows])


def test_random_routers_on_gsm8k_reach_the_published_row(gsm8k):
    """arXiv 2406.18665 v4: CPT 50.00 ± 2 and 80.08 ± 1 %, APGR .497 ± .01."""
    rng = np.random.default_rng(0)
    runs = [routellm_figures(rng.random(len(gsm8k)), gsm8k) for _ in range(300)]
    table = np.array([(run.cpt50, run.cpt80, run.apgr) for run in runs if run is not None])
    cpt50, cpt80, apgr = table.mean(axis=0)
    assert cpt50 == pytest.approx(0.50, abs=0.02)
    assert cpt80 == pytest.approx(0.8008, abs=0.01)
    assert apgr == pytest.approx(0.497, abs=0.01)
    assert table[:, 2].std() == pytest.approx(0.021, abs=0.003)


def test_longer_prompts_first_on_gsm8k_is_worth_what_others_measured(gsm8k):
    figures = routellm_figures(
        np.array([len(query.text) for query in gsm8k.queries], dtype=float), gsm8k
    )
    assert figures is not None
    assert figures.apgr == pytest.approx(0.597, abs=0.005)
    assert figures.cpt50 == pytest.approx(0.370, abs=0.01)
    assert figures.cpt80 == pytest.approx(0.664, abs=0.01)


def test_the_oracle_on_gsm8k_needs_a_sixth_of_the_strong_calls(gsm8k):
    oracle = routellm_oracle(gsm8k)
    assert round(100 * oracle.cpt50, 1) == 11.0
    assert round(100 * oracle.cpt80, 1) == 17.6

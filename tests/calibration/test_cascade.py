from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from llmroute.calibration.cascade import (
    AnswerScorer,
    both_paid,
    out_of_fold_escalation,
    shuffle_scores,
    some_direct,
)
from llmroute.calibration.curve import Sweep
from llmroute.calibration.pair import Pair, Query
from llmroute.calibration.split import grouped_folds
from llmroute.calibration.summary import apgr
from llmroute.errors import InputError, UnknownName
from llmroute.records import Sample

NAMES = ("Ann", "Bob", "Eve", "Tom")
THINGS = ("pens", "eggs", "cars", "nuts")
CHECKS = ("answer", "arithmetic", "final_number", "truncation")


def sums_pair(n: int = 160, seed: int = 0) -> Pair:
    """Sums that the weak model gets wrong in two of five answers, and says so in its steps."""
    rng = np.random.default_rng(seed)
    queries, answers, right = [], [], []
    for _ in range(n):
        a, b, c = (int(number) for number in rng.integers(10, 99, 3))
        slip = int(rng.integers(1, 9)) if rng.random() < 0.4 else 0
        first, total = a + b + slip, a + b + slip + c
        who, what = NAMES[int(rng.integers(4))], THINGS[int(rng.integers(4))]
        queries.append(Query(f"{who} has {a} {what}, buys {b} and finds {c}. How many are there?"))
        steps = f"{a} + {b} = {first} {what}\n{first} + {c} = {total} {what}"
        answers.append(f"{steps}\n#### {total}")
        right.append(float(slip == 0))
    return Pair(
        weak="w", strong="s",
        ids=tuple(f"q{i}" for i in range(n)),
        queries=tuple(queries),
        weak_scores=np.array(right), strong_scores=np.ones(n),
        weak_costs_usd=np.full(n, 1.0), strong_costs_usd=np.full(n, 10.0),
        groups=np.arange(n), weak_answers=tuple(answers),
    )  # fmt: skip


@pytest.fixture(scope="module")
def pair() -> Pair:
    return sums_pair()


@pytest.fixture(scope="module")
def scorer(pair: Pair) -> AnswerScorer:
    return AnswerScorer(checks=CHECKS, n_trees=20).fit(pair, seed=1)


def area(scores: np.ndarray, pair: Pair) -> float:
    return float(apgr(Sweep.of(scores, pair).whole())[0])


def test_wrong_sums_are_escalated_before_right_ones(pair: Pair) -> None:
    scores = out_of_fold_escalation(lambda: AnswerScorer(checks=CHECKS, n_trees=20), pair)
    assert scores[pair.gaps > 0].min() > scores[pair.gaps == 0].max()
    assert area(scores, pair) == pytest.approx(area(pair.gaps, pair), abs=0.01)


def test_shuffled_outcomes_teach_nothing() -> None:
    shuffled = shuffle_scores(sums_pair(200), 1)
    scores = out_of_fold_escalation(lambda: AnswerScorer(checks=CHECKS, n_trees=20), shuffled)
    assert 0.3 < area(scores, shuffled) < 0.7


def test_shuffled_scores_leave_queries_and_answers_where_they_are(pair: Pair) -> None:
    shuffled = shuffle_scores(pair, 1)
    assert (shuffled.queries, shuffled.weak_answers) == (pair.queries, pair.weak_answers)
    assert sorted(shuffled.weak_scores) == sorted(pair.weak_scores)
    assert not np.array_equal(shuffled.weak_scores, pair.weak_scores)


def test_a_new_wrong_answer_scores_above_a_new_right_one(scorer: AnswerScorer) -> None:
    query = Query("Ann has 20 pens, buys 30 and finds 40. How many has she?")
    right, wrong, nothing = scorer.escalation_score(
        [query] * 3,
        ["20 + 30 = 50\n50 + 40 = 90\n#### 90", "20 + 30 = 53\n53 + 40 = 93\n#### 93", None],
    )
    assert 0.0 <= right < wrong <= 1.0
    assert nothing == 1.0


def test_no_queries_get_no_scores(scorer: AnswerScorer) -> None:
    assert scorer.escalation_score([], []).shape == (0,)


def test_scores_do_not_depend_on_the_company(scorer: AnswerScorer, pair: Pair) -> None:
    together = scorer.escalation_score(pair.queries[:9], pair.weak_answers[:9])
    alone = [scorer.escalation_score([q], [a])[0] for q, a in zip(
        pair.queries[:9], pair.weak_answers[:9], strict=True)]  # fmt: skip
    assert together.tolist() == pytest.approx(alone, abs=1e-12)


def test_the_same_seed_fits_the_same_scorer(scorer: AnswerScorer, pair: Pair) -> None:
    again = AnswerScorer(checks=CHECKS, n_trees=20).fit(pair, seed=1)
    ours, theirs = (
        one.escalation_score(pair.queries, pair.weak_answers) for one in (scorer, again)
    )
    assert (ours == theirs).all()


@pytest.mark.parametrize("text", [True, False])
def test_a_scorer_survives_its_state(pair: Pair, text: bool) -> None:
    fitted = AnswerScorer(checks=CHECKS, n_trees=5, text=text).fit(pair)
    values, arrays = fitted.state()
    back = AnswerScorer.from_state(json.loads(json.dumps(values, allow_nan=False)), arrays)
    scores = back.escalation_score(pair.queries, pair.weak_answers)
    expected = fitted.escalation_score(pair.queries, pair.weak_answers)
    assert scores.tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert all(array.dtype != object for array in arrays.values())
    assert all(bool(np.isfinite(array).all()) for array in arrays.values())


def test_a_state_of_other_features_is_refused(scorer: AnswerScorer) -> None:
    values, arrays = scorer.state()
    with pytest.raises(InputError, match="are not those the cascade was fitted with"):
        AnswerScorer.from_state(values | {"features": ["arithmetic.present"]}, arrays)
    with pytest.raises(UnknownName, match="sums"):
        AnswerScorer.from_state(values | {"checks": ["sums"]}, arrays)


@pytest.mark.parametrize("name", ["check_means", "dense_weights", "word_weights"])
def test_arrays_of_another_length_are_refused(scorer: AnswerScorer, name: str) -> None:
    values, arrays = scorer.state()
    with pytest.raises(InputError, match="do not fit together"):
        AnswerScorer.from_state(values, arrays | {name: arrays[name][1:]})


def test_without_answers_there_is_nothing_to_decide_by(pair: Pair) -> None:
    for answers in ((), (None,) * len(pair)):
        with pytest.raises(InputError, match="no answer of 'w' is kept"):
            AnswerScorer(checks=CHECKS).fit(replace(pair, weak_answers=answers))


def test_rows_without_an_answer_are_not_learned_from_and_go_to_strong(pair: Pair) -> None:
    answers = (None, None, *pair.weak_answers[2:])
    scores = out_of_fold_escalation(
        lambda: AnswerScorer(checks=CHECKS, n_trees=5), replace(pair, weak_answers=answers)
    )
    assert scores[:2].tolist() == [1.0, 1.0]


def test_the_samples_fields_are_read_and_their_targets_are_not(pair: Pair) -> None:
    sure = [[-0.01] * 5 if score else [-2.0] * 5 for score in pair.weak_scores]
    samples = [
        Sample(i, query.text, target=str(score), fields={"token_log_probabilities": one})
        for i, query, score, one in zip(pair.ids, pair.queries, pair.weak_scores, sure, strict=True)
    ]

    def scores(chosen: list[Sample]) -> np.ndarray:
        return out_of_fold_escalation(
            lambda: AnswerScorer(checks=("log_probabilities",), n_trees=5, text=False),
            pair,
            samples=chosen,
        )

    found = scores(samples)
    assert area(found, pair) > 0.75
    without = scores([replace(sample, target=None) for sample in samples])
    assert (found == without).all()


def test_scores_of_a_fold_come_from_the_other_folds(pair: Pair) -> None:
    folds = grouped_folds(pair, 4, seed=2)
    scores = out_of_fold_escalation(
        lambda: AnswerScorer(checks=CHECKS, n_trees=5), pair, folds, seed=2
    )
    fitted = AnswerScorer(checks=CHECKS, n_trees=5).fit(pair.rows(folds[0].train), seed=2)
    test = pair.rows(folds[0].test)
    expected = fitted.escalation_score(test.queries, test.weak_answers)
    assert scores[folds[0].test].tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize("params", [{"penalty": 0.0}, {"checks": ()}, {"n_trees": 0}])
def test_parameters_out_of_range_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be above 0|at least"):
        AnswerScorer(**params)


def test_a_strong_call_of_a_cascade_costs_both_calls(pair: Pair) -> None:
    cascaded = both_paid(pair)
    assert set(cascaded.strong_costs_usd) == {11.0}
    points = Sweep.of(pair.gaps, cascaded, strong_alone_usd=pair.strong_costs_usd).whole()
    assert (points.cost_usd[0, 0], points.cost_usd[0, -1]) == (1.0, 11.0)
    assert points.strong_cost_usd[0] == 10.0


def test_a_query_sent_straight_to_strong_pays_no_weak_call(pair: Pair) -> None:
    direct = np.zeros(len(pair), bool)
    direct[: len(pair) // 2] = True
    points = Sweep.of(np.where(direct, -1.0, 1.0), some_direct(pair, direct)).whole()
    half = direct.mean()
    assert points.cost_usd[0, 0] == pytest.approx(10 * half + 1 * (1 - half))
    assert points.cost_usd[0, -1] == pytest.approx(10 * half + 11 * (1 - half))
    expected = np.where(direct, pair.strong_scores, pair.weak_scores).mean()
    assert points.quality[0, 0] == pytest.approx(expected)
    assert points.quality[0, -1] == 1.0


def test_nothing_direct_is_the_plain_cascade(pair: Pair) -> None:
    plain, mixed = both_paid(pair), some_direct(pair, np.zeros(len(pair), bool))
    assert (plain.strong_costs_usd == mixed.strong_costs_usd).all()
    assert (plain.weak_scores == mixed.weak_scores).all()

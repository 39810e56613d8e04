from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from llmroute.calibration.cascade import out_of_fold_escalation, shuffle_scores, with_answers
from llmroute.calibration.curve import Sweep
from llmroute.calibration.pair import Pair, Query
from llmroute.calibration.split import grouped_folds
from llmroute.calibration.summary import apgr
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.errors import InputError, UnknownName
from llmroute.records import Plugin, Sample

CHECKS = ("answer", "arithmetic", "final_number", "truncation")


@pytest.fixture(scope="module")
def pair(sums_pair: Callable[..., Pair]) -> Pair:
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


def test_shuffled_outcomes_teach_nothing(sums_pair: Callable[..., Pair]) -> None:
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


def test_only_rows_with_an_answer_carry_a_cascade(pair: Pair) -> None:
    assert with_answers(pair) is pair
    some = with_answers(replace(pair, weak_answers=(None, *pair.weak_answers[1:])))
    assert some.ids == pair.ids[1:]
    for answers in ((), (None,) * len(pair)):
        with pytest.raises(InputError, match=r"no answer of 'w' is kept(.|\n)*\"answer\""):
            with_answers(replace(pair, weak_answers=answers))


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


def test_a_task_that_names_checks_is_seen_by_them_alone(pair: Pair) -> None:
    named = (Plugin("length", {"max_words": 3}), Plugin("length", {"max_words": 99}))
    own = AnswerScorer(checks=("arithmetic",), task_checks={"short": named}, n_trees=5)
    assert list(own.checks_of("short")) == ["length", "length#2"]
    assert list(own.checks_of("other")) == list(own.checks_of(None)) == ["arithmetic"]
    assert own.feature_names[-1] == "length#2.outside"
    halves = [
        Query(query.text, "short" if row % 2 else None) for row, query in enumerate(pair.queries)
    ]
    mixed = replace(pair, queries=tuple(halves))
    fitted = own.fit(mixed)
    values, arrays = fitted.state()
    back = AnswerScorer.from_state(json.loads(json.dumps(values)), arrays)
    assert back.task_checks == {"short": named}
    scores = back.escalation_score(mixed.queries, mixed.weak_answers)
    expected = fitted.escalation_score(mixed.queries, mixed.weak_answers)
    assert scores.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_parameters_of_a_tasks_checks_change_what_is_seen(pair: Pair) -> None:
    def outside(most: int) -> float:
        named = {"t": (Plugin("length", {"max_words": most}),)}
        scorer = AnswerScorer(checks=("arithmetic",), task_checks=named, n_trees=5)
        row = scorer._features([Query("Why?", "t")], ["one two three four"], None)[0]
        return float(row[scorer.feature_names.index("length.outside")])

    assert (outside(3), outside(4)) == (1.0, 0.0)


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

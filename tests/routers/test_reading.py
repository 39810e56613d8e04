"""What routers read from a text, and the regression over it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.calibration.pair import Query
from llmroute.clip import MAX_CHARS
from llmroute.routers.design import Reading
from llmroute.routers.features import FEATURES, count_features
from llmroute.routers.grams import Vocabulary, read_grams
from llmroute.routers.remember import read_each, remembering_texts
from llmroute.routers.ridge import Columns, solve_ridge
from llmroute.routers.sparse import Rows
from llmroute.routers.text_ridge import TextRidge


def words_of(text: str, sizes: tuple[int, ...] = (1,)) -> dict[int, float]:
    grams = read_grams([text], words=sizes, chars=())
    return dict(zip(grams.hashes.tolist(), grams.counts.tolist(), strict=True))


def test_words_are_counted_whatever_their_case_and_punctuation() -> None:
    assert words_of("Cat, cat! CAT dog") == words_of("cat cat cat dog")
    assert sorted(words_of("cat cat cat dog").values()) == [1.0, 3.0]


def test_every_number_of_a_length_reads_alike() -> None:
    assert words_of("pay 16 now") == words_of("pay 42 now")
    assert words_of("pay 16 now") != words_of("pay 162 now")


def test_pairs_of_words_know_their_order_and_end_with_the_text() -> None:
    assert words_of("red fox", (2,)) != words_of("fox red", (2,))
    together = read_grams(["red", "fox"], words=(2,), chars=())
    assert together.hashes.size == 0


def test_a_word_is_the_same_wherever_it_stands() -> None:
    assert words_of("egg").keys() < words_of("x" * 3000 + " 什么 egg").keys()


def test_letter_grams_count_every_window() -> None:
    grams = read_grams(["abab"], words=(), chars=(3,))  # " ab", "aba", "bab", "ab "
    assert grams.counts.tolist() == [1.0] * 4


@given(st.lists(st.text(max_size=40), max_size=12))
def test_texts_read_together_are_read_as_alone(texts: list[str]) -> None:
    together = read_grams(texts)
    alone = [read_grams([text]) for text in texts]
    assert together.hashes.tolist() == [h for one in alone for h in one.hashes.tolist()]
    assert together.counts.tolist() == [c for one in alone for c in one.counts.tolist()]


def test_long_text_is_read_at_both_ends() -> None:
    long = "start " + "x " * MAX_CHARS + " finish"
    assert words_of("start finish").keys() < words_of(long).keys()


def test_grams_of_one_text_or_of_most_are_no_part_of_the_vocabulary() -> None:
    texts = ["sort red fox", "sort red wolf", "sort grey bear", "sort grey lynx"]
    grams = read_grams(texts, words=(1,), chars=())
    vocabulary = Vocabulary.learn(grams)
    kept = set(vocabulary.hashes.tolist())
    assert kept == words_of("red grey").keys()


def test_idf_falls_with_the_number_of_texts() -> None:
    grams = read_grams(["a", "a", "b"] + ["c"] * 3, words=(1,), chars=())
    idf = Vocabulary.learn(grams, min_texts=1).idf
    assert sorted(idf.tolist()) == pytest.approx([np.log(7 / 4), np.log(7 / 3), np.log(7 / 2)])


def test_rows_have_length_1_or_0() -> None:
    grams = read_grams(["a b", "b c", "a c", "q", "a d", "b d"], words=(1,), chars=())
    rows = Vocabulary.learn(grams).rows(grams)
    squares = np.bincount(rows.row_of, rows.values**2, len(rows))
    assert squares == pytest.approx([1, 1, 1, 0, 1, 1])


def test_counts_are_what_a_person_counts() -> None:
    text = "Tom pays $3.50 for half of 12 eggs. How many are left, if Ann doesn't buy any?"
    row = dict(zip(FEATURES, np.expm1(count_features([text])[0]).round(6).tolist(), strict=True))
    assert row["log_words"] == 15
    assert (row["log_numbers"], row["log_decimals"]) == (2, 1)
    assert (row["log_money"], row["log_fractions"]) == (2, 1)
    assert (row["log_conditions"], row["log_negations"], row["log_questions"]) == (2, 1, 2)
    assert (row["log_sentences"], row["log_commas"]) == (2, 1)


def test_ridge_by_conjugate_gradients_is_the_ridge_in_closed_form() -> None:
    random = np.random.default_rng(0)
    full = random.standard_normal((40, 12)) * (random.random((40, 12)) < 0.4)
    dense, targets = random.standard_normal((40, 3)), random.standard_normal(40)
    row_of, columns = np.nonzero(full)
    sparse = Rows.of(full[row_of, columns], columns, row_of, 40, 12)
    weights = solve_ridge(Columns(sparse, dense), targets, 2.0)
    whole = np.hstack([full, dense])
    exact = np.linalg.solve(whole.T @ whole + 2 * np.eye(15), whole.T @ (targets - targets.mean()))
    assert np.r_[weights.sparse, weights.dense] == pytest.approx(exact, abs=2e-3)
    assert weights.intercept == pytest.approx(targets.mean())


def test_a_target_is_fitted_on_the_rows_that_have_it() -> None:
    queries = [Query(("red fox", "grey wolf")[i % 2]) for i in range(40)]
    targets = np.full((40, 2), np.nan)
    targets[:, 0] = np.arange(40) % 2
    targets[:20, 1] = 0.25
    ridge = TextRidge.learn(Reading(), queries, targets, penalty=1.0, seed=0)
    predicted = ridge.predict(queries[30:34])
    assert predicted[:, 1] == pytest.approx([0.25] * 4)
    assert predicted[1, 0] > predicted[0, 0] + 0.3


def test_remembered_texts_are_read_once_and_forgotten_afterwards() -> None:
    read: list[str] = []

    def measure(texts: list[str]) -> list[int]:
        read.extend(texts)
        return [len(text) for text in texts]

    with remembering_texts():
        assert read_each("length", ["a", "bb", "a"], measure) == [1, 2, 1]
        assert read_each("length", ["bb", "ccc"], measure) == [2, 3]
    assert read == ["a", "bb", "ccc"]
    assert read_each("length", ["a"], measure) == [1]
    assert read[-1] == "a"

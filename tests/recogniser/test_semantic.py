from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from llmroute.embeddings import build_embedder
from llmroute.recogniser.semantic import PENALTY, Semantic

from .conftest import WORDS, some_text

EMBEDDING = "hashed:64"


def texts_of(n: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    tasks = [task for task in WORDS for _ in range(n)]
    return [some_text(task, rng) for task in tasks], tasks


@pytest.mark.parametrize("n", [10, 60])  # fewer and more texts than dimensions
def test_scores_are_those_of_a_weighted_ridge_regression(n: int) -> None:
    texts, tasks = texts_of(n)
    texts, tasks = texts[: -n // 2], tasks[: -n // 2]  # one task has half as many
    vectors = build_embedder(EMBEDDING).embed(texts)
    learned = Semantic.fit(vectors, tasks, EMBEDDING)
    counts = np.array([tasks.count(task) for task in tasks])
    weights = 1 / (3 * counts)
    targets = np.array([[task == name for name in learned.tasks] for task in tasks], float)
    oracle = Ridge(alpha=PENALTY).fit(vectors.astype(float), targets, sample_weight=weights)
    expected = oracle.predict(vectors.astype(float))
    # The weights are kept in steps of 1/127 of the largest.
    assert learned.score(vectors) == pytest.approx(expected, abs=0.03)


def test_a_text_is_most_like_the_task_whose_words_it_holds() -> None:
    texts, tasks = texts_of(20)
    learned = Semantic.fit(build_embedder("hashed").embed(texts), tasks, "hashed")
    similarities = learned.similarities(["a refund of my broken order", "golden autumn moon"])
    best = [learned.tasks[column] for column in similarities.argmax(axis=1)]
    assert best == ["refunds", "poems"]


def test_no_task_has_no_score_and_takes_from_all() -> None:
    texts, tasks = texts_of(20)
    nothing = ["" if task == "poems" else task for task in tasks]
    learned = Semantic.fit(build_embedder("hashed").embed(texts), nothing, "hashed")
    assert learned.tasks == ("refunds", "sums")
    assert learned.similarities(["golden autumn moon rose"]).max() < 0.5


def test_what_was_learned_survives_being_packed() -> None:
    texts, tasks = texts_of(20)
    vectors = build_embedder(EMBEDDING).embed(texts)
    learned = Semantic.fit(vectors, tasks, EMBEDDING)
    again = Semantic.unpacked(learned.packed(), learned.tasks, EMBEDDING, 0.4)
    assert (again.score(vectors) == learned.score(vectors)).all()
    assert again.threshold == 0.4
    assert len(learned.packed()) < 3 * (64 + 8) * 4 / 3 + 4


@pytest.mark.parametrize(
    "text", ["", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="]
)
def test_damaged_weights_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not those of 3 tasks|base64|padding"):
        Semantic.unpacked(text, tuple(WORDS), EMBEDDING, 0.4)

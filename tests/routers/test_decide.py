from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llmroute.artefact import training_fingerprint
from llmroute.calibration.pair import Pair, Query
from llmroute.routers import build_router
from llmroute.routers.artefact import SavedRouter, save_router
from llmroute.routers.decide import QueryRouter
from llmroute.routers.novelty import Novelty

HARD = "Prove that the {} numbers in the list sum to an even integer"
EASY = "Say good morning to guest number {} at the hotel door"


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> QueryRouter:
    texts = [(HARD if i % 2 else EASY).format(i) for i in range(100)]
    weak = np.array([0.0 if i % 2 else 1.0 for i in range(100)])
    unknown = np.full(100, np.nan)
    ids = tuple(map(str, range(100)))
    queries = tuple(Query(text) for text in texts)
    pair = Pair("small", "big", ids, queries, weak, np.ones(100), unknown, unknown, np.arange(100))
    path = tmp_path_factory.mktemp("saved") / "router.json"
    fitted = build_router("tfidf").fit(pair)
    fingerprint = training_fingerprint(pair)
    save_router(path, SavedRouter(fitted, "small", "big", 0.7, Novelty.learn(texts), fingerprint))
    return QueryRouter.load(path)


def test_easy_prompt_goes_to_the_weak_model_with_the_figures(router: QueryRouter) -> None:
    decision = router.decide(EASY.format(7), task="chat")
    assert decision.model == "small"
    assert decision.strong_win_rate < 0.7
    assert decision.task == "chat"
    assert decision.reason.endswith("< routing_threshold 0.700")


def test_hard_prompt_goes_to_the_strong_model(router: QueryRouter) -> None:
    decision = router.decide(HARD.format(8))
    assert decision.model == "big"
    assert ">= routing_threshold" in decision.reason


@pytest.mark.parametrize(
    "text", ["Übersetze bitte diesen Vertrag ins Spanische", "什么是机器学习？", "SELECT 1;"]
)
def test_prompt_unlike_the_training_prompts_goes_to_the_strong_model(
    router: QueryRouter, text: str
) -> None:
    decision = router.decide(text)
    assert decision.model == "big"
    assert decision.reason.startswith("unlike the training prompts")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_prompt_goes_to_the_strong_model(router: QueryRouter, text: str) -> None:
    decision = router.decide(text)
    assert (decision.model, decision.reason) == (
        "big",
        "the prompt is empty: strong, to be safe",
    )


def test_many_decisions_are_the_single_ones(router: QueryRouter) -> None:
    texts = [HARD.format(3), EASY.format(4), "", "什么"]
    many = router.decide_many(texts)
    assert many.models == ("big", "small", "big", "big")
    assert many.strong.tolist() == [True, False, True, True]
    assert [router.decide(text).model for text in texts] == list(many.models)


def test_no_prompts_get_no_decisions(router: QueryRouter) -> None:
    assert router.decide_many([]).models == ()


def test_novelty_is_0_for_a_known_prompt_and_1_for_a_strange_one() -> None:
    novelty = Novelty.learn(["the red fox", "the red fox", "a grey wolf"])
    assert novelty.measure(["the red fox", "das rote Auto", ""]).tolist() == [0.0, 1.0, 1.0]


def test_radius_holds_nearly_all_training_prompts_without_themselves() -> None:
    texts = [EASY.format(i) for i in range(200)] + ["zebra umbrella violin"]
    novelty = Novelty.learn(texts)
    assert novelty.radius < 1
    assert (novelty.measure([EASY.format(i) for i in range(300, 400)]) <= novelty.radius).all()


def test_a_decision_is_explained_by_score_and_novelty(router: QueryRouter) -> None:
    score, novelty = router.explain(EASY.format(7))
    rate = router.decide(EASY.format(7)).strong_win_rate
    assert score == f"tfidf: strong_win_rate {rate:.3f}, 0.700 is strong"
    assert novelty.startswith("novelty 0.0")


def test_neighbours_and_rules_are_reasons(tmp_path: Path) -> None:
    texts = tuple((HARD if i % 2 else EASY).format(i) for i in range(40))
    weak = np.array([0.0 if i % 2 else 1.0 for i in range(40)])
    unknown = np.full(40, np.nan)
    queries = tuple(Query(text) for text in texts)
    ids = tuple(map(str, range(40)))
    pair = Pair("small", "big", ids, queries, weak, np.ones(40), unknown, unknown, np.arange(40))
    saved = SavedRouter(build_router("knn").fit(pair), "small", "big", 0.7, None, {})
    _, *neighbours = QueryRouter(saved).explain(texts[1])
    assert len(neighbours) == 3
    assert neighbours[0] == "a prompt at cosine 1.00: strong − weak +1.00"

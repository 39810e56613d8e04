"""A map with a cascade, from the disk to the second model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmroute import Router
from llmroute.analysis.compare import compare
from llmroute.artefact import training_fingerprint
from llmroute.calibration.pair import Pair, Query
from llmroute.cascades.answer_scorer import AnswerScorer
from llmroute.cascades.artefact import SavedCascade, save_cascade
from llmroute.digest import file_digest
from llmroute.errors import InputError
from llmroute.records import (
    Cascade,
    Interval,
    Outcome,
    Outcomes,
    Plugin,
    Price,
    QualityRule,
    QueryRouter,
    RoutingMap,
    Usage,
)
from llmroute.routers import build_router
from llmroute.routers.artefact import SavedRouter, save_router
from llmroute.routers.novelty import Novelty
from llmroute.routing_map.choose import choose_routes
from llmroute.routing_map.file import map_to_yaml, read_map

PROMPT = "Ann has 20 pens, buys 30 and finds 40. How many are there?"
RIGHT = "20 + 30 = 50 pens\n50 + 40 = 90 pens\n#### 90"
WRONG = "20 + 30 = 53 pens\n53 + 40 = 93 pens\n#### 93"
HALF = Interval(0.5, 0.4, 0.6)


@pytest.fixture(scope="module")
def pair(sums_pair: Callable[..., Pair]) -> Pair:
    found = sums_pair(160)
    return replace(found, queries=tuple(Query(query.text, "sums") for query in found.queries))


def static_map() -> RoutingMap:
    rows = tuple(
        Outcome(task, f"s{i}", name, score=1.0, answered=True, usage=Usage(100, 50))
        for task in ("sums", "chat")
        for name in ("w", "s")
        for i in range(100)
    )
    prices = {"w": Price(0.1, 0.4), "s": Price(3.0, 15.0)}
    return choose_routes(
        compare(Outcomes(rows), prices, QualityRule(), reference="s"),
        checks={"chat": (Plugin("refusal"),)},
    )


def save(folder: Path, pair: Pair) -> RoutingMap:
    """The map, and its cascade in the folder."""
    scorer = AnswerScorer(checks=("arithmetic", "truncation"), n_trees=20).fit(pair)
    novelty = Novelty.learn([query.text for query in pair.queries])
    whole = SavedCascade(scorer, "w", "s", 0.7, novelty, training_fingerprint(pair, answers=True))
    path, _ = save_cascade(folder / "cascade.json", whole)
    stated = Cascade(
        "answer_scorer", path.name, file_digest(path), "w", "s", 0.7, HALF, HALF, HALF, "sums"
    )
    return replace(static_map(), cascade=stated)


def write(folder: Path, routing_map: RoutingMap) -> Path:
    path = folder / "routing-map.yaml"
    path.write_text(map_to_yaml(routing_map))
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Path:
    folder = tmp_path_factory.mktemp("out")
    return write(folder, save(folder, pair))


def test_the_cascade_survives_the_disk(path: Path) -> None:
    assert map_to_yaml(read_map(path)) == path.read_text()
    assert read_map(path).cascade is not None


def test_the_weak_model_is_asked_first_and_the_strong_one_where_its_answer_does_not_stand(
    path: Path,
) -> None:
    router = Router.load(path)
    decision = router.decide(PROMPT, task="sums")
    assert (decision.model, decision.strong_win_rate, decision.fallbacks) == ("w", None, ("s",))
    right = router.review(PROMPT, RIGHT, "sums")
    assert (right.accepted, right.model_next) == (True, None)
    assert right.escalation_score is not None
    assert right.escalation_score < 0.7
    wrong = router.review(PROMPT, WRONG, "sums")
    assert (wrong.accepted, wrong.model_next) == (False, "s")
    assert wrong.failed_checks == ("arithmetic.any_wrong",)
    assert wrong.reason.endswith("(arithmetic.any_wrong): s is asked next")
    again = router.review(PROMPT, WRONG, "sums", model="s")
    assert (again.accepted, again.escalation_score) == (True, None)


def test_no_answer_is_asked_for_again(path: Path) -> None:
    review = Router.load(path).review(PROMPT, None, "sums")
    assert (review.accepted, review.model_next, review.escalation_score) == (False, "s", 1.0)


def test_a_prompt_unlike_the_training_ones_goes_straight_to_strong(path: Path) -> None:
    decision = Router.load(path).decide("Übersetze bitte diesen Vertrag", task="sums")
    assert decision.model == "s"
    assert decision.reason.startswith("unlike the training prompts")


def test_other_tasks_keep_their_route_and_their_checks(path: Path) -> None:
    router = Router.load(path)
    assert router.decide("Hello", task="chat").model == "w"
    review = router.review("Hello", "I'm sorry, but I cannot help with that.", "chat")
    assert (review.accepted, review.escalation_score, review.model_next) == (False, None, "s")


def test_beside_a_query_router_the_cascade_looks_at_what_that_one_sends_to_weak(
    tmp_path: Path, pair: Pair
) -> None:
    routing_map = save(tmp_path, pair)
    hard = PROMPT.replace("finds", "then unexpectedly finds a further")
    lengths = np.array([len(query.text) for query in pair.queries])
    fitted = build_router("length").fit(replace(pair, weak_scores=1.0 * (lengths < 62)))
    between = float(fitted.strong_win_rate([Query(PROMPT), Query(hard)]).mean())
    file, _ = save_router(tmp_path / "r.json", SavedRouter(fitted, "w", "s", between, None, {}))
    stated = QueryRouter("length", file.name, file_digest(file), "w", "s", between, HALF, HALF)
    router = Router.load(write(tmp_path, replace(routing_map, query_router=stated)))
    assert router.decide(hard, task="sums").model == "s"
    assert router.review(hard, WRONG, "sums").accepted
    assert router.decide(PROMPT, task="sums").model == "w"
    assert router.review(PROMPT, WRONG, "sums").model_next == "s"


@pytest.mark.parametrize("name", ["cascade.json", "cascade.npz"])
def test_an_edited_cascade_is_refused(tmp_path: Path, pair: Pair, name: str) -> None:
    path = write(tmp_path, save(tmp_path, pair))
    edited = tmp_path / name
    edited.write_bytes(edited.read_bytes().replace(b"0", b"1"))
    with pytest.raises(InputError, match="llmroute calibrate"):
        Router.load(path)
    edited.unlink()
    with pytest.raises(InputError, match="llmroute calibrate"):
        Router.load(path)


def test_in_production_it_needs_numpy_only(path: Path) -> None:
    code = f"""
import sys
for name in ("pandas", "sklearn", "litellm", "typer", "jinja2", "scipy"):
    sys.modules[name] = None
from llmroute import Router
router = Router.load({str(path)!r})
assert router.decide({PROMPT!r}, task="sums").model == "w"
assert router.review({PROMPT!r}, {WRONG!r}, "sums").model_next == "s"
"""
    subprocess.run([sys.executable, "-c", code], check=True)

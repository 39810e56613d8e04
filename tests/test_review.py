from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from llmroute import Router
from llmroute.analysis.compare import compare
from llmroute.errors import InputError, UnknownName
from llmroute.records import Outcome, Outcomes, Plugin, Price, QualityRule, QualityThreshold
from llmroute.routing_map.choose import choose_routes
from llmroute.routing_map.file import map_to_yaml

GUARDED = (Plugin("json"), Plugin("length", {"max_words": 6}))
PROMPT = "Name the colour, in JSON."


def write_map(folder: Path, checks: Mapping[str, tuple[Plugin, ...]], *tasks: str) -> Path:
    """A map of three candidates that all clear, from the cheapest to the reference."""
    prices = {"small": Price(0.1, 0.4), "middle": Price(1.0, 4.0), "large": Price(3.0, 15.0)}
    rows = tuple(
        Outcome(task, f"s{i}", name, score=1.0, answered=True, usage=_usage())
        for task in tasks or ("colours",)
        for name in prices
        for i in range(100)
    )
    rule = QualityRule(QualityThreshold(0.9))
    comparison = compare(Outcomes(rows), prices, rule, reference="large")
    path = folder / "routing-map.yaml"
    path.write_text(map_to_yaml(choose_routes(comparison, checks=checks)))
    return path


def _usage():  # type: ignore[no-untyped-def]
    from llmroute.records import Usage

    return Usage(100, 50)


@pytest.fixture
def router(tmp_path: Path) -> Router:
    return Router.load(write_map(tmp_path, {"colours": GUARDED}))


def test_an_answer_that_passes_the_tasks_checks_stands(router: Router) -> None:
    review = router.review(PROMPT, '{"colour": "red"}')
    assert (review.accepted, review.model_next, review.failed_checks) == (True, None, ())
    assert review.escalation_score is None
    assert review.reason == "passed json, length"


def test_a_failed_check_names_who_is_asked_next(router: Router) -> None:
    assert router.decide(PROMPT).model == "small"
    review = router.review(PROMPT, "The colour is red, as far as I can see.")
    assert (review.accepted, review.model_next) == (False, "middle")
    assert review.failed_checks == ("json.failed", "length.outside")
    assert review.reason == "failed json.failed, length.outside: middle is asked next"


@pytest.mark.parametrize(
    ("model", "following"), [("small", "middle"), ("middle", "large"), ("large", None)]
)
def test_every_fallback_is_asked_once(router: Router, model: str, following: str | None) -> None:
    review = router.review(PROMPT, "red", model=model)
    assert (review.accepted, review.model_next) == (False, following)


@pytest.mark.parametrize("answer", [None, "", " \n\t"])
def test_no_answer_never_stands(router: Router, answer: str | None) -> None:
    review = router.review(PROMPT, answer)
    assert (review.accepted, review.model_next) == (False, "middle")
    assert review.reason == "there is no answer: middle is asked next"


def test_a_task_without_checks_lets_every_answer_stand(tmp_path: Path) -> None:
    router = Router.load(write_map(tmp_path, {}))
    review = router.review(PROMPT, "I'm sorry, but I cannot help with that.")
    assert review.accepted
    assert review.reason == "no check is named for its task"


def test_checks_of_one_task_do_not_judge_another(tmp_path: Path) -> None:
    router = Router.load(write_map(tmp_path, {"colours": GUARDED}, "colours", "chat"))
    assert router.review("Hi!", "Hello", "chat").accepted
    assert router.review("Hi!", "Hello", "colours", model="small").accepted is not None
    with pytest.raises(InputError, match="task must be known"):
        router.review(PROMPT, "red", model="small")
    with pytest.raises(UnknownName, match="colour"):
        router.review(PROMPT, "red", "colour")


def test_a_hostile_answer_is_reviewed_and_not_repeated(router: Router) -> None:
    review = router.review(PROMPT, "\x1b[31m{" * 200_000)
    assert not review.accepted
    assert "\x1b" not in review.reason


def test_a_check_of_the_map_that_is_not_installed_is_named(tmp_path: Path) -> None:
    path = write_map(tmp_path, {"colours": (replace(GUARDED[0], name="jsn"),)})
    with pytest.raises(UnknownName, match=r"task 'colours': unknown check 'jsn'(.|\n)*'json'"):
        Router.load(path)

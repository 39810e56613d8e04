from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmroute import Router
from llmroute.analysis.compare import compare
from llmroute.errors import InputError, UnknownName
from llmroute.records import Match, Outcome, Outcomes, Price, QualityRule, RoutingMap, Usage
from llmroute.routing_map.choose import choose_routes
from llmroute.routing_map.file import map_to_yaml

MATCHES = {
    "sums": Match(tags=("maths",), keywords=("how many",)),
    "summary": Match(tags=("maths", "digest"), keywords=("summarise",), min_chars=20),
}
QUALITY = {
    ("sums", "small"): 1.0, ("sums", "large"): 1.0,
    ("summary", "small"): 0.5, ("summary", "large"): 1.0,
    ("chat", "small"): 1.0, ("chat", "large"): 1.0,
}  # fmt: skip


def a_map(tasks: tuple[str, ...] = ("sums", "summary", "chat")) -> RoutingMap:
    """Small clears everywhere but on `summary`; a request costs $0.001 or $0.01."""
    rows = tuple(
        Outcome(task, f"s{i}", name, score=score, answered=True, usage=Usage(1000, 0))
        for (task, name), score in QUALITY.items()
        if task in tasks
        for i in range(80)
    )
    prices = {"small": Price(1.0, 1.0), "large": Price(10.0, 10.0)}
    comparison = compare(Outcomes(rows), prices, QualityRule(), reference="large")
    matches = {task: match for task, match in MATCHES.items() if task in tasks}
    return choose_routes(comparison, matches=matches)


def load(folder: Path, routing_map: RoutingMap) -> Router:
    path = folder / "routing-map.yaml"
    path.write_text(map_to_yaml(routing_map))
    return Router.load(path)


@pytest.fixture
def router(tmp_path: Path) -> Router:
    return load(tmp_path, a_map())


def test_a_rule_finds_the_task_and_its_route_answers(router: Router) -> None:
    decision = router.decide("How many eggs are left?")
    assert (decision.model, decision.task, decision.layer) == ("small", "sums", "rule")
    assert decision.fallbacks == ("large",)
    assert decision.expected_usd_per_1k == pytest.approx(1.0)
    assert decision.recognition is not None
    assert decision.recognition.reason == "keyword 'How many'"
    assert not decision.query_routed


def test_a_named_task_goes_before_everything(router: Router) -> None:
    decision = router.decide("How many eggs?", task="summary", tags=["chat"])
    assert (decision.model, decision.task, decision.layer) == ("large", "summary", "tag")


@pytest.mark.parametrize(
    "said",
    [
        {"tags": ["digest"]},
        {"tags": ["team:x", "summary"]},
        {"metadata": {"task": "summary"}},
        {"metadata": {"tags": ["digest", 7], "user": "ann"}},
        {"metadata": {"tags": "digest"}},
    ],
)
def test_tags_and_metadata_go_before_rules(router: Router, said: dict[str, Any]) -> None:
    decision = router.decide("How many eggs are left?", **said)
    assert (decision.task, decision.layer) == ("summary", "tag")


def test_a_tag_of_two_tasks_leaves_the_choice_between_them_to_the_rules(router: Router) -> None:
    decision = router.decide("How many eggs?", tags=["maths"])
    assert (decision.task, decision.layer) == ("sums", "rule")
    assert router.decide("chat", tags=["maths"]).layer == "unknown"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the request is empty"),
        ("Write a poem.", "no tag or rule names its task"),
        ("Summarise how many eggs there are.", "tags and rules speak for summary and sums alike"),
    ],
)
def test_on_any_doubt_the_reference_answers(router: Router, text: str, why: str) -> None:
    decision = router.decide(text, tags=["team:x"])
    assert (decision.model, decision.task, decision.layer) == ("large", None, "unknown")
    assert decision.reason == f"{why}: the reference answers"
    assert decision.fallbacks == ()
    assert decision.expected_usd_per_1k == pytest.approx(10.0)


def test_the_only_task_takes_every_request(tmp_path: Path) -> None:
    router = load(tmp_path, a_map(("sums",)))
    decision = router.decide("Write a poem.", tags=["digest"])
    assert (decision.model, decision.task, decision.layer) == ("small", "sums", "only_task")


def test_chat_messages_are_read_as_the_last_user_turn(router: Router) -> None:
    messages = [
        {"role": "user", "content": "How many eggs?"},
        {"role": "assistant", "content": "Three."},
        {"role": "user", "content": [{"type": "text", "text": "Now summarise our talk please"}]},
    ]
    assert router.decide(messages).task == "summary"


def test_an_unknown_task_is_refused(router: Router) -> None:
    with pytest.raises(UnknownName, match="unknown task 'sum'\nDid you mean 'sums'"):
        router.decide("hi", task="sum")
    with pytest.raises(InputError, match="tags are a list"):
        router.decide("hi", tags="digest")


WORDS = st.lists(
    st.sampled_from(["how many", "summarise", "eggs", "", "please", "x" * 30, "\x1b[2J", "要約"])
).map(" ".join)
SAID = st.lists(st.sampled_from(["maths", "digest", "chat", "other"]), max_size=2)
ROUTERS = [
    Router.of(a_map(order)) for order in (("sums", "summary", "chat"), ("chat", "summary", "sums"))
]


@given(st.lists(st.tuples(WORDS, SAID), max_size=8))
@example([("summarise how many eggs", [])])
@example([("eggs", ["maths"])])
def test_many_decisions_are_the_single_ones_in_whatever_order_the_tasks_stand(
    asked: list[tuple[str, list[str]]],
) -> None:
    texts, tags = [text for text, _ in asked], [said for _, said in asked]
    many = [router.decide_many(texts, tags=tags) for router in ROUTERS]
    one_by_one = tuple(ROUTERS[0].decide(text, tags=said) for text, said in asked)
    assert many == [one_by_one, one_by_one]


@given(WORDS, SAID)
def test_unknown_is_always_the_reference_and_nothing_else_is(text: str, said: list[str]) -> None:
    decision = ROUTERS[0].decide(text, tags=said)
    assert (decision.layer == "unknown") == (decision.task is None)
    if decision.task is None:
        assert decision.model == "large"

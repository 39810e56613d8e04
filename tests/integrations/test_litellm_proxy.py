"""The real LiteLLM proxy, started from an export, in front of the loopback provider."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llmroute import Router
from llmroute.integrations.asked import decide, read_model_name
from llmroute.routing_map.file import map_to_yaml, read_map

pytestmark = pytest.mark.xdist_group("litellm_proxy")

HARD = "Prove that the {} numbers in the list sum to an even integer"
EASY = "Say good morning to guest number {} at the hotel door"
OTHERS = (
    "Summarise what guest {} said.",
    "tl;dr of report {}, please",
    "What is the capital of country {}?",
)
SERVED = {"small": "gpt-4o-mini", "medium": "gpt-4.1-mini", "big": "gpt-4o"}
NAMES = (
    "llmroute",
    "llmroute/proofs",
    "llmroute/summaries",
    "router-tfidf-0.3",
    "router-tfidf-0.99",
)


def chats(chat_server: Any) -> list[Any]:
    """The completions that were asked for; LiteLLM looks into /v1/models by itself, too."""
    return [asked for asked in chat_server.requests if asked.path == "/v1/chat/completions"]


def served(chat_server: Any) -> list[str]:
    return [asked.body["model"] for asked in chats(chat_server)]


def eventually(holds: Callable[[], Any]) -> Any:
    for _ in range(100):
        if found := holds():
            return found
        time.sleep(0.1)
    pytest.fail("it has not come true in ten seconds")


def test_all_of_200_requests_go_to_the_model_the_map_names(proxy, chat_server) -> None:
    router = Router.load(proxy.map_file)
    tasks = [task.task for task in router.routing_map.tasks]
    expected = {}
    for number in range(200):
        prompt = (HARD, EASY, *OTHERS)[number % 5].format(number)
        name = NAMES[number // 5 % 5]
        wish = read_model_name(name, tasks)
        assert wish is not None
        expected[prompt] = SERVED[decide(router, wish, prompt).model]
        assert proxy.ask(name, prompt).status == 200
    assert {asked.prompt: asked.body["model"] for asked in chats(chat_server)} == expected
    assert len(chats(chat_server)) == 200
    assert set(expected.values()) == {"gpt-4o-mini", "gpt-4o"}


@pytest.mark.parametrize("tags", [(), ("summary",), ("maths",), ("summary", "maths")])
def test_the_hook_decides_as_the_router_does(proxy, chat_server, tags) -> None:
    router = Router.load(proxy.map_file)
    for text in (HARD, EASY, *OTHERS, "", "什么是机器学习？"):
        chat_server.requests.clear()
        prompt = text.format(7)
        decision = router.decide([{"role": "user", "content": prompt}], tags=tags)
        answer = proxy.ask("llmroute", prompt, metadata={"tags": list(tags)})
        assert served(chat_server) == [SERVED[decision.model]], prompt
        assert answer.headers["x-llmroute-model"] == decision.model
        assert answer.headers.get("x-llmroute-task") == decision.task


def test_a_task_in_the_metadata_is_taken_at_its_word(proxy, chat_server) -> None:
    answer = proxy.ask("llmroute", "What is this?", metadata={"task": "summaries"})
    assert answer.headers["x-llmroute-task"] == "summaries"
    assert served(chat_server) == ["gpt-4o-mini"]


def test_the_query_routers_score_stands_in_the_headers(proxy, chat_server) -> None:
    answer = proxy.ask("llmroute/proofs", HARD.format(7))
    decision = Router.load(proxy.map_file).decide(HARD.format(7), task="proofs")
    assert decision.strong_win_rate is not None
    assert float(answer.headers["x-llmroute-score"]) == pytest.approx(decision.strong_win_rate)
    assert answer.headers["x-llmroute-layer"] == "query router"


def test_a_threshold_in_the_models_name_replaces_the_maps(proxy, chat_server) -> None:
    assert proxy.ask("router-tfidf-0", EASY.format(7)).status == 200
    assert proxy.ask("router-tfidf-1.0", HARD.format(7)).status == 200
    assert served(chat_server) == ["gpt-4o", "gpt-4o-mini"]


def test_a_side_of_the_query_router_can_be_named(proxy, chat_server) -> None:
    assert proxy.ask("llmroute/proofs/weak", HARD.format(7)).status == 200
    assert served(chat_server) == ["gpt-4o-mini"]


def test_streamed_answers_are_decided_and_say_so(proxy, chat_server) -> None:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    parts = [
        {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "even"}}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    events = "".join(f"data: {json.dumps(part)}\n\n" for part in parts) + "data: [DONE]\n\n"
    streamed = chat_server.reply(events.encode(), headers={"Content-Type": "text/event-stream"})
    chat_server.script = lambda asked: streamed
    answer = proxy.ask("llmroute/proofs", HARD.format(7), stream=True)
    assert served(chat_server) == ["gpt-4o"]
    assert answer.headers["x-llmroute-model"] == "big"
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert '"content":"even"' in answer.text.replace(": ", ":")


def test_the_responses_endpoint_is_decided_too(proxy, chat_server) -> None:
    said = {"type": "output_text", "text": "ok", "annotations": []}
    message = {"type": "message", "id": "1", "role": "assistant", "status": "completed"}
    chat_server.script = lambda asked: {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": asked.body["model"],
        "output": [{**message, "content": [said]}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    }
    body = {"model": "llmroute", "input": "tl;dr of report 7, please"}
    answer = proxy.post("/v1/responses", body)
    assert answer.status == 200
    assert answer.headers["x-llmroute-task"] == "summaries"
    assert chat_server.requests[-1].body["model"] == "gpt-4o-mini"


def test_the_decision_stands_in_the_spend_log(proxy, chat_server) -> None:
    proxy.ask("llmroute/proofs", HARD.format(8), metadata={"spend_logs_metadata": {"team": "a"}})
    rows = eventually(lambda: [row for row in proxy.spend() if '"team": "a"' in row["metadata"]])
    [row] = rows
    logged = json.loads(row["metadata"])["spend_logs_metadata"]
    assert row["model_group"] == "llmroute/proofs/strong"
    assert logged["team"] == "a"
    assert {name: logged["llmroute"][name] for name in ("task", "model", "layer")} == {
        "task": "proofs",
        "model": "big",
        "layer": "query router",
    }


@pytest.mark.parametrize(
    ("status", "model", "fallback"),
    [(429, "llmroute/summaries", "gpt-4.1-mini"), (500, "llmroute/proofs/weak", "gpt-4o")],
)
def test_a_failing_route_is_answered_by_its_fallback(
    proxy, chat_server, status, model, fallback
) -> None:
    def script(asked: Any) -> Any:
        failing = asked.body["model"] == "gpt-4o-mini"
        return chat_server.reply({"error": {"message": "no"}}, status) if failing else "ok"

    chat_server.script = script
    answer = proxy.ask(model)
    assert answer.status == 200
    assert answer.headers["x-litellm-attempted-fallbacks"] == "1"
    assert list(dict.fromkeys(served(chat_server))) == ["gpt-4o-mini", fallback]


def test_a_content_refusal_goes_to_no_other_model(proxy, chat_server) -> None:
    chat_server.script = lambda asked: chat_server.refusal
    answer = proxy.ask("llmroute/summaries")
    assert answer.status == 400
    assert served(chat_server) == ["gpt-4o-mini"]
    assert answer.headers["x-llmroute-model"] == "small"


def test_a_request_too_long_goes_to_the_larger_window(proxy, chat_server) -> None:
    def script(asked: Any) -> Any:
        short = asked.body["model"] == "gpt-4o-mini"
        return chat_server.too_long if short else "ok"

    chat_server.script = script
    assert proxy.ask("llmroute/summaries").status == 200
    assert served(chat_server) == ["gpt-4o-mini", "gpt-4.1-mini"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("llmroute/proof", "Did you mean 'proofs'?"),
        ("router-mf-0.5", "unknown query router 'mf'"),
        ("router-tfidf-7", "Write a number from 0 to 1."),
    ],
)
def test_a_name_the_map_does_not_know_is_refused(proxy, chat_server, model, said) -> None:
    answer = proxy.ask(model)
    assert answer.status == 400
    assert said in answer.json["error"]["message"]
    assert chats(chat_server) == []


def test_a_model_of_another_name_is_none_of_the_hooks_business(proxy, chat_server) -> None:
    answer = proxy.ask("medium", EASY.format(1))
    assert served(chat_server) == ["gpt-4.1-mini"]
    assert not [name for name in answer.headers if name.startswith("x-llmroute")]


def test_a_changed_map_is_taken_up_and_a_broken_one_is_not(proxy, chat_server) -> None:
    given = proxy.map_file.read_text()
    assert proxy.ask("llmroute", "tl;dr").headers["x-llmroute-model"] == "small"
    changed = read_map(proxy.map_file)
    try:
        renamed = {**changed.matches, "proofs": changed.matches["summaries"]}
        del renamed["summaries"]
        other = proxy.map_file.with_suffix(".new")
        other.write_text(map_to_yaml(replace(changed, matches=renamed)))
        other.replace(proxy.map_file)
        answers = []
        eventually(lambda: answers.append(ask := proxy.ask("llmroute", "tl;dr")) or taken_up(ask))
        proxy.map_file.write_text("version: 1\ntasks: [")
        answers += [proxy.ask("llmroute", "tl;dr") for _ in range(5)]
        eventually(lambda: "the map before it stays" in proxy.log.read_text())
        answers += [proxy.ask("llmroute", "tl;dr") for _ in range(5)]
        assert all(answer.status == 200 for answer in answers)
        assert taken_up(answers[-1])
    finally:
        proxy.map_file.write_text(given)
    eventually(lambda: not taken_up(proxy.ask("llmroute", "tl;dr")))


def taken_up(answer: Any) -> bool:
    return bool(answer.headers["x-llmroute-task"] == "proofs")


def test_the_proxy_does_not_start_on_a_map_that_cannot_be_used(start_alone, tmp_path) -> None:
    (tmp_path / "routing-map.yaml").write_text("version: 1\n")
    code, log = start_alone(tmp_path, str(tmp_path / "routing-map.yaml"))
    assert code != 0
    assert "routing-map.yaml:1" in log

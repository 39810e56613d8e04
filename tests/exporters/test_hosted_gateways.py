"""OpenRouter's request bodies, and Portkey's config in its open gateway where that is at hand."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from llmroute.errors import InputError
from llmroute.exporters.deployments import Deployment
from llmroute.exporters.openrouter import OpenRouter, slug_of
from llmroute.exporters.portkey import Portkey

GATEWAY = os.environ.get("LLMROUTE_PORTKEY_GATEWAY", "")
"""Its build/start-server.js, after `npm install @portkey-ai/gateway`."""


def test_openrouter_tries_the_route_then_its_fallbacks(make_map) -> None:
    document = json.loads(OpenRouter().render(make_map()))
    assert document["tasks"]["summaries"]["body"] == {
        "models": ["openai/gpt-4o-mini", "openai/gpt-4.1-mini", "openai/gpt-4o"],
        "temperature": 0,
    }
    assert document["default"] == {"models": ["openai/gpt-4o"]}


def test_openrouter_is_given_three_models_and_told_which_are_left_out(make_map) -> None:
    given = make_map()
    task = replace(given.tasks[1], fallbacks=("small", "big", "medium", "big"))
    cut = replace(given, tasks=(given.tasks[0], task))
    body = json.loads(OpenRouter().render(cut))["tasks"]["proofs"]["body"]
    assert body["models"] == ["openai/gpt-4.1-mini", "openai/gpt-4o-mini", "openai/gpt-4o"]
    assert any("medium, big" in sentence for sentence in OpenRouter().cannot_carry(cut))


@pytest.mark.parametrize(
    ("model", "slug"),
    [
        ("openai/gpt-4o-2024-08-06", "openai/gpt-4o-2024-08-06"),
        ("anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4.5"),
        ("anthropic/claude-opus-4-1-20250805", "anthropic/claude-opus-4.1"),
        ("gemini/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("openrouter/qwen/qwen3-8b", "qwen/qwen3-8b"),
        ("hosted_vllm/qwen3", None),
        ("gpt-4o", None),
    ],
)
def test_slugs_are_written_as_openrouter_writes_them(model, slug) -> None:
    assert slug_of(Deployment("x", model)) == slug


def test_a_model_at_an_address_of_its_own_is_not_openrouters(make_map) -> None:
    with pytest.raises(InputError, match="does not serve 'small', 'medium', 'big'") as refused:
        OpenRouter().render(make_map("http://127.0.0.1:8000/v1"))
    assert "--model small=openrouter/VENDOR/MODEL" in str(refused.value)


def test_portkey_refuses_a_provider_it_does_not_know(make_map) -> None:
    with pytest.raises(InputError, match="'baseten/x'"):
        Portkey(models={"small": "baseten/x"}).render(make_map())


def test_portkeys_conditions_read_the_task_and_its_tags(make_map) -> None:
    document = json.loads(Portkey().render(make_map()))
    assert document["strategy"]["conditions"][0] == {
        "query": {"metadata.task": {"$in": ["summaries", "summary"]}},
        "then": "task summaries",
    }
    targets = {target["name"]: target for target in document["targets"]}
    assert document["strategy"]["default"] in targets
    first = targets["task summaries"]["targets"][0]
    assert first["provider"] == "@openai"
    assert first["override_params"] == {"temperature": 0, "model": "gpt-4o-mini"}


Ask = Callable[..., int]


@pytest.fixture
def ask_portkey(make_map, chat_server, tmp_path) -> Iterator[Ask]:
    """Asks the open gateway with the exported config as its header; the answer's status."""
    if not GATEWAY:
        pytest.skip("npm install @portkey-ai/gateway, then set LLMROUTE_PORTKEY_GATEWAY")
    config = json.dumps(_with_keys(Portkey().document(make_map(chat_server.url))))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}
    with (tmp_path / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            ["node", GATEWAY, f"--port={port}", "--headless"], stdout=log, stderr=log, env=env
        )
    _wait_for(port)

    def ask(task: str | None) -> int:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/chat/completions",
            json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode(),
            {
                "Content-Type": "application/json",
                "x-portkey-config": config,
                "x-portkey-metadata": json.dumps({"task": task} if task else {}),
            },
        )
        try:
            with urllib.request.urlopen(asked, timeout=20) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(10)


def _with_keys(value: Any) -> Any:
    """As the file says to do with the open gateway: provider and api_key in place of @NAME."""
    if isinstance(value, dict):
        own = {key: _with_keys(item) for key, item in value.items()}
        if str(own.get("provider", "")).startswith("@"):
            own |= {"provider": own["provider"][1:], "api_key": "x"}
        return own
    return [_with_keys(item) for item in value] if isinstance(value, list | tuple) else value


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the gateway has not come up in ten seconds")


@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("summaries", "gpt-4o-mini"),
        ("summary", "gpt-4o-mini"),
        ("proofs", "gpt-4.1-mini"),
        (None, "gpt-4o"),
        ("other", "gpt-4o"),
    ],
)
def test_portkeys_gateway_sends_a_task_to_its_route(ask_portkey, chat_server, task, model) -> None:
    assert ask_portkey(task) == 200
    assert [asked.body["model"] for asked in chat_server.requests] == [model]


@pytest.mark.parametrize(("status", "falls_back"), [(429, True), (500, True), (400, False)])
def test_portkeys_gateway_hands_on_errors_and_no_refusals(
    ask_portkey, chat_server, status, falls_back
) -> None:
    def script(asked: Any) -> Any:
        failing = asked.body["model"] == "gpt-4o-mini"
        return chat_server.reply({"error": {"message": "no"}}, status) if failing else "ok"

    chat_server.script = script
    assert ask_portkey("summaries") == (200 if falls_back else status)
    called = list(dict.fromkeys(asked.body["model"] for asked in chat_server.requests))
    assert called == (["gpt-4o-mini", "gpt-4.1-mini"] if falls_back else ["gpt-4o-mini"])

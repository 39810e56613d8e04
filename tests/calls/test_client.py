from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmroute.calls.client import Clients, adapter_of, open_client
from llmroute.calls.direct_client import DirectClient
from llmroute.calls.scripted import ScriptedClient
from llmroute.errors import ConfigError
from llmroute.records import Candidate

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("model", "api_base", "adapter"),
    [
        ("openai/gpt-4o-mini", None, "direct"),
        ("openrouter/anthropic/claude-haiku-4.5", None, "direct"),
        ("ollama/qwen3", None, "direct"),
        ("ollama_chat/qwen3", None, "direct"),
        ("hosted_vllm/qwen3", LOOPBACK, "direct"),
        ("litellm_proxy/fast", LOOPBACK, "direct"),
        ("Qwen/Qwen3-8B", LOOPBACK, "direct"),
        ("qwen3", LOOPBACK, "direct"),
        ("gpt-4o-mini", None, "litellm"),
        ("anthropic/claude-haiku-4-5", None, "litellm"),
        ("anthropic/claude-haiku-4-5", LOOPBACK, "litellm"),
        ("azure/my-deployment", "https://x.openai.azure.com", "litellm"),
        ("groq/llama-3.3-70b", None, "litellm"),
        ("builtin/rules", None, "builtin"),
        ("replay/gpt-4", None, "replay"),
    ],
)
def test_each_candidate_has_its_adapter(model: str, api_base: str | None, adapter: str) -> None:
    assert adapter_of(Candidate("a", model, api_base=api_base)) == adapter


def test_the_adapter_can_be_forced() -> None:
    assert adapter_of(Candidate("a", "openai/gpt-4o", adapter="litellm")) == "litellm"
    forced = Candidate("a", "mistral/small", api_base=LOOPBACK, adapter="direct")
    assert adapter_of(forced) == "direct"


def test_candidates_called_directly_share_one_client() -> None:
    clients = Clients(env={})
    one = clients(Candidate("a", "openai/x", api_base=LOOPBACK))
    assert isinstance(one, DirectClient)
    assert clients(Candidate("b", "ollama/y")) is one


def test_an_address_that_cannot_be_called_is_said_before_any_call() -> None:
    with pytest.raises(ConfigError, match="not an http"):
        open_client(Candidate("a", "openai/x", api_base="ftp://x"), env={})
    with pytest.raises(ConfigError, match="names no endpoint"):
        open_client(Candidate("a", "gpt-x", adapter="direct"), env={})


def test_builtin_programs_come_from_the_caller() -> None:
    program = ScriptedClient(lambda call: "x")
    candidate = Candidate("rules", "builtin/rules")
    assert open_client(candidate, env={}, builtin=lambda c: program) is program
    with pytest.raises(ConfigError):
        open_client(candidate, env={})


def test_a_recording_is_read_once_and_must_be_named(tmp_path: Path) -> None:
    read: list[Path] = []

    def read_recording(path: Path) -> dict[Any, Any]:
        read.append(path)
        return {}

    clients = Clients(env={}, read_recording=read_recording)
    path = tmp_path / "answers.jsonl"
    one = clients(Candidate("a", "replay/a", recording=path))
    assert clients(Candidate("b", "replay/b", recording=path)) is one
    assert read == [path]
    with pytest.raises(ConfigError, match="names no recording"):
        clients(Candidate("c", "replay/c"))

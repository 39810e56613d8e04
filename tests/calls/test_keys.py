from __future__ import annotations

import pytest

from llmroute.calls.keys import key_variables, missing_key
from llmroute.records import Candidate

LOOPBACK = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-4o-mini", "OPENAI_API_KEY"),
        ("gpt-4o-mini", "OPENAI_API_KEY"),
        ("claude-haiku-4-5", "ANTHROPIC_API_KEY"),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_KEY"),
        ("openrouter/x/y", "OPENROUTER_API_KEY"),
        ("gemini/gemini-2.5-flash", "GEMINI_API_KEY"),
        ("groq/llama", "GROQ_API_KEY"),
        ("azure/deployment", "AZURE_API_KEY"),
        ("ollama/qwen3", None),
        ("hosted_vllm/qwen3", None),
        ("bedrock/anthropic.claude", None),
        ("builtin/rules", None),
        ("replay/gpt-4", None),
        ("unheard-of", None),
    ],
)
def test_the_variable_to_set_is_named(model: str, variable: str | None) -> None:
    assert missing_key(Candidate("a", model), {}) == variable


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_any_of_a_providers_names_will_do(name: str) -> None:
    assert missing_key(Candidate("a", "gemini/x"), {name: "k"}) is None


def test_an_empty_variable_is_no_key() -> None:
    assert missing_key(Candidate("a", "openai/x"), {"OPENAI_API_KEY": ""}) == "OPENAI_API_KEY"


def test_azure_needs_three() -> None:
    env = {"AZURE_API_KEY": "k"}
    assert missing_key(Candidate("a", "azure/d"), env) == "AZURE_API_BASE"
    candidate = Candidate("a", "azure/d", api_base="https://x.openai.azure.com")
    assert missing_key(candidate, env) == "AZURE_API_VERSION"
    assert missing_key(candidate, {**env, "AZURE_API_VERSION": "2025"}) is None


def test_a_key_of_its_own_or_an_endpoint_of_its_own_needs_no_variable() -> None:
    assert missing_key(Candidate("a", "openai/x", api_key="k"), {}) is None
    assert missing_key(Candidate("a", "openai/x", api_base=LOOPBACK), {}) is None
    public = Candidate("a", "openai/x", api_base="https://api.openai.com/v1")
    assert missing_key(public, {}) == "OPENAI_API_KEY"


def test_init_learns_which_variables_to_look_for() -> None:
    assert key_variables()["anthropic"] == "ANTHROPIC_API_KEY"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("provider", sorted(key_variables()))
def test_litellm_finds_nothing_missing_when_our_variables_are_set(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmroute.calls.keys import KEY_VARIABLES
    from llmroute.calls.litellm_client import import_litellm

    litellm = import_litellm()
    for names in KEY_VARIABLES[provider]:
        monkeypatch.setenv(names[0], "k")
    assert litellm.validate_environment(f"{provider}/some-model")["missing_keys"] == []

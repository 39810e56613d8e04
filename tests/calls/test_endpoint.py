from __future__ import annotations

import pytest

from llmroute.calls.endpoint import endpoint_of
from llmroute.errors import ConfigError
from llmroute.records import Candidate

OPENAI = {"OPENAI_API_KEY": "sk-mine-12345678"}


def endpoint(model: str, api_base: str | None = None, env: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    return endpoint_of(Candidate("a", model, api_base=api_base), env or {})


@pytest.mark.parametrize(
    ("model", "api_base", "url", "name"),
    [
        ("openai/gpt-4o", None, "https://api.openai.com/v1/chat/completions", "gpt-4o"),
        ("openrouter/a/b", None, "https://openrouter.ai/api/v1/chat/completions", "a/b"),
        ("ollama/q:8b", None, "http://127.0.0.1:11434/v1/chat/completions", "q:8b"),
        ("ollama/q", "http://10.0.0.2:11434", "http://10.0.0.2:11434/v1/chat/completions", "q"),
        ("ollama/q", "http://10.0.0.2:11434/v1/", "http://10.0.0.2:11434/v1/chat/completions", "q"),
        ("openai/m", "http://h/v1/chat/completions", "http://h/v1/chat/completions", "m"),
        ("Qwen/Qwen3", "http://h/v1", "http://h/v1/chat/completions", "Qwen/Qwen3"),
        ("plain", "http://h/v1?v=2", "http://h/v1/chat/completions?v=2", "plain"),
    ],
)
def test_calls_go_to_the_chat_path_of_the_base(
    model: str, api_base: str | None, url: str, name: str
) -> None:
    found = endpoint(model, api_base)
    assert (found.url, found.model) == (url, name)


def test_a_providers_key_goes_to_the_provider_only() -> None:
    assert endpoint("openai/m", env=OPENAI).api_key == OPENAI["OPENAI_API_KEY"]
    assert endpoint("openai/m", "https://api.openai.com/v1", OPENAI).api_key is not None
    assert endpoint("openai/m", "https://api.openai.com.evil.test/v1", OPENAI).api_key is None
    assert endpoint("openai/m", "http://api.openai.com/v1", OPENAI).api_key is None


def test_a_base_from_the_environment_is_trusted_with_the_key_beside_it() -> None:
    env = {**OPENAI, "OPENAI_BASE_URL": "http://gateway.test/v1"}
    found = endpoint("openai/m", env=env)
    assert found.url == "http://gateway.test/v1/chat/completions"
    assert found.api_key == OPENAI["OPENAI_API_KEY"]


@pytest.mark.parametrize(
    "base", ["localhost:8000", "file:///etc/passwd", "http://", "http://h:99999/v1", "http://a b/"]
)
def test_what_is_no_address_is_refused(base: str) -> None:
    with pytest.raises(ConfigError, match="not an http"):
        endpoint("openai/m", base)


@pytest.mark.parametrize(
    ("env", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ({"https_proxy": "http://p:3128", "NO_PROXY": "example.com"}, "http://p:3128"),
        ({"https_proxy": "http://p:3128", "NO_PROXY": ".openai.com"}, None),
        ({"https_proxy": "http://p:3128", "no_proxy": "*"}, None),
        ({"http_proxy": "http://p:3128"}, None),
        ({}, None),
    ],
)
def test_the_environments_proxy_is_used(env: dict[str, str], proxy: str | None) -> None:
    assert endpoint("openai/m", env=env).proxy == proxy


def test_loopback_never_goes_through_a_proxy() -> None:
    env = {"http_proxy": "http://p:3128", "all_proxy": "http://p:3128"}
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert endpoint("openai/m", f"http://{host}:1/v1", env).proxy is None


def test_neither_key_nor_proxy_shows_in_a_repr() -> None:
    env = {**OPENAI, "https_proxy": "http://me:word@p:3128"}
    shown = repr(endpoint("openai/m", env=env))
    assert "sk-mine" not in shown
    assert "word" not in shown

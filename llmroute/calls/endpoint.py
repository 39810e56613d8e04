"""Candidate → Endpoint: where its calls go, under which model name and with which key."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit, urlunsplit

from llmroute.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Candidate


@dataclass(frozen=True, slots=True)
class ChatProtocol:
    """A provider that speaks OpenAI's chat protocol."""

    default_base: str
    base_vars: tuple[str, ...] = ()
    """Environment variables that move the base, the first set one wins."""
    key_var: str | None = None
    public: bool = False
    """The default base is one company's: its key goes nowhere else unless a person sends it."""
    needs_v1: bool = False
    """LiteLLM's form of the base lacks the /v1 under which the chat protocol is served."""


OPENAI_PROVIDERS: Mapping[str, ChatProtocol] = {
    "hosted_vllm": ChatProtocol(
        "http://127.0.0.1:8000/v1", ("HOSTED_VLLM_API_BASE",), "HOSTED_VLLM_API_KEY"
    ),
    "litellm_proxy": ChatProtocol(
        "http://127.0.0.1:4000", ("LITELLM_PROXY_API_BASE",), "LITELLM_PROXY_API_KEY"
    ),
    "llamafile": ChatProtocol(
        "http://127.0.0.1:8080/v1", ("LLAMAFILE_API_BASE",), "LLAMAFILE_API_KEY"
    ),
    "lm_studio": ChatProtocol(
        "http://127.0.0.1:1234/v1", ("LM_STUDIO_API_BASE",), "LM_STUDIO_API_KEY"
    ),
    "ollama": ChatProtocol(
        "http://127.0.0.1:11434/v1", ("OLLAMA_API_BASE",), "OLLAMA_API_KEY", needs_v1=True
    ),
    "ollama_chat": ChatProtocol(
        "http://127.0.0.1:11434/v1", ("OLLAMA_API_BASE",), "OLLAMA_API_KEY", needs_v1=True
    ),
    "openai": ChatProtocol(
        "https://api.openai.com/v1",
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        "OPENAI_API_KEY",
        public=True,
    ),
    "openrouter": ChatProtocol(
        "https://openrouter.ai/api/v1", ("OPENROUTER_API_BASE",), "OPENROUTER_API_KEY", public=True
    ),
}

LITELLM_PROVIDERS = frozenset(
    {
        "ai21",
        "anthropic",
        "azure",
        "azure_ai",
        "baseten",
        "bedrock",
        "cerebras",
        "cloudflare",
        "codestral",
        "cohere",
        "cohere_chat",
        "dashscope",
        "databricks",
        "deepinfra",
        "deepseek",
        "featherless_ai",
        "fireworks_ai",
        "friendliai",
        "gemini",
        "github",
        "github_copilot",
        "gigachat",
        "groq",
        "huggingface",
        "hyperbolic",
        "lambda_ai",
        "meta_llama",
        "minimax",
        "mistral",
        "moonshot",
        "nebius",
        "nlp_cloud",
        "novita",
        "nvidia_nim",
        "oci",
        "perplexity",
        "predibase",
        "replicate",
        "sagemaker",
        "sagemaker_chat",
        "sambanova",
        "snowflake",
        "text-completion-codestral",
        "text-completion-openai",
        "together_ai",
        "triton",
        "vercel_ai_gateway",
        "vertex_ai",
        "voyage",
        "volcengine",
        "watsonx",
        "xai",
        "zai",
    }
)
"""Prefixes LiteLLM reads as a provider; any other belongs to the model's name."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one candidate's calls go."""

    url: str
    shown: str
    """The url as messages show it: without credentials and query."""
    model: str
    """The model's name as the endpoint knows it."""
    api_key: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    renames_max_tokens: bool = False
    """OpenAI's reasoning models know the parameter as max_completion_tokens only."""


def endpoint_of(candidate: Candidate, env: Mapping[str, str]) -> Endpoint:
    """Where this candidate's calls go when they are sent directly.

    A provider's own key is sent to the provider, and to a base the environment names beside it,
    but not to an `api_base` of the candidate: that one gets the candidate's `api_key` or none.

    Raises:
        ConfigError: `api_base` is no http(s) address, or is missing where there is no default.

    >>> from llmroute.records import Candidate
    >>> endpoint_of(Candidate("a", "ollama/qwen3"), {}).url
    'http://127.0.0.1:11434/v1/chat/completions'
    >>> endpoint_of(Candidate("a", "openai/m", api_base="http://10.0.0.5/v1"), {}).api_key is None
    True
    """
    provider, model = _provider_and_model(candidate)
    protocol = OPENAI_PROVIDERS.get(provider)
    base = base_of(candidate, env)
    parts = _split(base, candidate)
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    if protocol is not None and protocol.needs_v1 and not path.endswith("/v1"):
        path += "/v1"
    parts = parts._replace(path=f"{path}/chat/completions", fragment="")
    return Endpoint(
        url=urlunsplit(parts),
        shown=shown_url(urlunsplit(parts)),
        model=model,
        api_key=_key(candidate, protocol, base, env),
        proxy=_proxy(parts, env),
        renames_max_tokens=provider == "openai" and bool(_REASONING.match(model)),
    )


def base_of(candidate: Candidate, env: Mapping[str, str]) -> str:
    """The base address of a candidate that is called directly.

    Raises:
        ConfigError: the candidate names none, and its provider has no default.
    """
    if candidate.api_base:
        return candidate.api_base
    protocol = OPENAI_PROVIDERS.get(candidate.provider)
    if protocol is None:
        raise ConfigError(
            f"candidate {candidate.name!r}: model {candidate.model!r} names no endpoint",
            fix="Add 'api_base: http://…/v1', or leave 'adapter' out to go through LiteLLM.",
        )
    return _env_base(protocol, env) or protocol.default_base


def is_public(candidate: Candidate, env: Mapping[str, str]) -> bool:
    """Whether calls go to the provider's own public address, which needs its key.

    Raises:
        ConfigError: the address is none.
    """
    protocol = OPENAI_PROVIDERS.get(candidate.provider)
    if protocol is None or not protocol.public:
        return False
    base = base_of(candidate, env)
    _split(base, candidate)
    return _same_host(base, protocol.default_base)


def shown_url(url: str) -> str:
    """The address without user, password, query and fragment, fit for a message.

    >>> shown_url("https://me:secret@api.example.com:8443/v1?key=abc")
    'https://api.example.com:8443/v1'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


_REASONING = re.compile(r"(ft:)?(o\d|gpt-5)")


def _provider_and_model(candidate: Candidate) -> tuple[str, str]:
    provider, _, rest = candidate.model.partition("/")
    if rest and (provider in OPENAI_PROVIDERS or provider in LITELLM_PROVIDERS):
        return provider, rest
    return "", candidate.model


def _split(base: str, candidate: Candidate) -> SplitResult:
    try:
        parts = urlsplit(base)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(ord(char) <= 32 for char in base):
        raise ConfigError(
            f"candidate {candidate.name!r}: api_base is not an http(s) address",
            fix="Write it like http://127.0.0.1:8000/v1",
        )
    return parts


def _env_base(protocol: ChatProtocol, env: Mapping[str, str]) -> str | None:
    return next((env[name] for name in protocol.base_vars if env.get(name)), None)


def _key(
    candidate: Candidate, protocol: ChatProtocol | None, base: str, env: Mapping[str, str]
) -> str | None:
    if candidate.api_key is not None:
        return candidate.api_key
    if protocol is None or protocol.key_var is None:
        return None
    foreign = protocol.public and candidate.api_base is not None
    if foreign and not _same_host(base, protocol.default_base):
        return None
    return env.get(protocol.key_var) or None


def _same_host(base: str, other: str) -> bool:
    one, two = urlsplit(base), urlsplit(other)
    return (one.scheme, one.hostname) == (two.scheme, two.hostname)


def _proxy(parts: SplitResult, env: Mapping[str, str]) -> str | None:
    """The proxy the environment names, looked up once: loopback never goes through one."""
    host = parts.hostname or ""
    if _is_loopback(host):
        return None
    skipped = env.get("no_proxy") or env.get("NO_PROXY") or ""
    for entry in filter(None, (part.strip().lstrip(".") for part in skipped.split(","))):
        if entry == "*" or host == entry or host.endswith(f".{entry}"):
            return None
    name = f"{parts.scheme}_proxy"
    return env.get(name) or env.get(name.upper()) or env.get("all_proxy") or env.get("ALL_PROXY")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

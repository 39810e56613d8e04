"""Candidate → the environment variable that lacks its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.calls.client import adapter_of
from llmroute.calls.endpoint import OPENAI_PROVIDERS, is_public
from llmroute.calls.prices import model_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Candidate

KEY_VARIABLES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ai21": (("AI21_API_KEY",),),
    "anthropic": (("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),),
    "azure": (("AZURE_API_KEY",), ("AZURE_API_BASE",), ("AZURE_API_VERSION",)),
    "azure_ai": (("AZURE_AI_API_KEY",), ("AZURE_AI_API_BASE",)),
    "baseten": (("BASETEN_API_KEY",),),
    "cerebras": (("CEREBRAS_API_KEY",),),
    "codestral": (("CODESTRAL_API_KEY",),),
    "cohere": (("COHERE_API_KEY", "CO_API_KEY"),),
    "cohere_chat": (("COHERE_API_KEY", "CO_API_KEY"),),
    "dashscope": (("DASHSCOPE_API_KEY",),),
    "databricks": (("DATABRICKS_API_KEY", "DATABRICKS_TOKEN"), ("DATABRICKS_API_BASE",)),
    "deepinfra": (("DEEPINFRA_API_KEY",),),
    "deepseek": (("DEEPSEEK_API_KEY",),),
    "fireworks_ai": (
        (
            "FIREWORKS_AI_API_KEY",
            "FIREWORKS_API_KEY",
            "FIREWORKSAI_API_KEY",
            "FIREWORKS_AI_TOKEN",
        ),
    ),
    "gemini": (("GEMINI_API_KEY", "GOOGLE_API_KEY"),),
    "groq": (("GROQ_API_KEY",),),
    "huggingface": (("HUGGINGFACE_API_KEY", "HF_TOKEN"),),
    "hyperbolic": (("HYPERBOLIC_API_KEY",),),
    "minimax": (("MINIMAX_API_KEY",),),
    "mistral": (("MISTRAL_API_KEY",),),
    "moonshot": (("MOONSHOT_API_KEY",),),
    "nebius": (("NEBIUS_API_KEY",),),
    "novita": (("NOVITA_API_KEY",),),
    "nvidia_nim": (("NVIDIA_NIM_API_KEY",),),
    "openai": (("OPENAI_API_KEY",),),
    "openrouter": (("OPENROUTER_API_KEY",),),
    "perplexity": (("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),),
    "replicate": (("REPLICATE_API_KEY",),),
    "sambanova": (("SAMBANOVA_API_KEY",),),
    "together_ai": (
        ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_AI_TOKEN"),
    ),
    "vercel_ai_gateway": (("VERCEL_AI_GATEWAY_API_KEY",),),
    "volcengine": (("VOLCENGINE_API_KEY",),),
    "xai": (("XAI_API_KEY",),),
    "zai": (("ZAI_API_KEY",),),
}
"""Provider → groups of variables, each needing one of its names to be set.

From litellm 1.106's `validate_environment` and provider modules. Left out are providers that are
reached through a cloud's own login (bedrock, sagemaker, vertex_ai, watsonx, snowflake): what is
missing there cannot be told from the environment alone.
"""


def missing_key(candidate: Candidate, env: Mapping[str, str]) -> str | None:
    """The environment variable to set before this candidate can be called, or None.

    Programs, recordings, local servers and candidates with an `api_key` of their own need none.

    >>> from llmroute.records import Candidate
    >>> missing_key(Candidate("a", "anthropic/claude-haiku-4-5"), {})
    'ANTHROPIC_API_KEY'
    >>> missing_key(Candidate("a", "ollama/qwen3"), {}) is None
    True
    """
    if candidate.api_key or adapter_of(candidate) in ("builtin", "replay"):
        return None
    provider = candidate.provider
    if provider in OPENAI_PROVIDERS:
        return _first_missing(provider, candidate, env) if is_public(candidate, env) else None
    if candidate.api_base is not None and provider != "azure":
        return None
    if provider not in KEY_VARIABLES:
        provider = model_provider(candidate.model) or ""
    return _first_missing(provider, candidate, env)


def key_variables() -> Mapping[str, str]:
    """Provider → the variable that usually holds its key: what `init` looks for."""
    return {provider: groups[0][0] for provider, groups in KEY_VARIABLES.items()}


def _first_missing(provider: str, candidate: Candidate, env: Mapping[str, str]) -> str | None:
    for names in KEY_VARIABLES.get(provider, ()):
        based = names[0].endswith("_API_BASE") and candidate.api_base
        versioned = names[0].endswith("_API_VERSION") and "api_version" in candidate.params
        if not (based or versioned or any(env.get(name) for name in names)):
            return names[0]
    return None

"""RoutingMap → the configuration of vLLM Semantic Router, version v0.3 of its form.

Its form is the JSON Schema that vllm-sr 0.4.0 carries (router-config-v0.3.schema.json), whose own
validator the tests run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from llmroute.errors import InputError
from llmroute.exporters.deployments import Deployment, find_deployments
from llmroute.exporters.evidence import describe_evidence, query_routed, unguarded
from llmroute.exporters.examples import Examples, learnt_from
from llmroute.exporters.text import header, left_out, to_yaml
from llmroute.records import Match, RoutingMap, TaskRoute
from llmroute.routing_map.file import rounded

EMBEDDING_THRESHOLD = 0.7
FALLBACK_STATUS = (429, 500, 502, 503, 504)
PORT = 8899

PROVIDERS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "dashscope": "dashscope",
    "deepinfra": "deepinfra",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "gemini",
    "groq": "groq",
    "hosted_vllm": "vllm",
    "lm_studio": "lm-studio",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshot",
    "nebius": "nebius",
    "novita": "novita",
    "nvidia_nim": "nvidia-nim",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "sambanova": "sambanova",
    "together_ai": "together",
    "vercel_ai_gateway": "vercel-ai-gateway",
    "xai": "xai",
    "zai": "zai",
}
"""LiteLLM's prefix → the provider's id in vllm-sr's catalogue."""

_CONDITIONS = ("min_chars", "max_chars", "has_code", "has_json")


@dataclass(frozen=True, slots=True)
class VllmSemanticRouter:
    """A vLLM Semantic Router configuration: signals and a decision a task.

    Args:
        models: candidate → LiteLLM id, where the map's provenance does not say it.
        examples: task → prompts of its samples, beside the map's utterances.
    """

    suffix: ClassVar[str] = ".yaml"

    models: Mapping[str, str] = field(default_factory=dict)
    examples: Examples = field(default_factory=dict)

    def render(self, routing_map: RoutingMap) -> str:
        """The text of the configuration file.

        Raises:
            InputError: a candidate cannot be called, or a task has no example.
        """
        deployments = find_deployments(routing_map, self.models)
        texts = learnt_from(routing_map, self.examples)
        document = {
            "version": "v0.3",
            "listeners": [{"name": "http", "address": "127.0.0.1", "port": PORT}],
            "providers": {
                "defaults": {"model": routing_map.reference},
                "models": [_model(deployment) for deployment in deployments.values()],
            },
            "routing": {
                "strategy": "priority",
                "fallback": _fallback(routing_map),
                "modelCards": [
                    {"name": d.candidate, "context_window_size": d.context_tokens}
                    for d in deployments.values()
                    if d.context_tokens
                ],
                "signals": _signals(routing_map, texts),
                "decisions": [*_decisions(routing_map), _unknown(routing_map)],
            },
        }
        return self._header(routing_map) + to_yaml(document)

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What vLLM Semantic Router has no place for, or what nobody measured for it."""
        return (
            *_lost_rules(routing_map),
            *query_routed(routing_map),
            *unguarded(routing_map),
            *_lost_params(routing_map),
            (
                f"The likeness a request must have: {EMBEDDING_THRESHOLD} was measured by nobody;"
                " set it on the router's own embedding."
            ),
            "A larger window for requests too long for their model.",
        )

    def _header(self, routing_map: RoutingMap) -> str:
        use = [
            "Check and start it (pip install vllm-sr):",
            "  vllm-sr config validate --config FILE",
            "  vllm-sr serve --config FILE",
            "A request may name its task in its metadata: {task: …}.",
        ]
        notes = left_out(self.cannot_carry(routing_map))
        return header("vLLM Semantic Router", routing_map, use, notes)


def _model(deployment: Deployment) -> dict[str, Any]:
    prefix, _, rest = deployment.model.partition("/")
    provider = PROVIDERS.get(prefix)
    if provider is None and not deployment.api_base:
        raise InputError(
            f"vLLM Semantic Router's catalogue has no provider for {deployment.model!r}",
            fix=f"Name another model: --model {deployment.candidate}=PROVIDER/MODEL, with one of"
            f" {', '.join(sorted(PROVIDERS))}.",
        )
    own = prefix in ("openai", "") or provider is None
    backend: dict[str, Any] = {
        "name": "primary",
        "provider": "openai-compatible" if deployment.api_base and own else provider,
    }
    if deployment.api_base:
        backend["base_url"] = deployment.api_base
    elif deployment.base_variable:
        raise InputError(
            f"the map does not say where {deployment.candidate!r} is served",
            fix="Write its api_base into llmroute.yaml and make the map again (llmroute map).",
        )
    if deployment.key_variable:
        backend["api_key_env"] = deployment.key_variable
    name = rest if provider is not None else deployment.model
    return {
        "name": deployment.candidate,
        "provider_model_id": name or deployment.model,
        "backend_refs": [backend],
        **_pricing(deployment),
    }


def _pricing(deployment: Deployment) -> dict[str, Any]:
    price = deployment.price
    if price is None or price.input_usd_per_mtok is None:
        return {}
    stated = {
        "prompt_per_1m": price.input_usd_per_mtok,
        "completion_per_1m": price.output_usd_per_mtok,
        "cached_input_per_1m": price.cached_input_usd_per_mtok,
    }
    return {"pricing": {"currency": "USD", **{k: v for k, v in stated.items() if v is not None}}}


def _fallback(routing_map: RoutingMap) -> dict[str, Any]:
    """On errors the next of a decision's models is asked; a 400, so a refusal, is final."""
    return {
        "version": 1,
        "enabled": True,
        "max_attempts": 1 + max(len(task.fallbacks) for task in routing_map.tasks),
        "retryable_status_codes": list(FALLBACK_STATUS),
    }


def _signals(routing_map: RoutingMap, texts: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    matches = {t.task: routing_map.matches.get(t.task, Match()) for t in routing_map.tasks}
    return {
        "metadata": [
            {"name": task, "key": "task", "predicate": {"in": [task, *match.tags]}}
            for task, match in matches.items()
        ],
        "keywords": [
            {
                "name": task,
                "operator": "OR",
                "keywords": list(match.keywords),
                "case_sensitive": False,
            }
            for task, match in matches.items()
            if match.keywords
        ],
        "embeddings": [
            {
                "name": task,
                "threshold": EMBEDDING_THRESHOLD,
                "candidates": list(texts[task]),
                "aggregation_method": "max",
            }
            for task in matches
        ],
    }


def _decisions(routing_map: RoutingMap) -> Iterator[dict[str, Any]]:
    """A decision a task and layer: what a request says, then its words, then its likeness."""
    layers = (("metadata", 300), ("keyword", 200), ("embedding", 100))
    for signal, priority in layers:
        for task in routing_map.tasks:
            match = routing_map.matches.get(task.task, Match())
            if signal != "keyword" or match.keywords:
                yield _decision(task, signal, priority, routing_map)


def _decision(
    task: TaskRoute, signal: str, priority: int, routing_map: RoutingMap
) -> dict[str, Any]:
    return {
        "name": f"{task.task} by {signal}",
        "description": f"{task.task}: {task.route}, {task.verdict}",
        "priority": priority,
        "rules": {"operator": "OR", "conditions": [{"type": signal, "name": task.task}]},
        "modelRefs": [{"model": name} for name in (task.route, *task.fallbacks)],
        "algorithm": {"type": "static"},
        "annotations": {"llmroute": rounded(describe_evidence(task, routing_map))},
    }


def _unknown(routing_map: RoutingMap) -> dict[str, Any]:
    return {
        "name": "unknown",
        "description": "No task is recognised: the reference answers.",
        "priority": 0,
        "modelRefs": [{"model": routing_map.reference}],
        "algorithm": {"type": "static"},
    }


def _lost_rules(routing_map: RoutingMap) -> Iterator[str]:
    lost = [
        task
        for task, match in routing_map.matches.items()
        if match.patterns or any(getattr(match, name) is not None for name in _CONDITIONS)
    ]
    if lost:
        yield f"The patterns and conditions of {', '.join(sorted(lost))}."


def _lost_params(routing_map: RoutingMap) -> Iterator[str]:
    known = routing_map.provenance.candidates
    lost = sorted(name for name, facts in known.items() if facts.get("params"))
    if lost:
        yield f"The parameters of {', '.join(lost)} (temperature and the like)."

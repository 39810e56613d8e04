"""RoutingMap → a Portkey config: a conditional strategy whose targets fall back in order.

Run with the open gateway @portkey-ai/gateway 1.15.2; its form is checked there by
src/middlewares/requestValidator/schema/config.ts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from llmroute.errors import InputError
from llmroute.exporters.deployments import Deployment, find_deployments
from llmroute.exporters.evidence import query_routed, unguarded
from llmroute.exporters.text import left_out, sentences_of, to_json
from llmroute.records import Match, RoutingMap

USE = 'Name a request\'s task in its metadata: x-portkey-metadata: {"task": "…"}.'
KEYS = (
    "A provider @NAME is the integration of that name in your Portkey account, which holds the key."
    " With the open gateway write provider and api_key in its place."
)

FALLBACK_STATUS = (401, 403, 404, 408, 429, 500, 502, 503, 504)
"""Not 400: a refusal is one, and stays one."""
RETRY_STATUS = (500, 502, 503, 504)

PROVIDERS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure": "azure-openai",
    "bedrock": "bedrock",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "deepinfra": "deepinfra",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks-ai",
    "gemini": "google",
    "groq": "groq",
    "hosted_vllm": "openai",
    "mistral": "mistral-ai",
    "novita": "novita-ai",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity-ai",
    "sambanova": "sambanova",
    "together_ai": "together-ai",
    "vertex_ai": "vertex-ai",
    "xai": "x-ai",
}
"""LiteLLM's prefix → Portkey's provider."""


@dataclass(frozen=True, slots=True)
class Portkey:
    """A Portkey config: a condition a task on metadata.task, each target with its fallbacks.

    Args:
        models: candidate → LiteLLM id, where the map's provenance does not say it.
    """

    suffix: ClassVar[str] = ".json"

    models: Mapping[str, str] = field(default_factory=dict)

    def render(self, routing_map: RoutingMap) -> str:
        """The text of the JSON file.

        Raises:
            InputError: a candidate cannot be called, or is of no provider of Portkey's.
        """
        return to_json(self.document(routing_map))

    def document(self, routing_map: RoutingMap) -> dict[str, Any]:
        """The config as plain values.

        Raises:
            InputError: as `render`.
        """
        deployments = find_deployments(routing_map, self.models)
        chains = {
            task.task: [deployments[name] for name in (task.route, *task.fallbacks)]
            for task in routing_map.tasks
        }
        use = (USE, KEYS)
        notes = left_out(self.cannot_carry(routing_map))
        return {
            "_comment": sentences_of("Portkey config", routing_map, use, notes),
            "strategy": {
                "mode": "conditional",
                "conditions": [_condition(task.task, routing_map) for task in routing_map.tasks],
                "default": "reference",
            },
            "targets": [
                *(_chain(f"task {task}", chain) for task, chain in chains.items()),
                _chain("reference", [deployments[routing_map.reference]]),
            ],
        }

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What a Portkey config has no place for."""
        return (
            "How a task is recognised by words or likeness: the caller names it in the metadata.",
            *query_routed(routing_map),
            *unguarded(routing_map),
            "Prices, and the evidence for a route.",
            "A larger window for requests too long for their model: a 400 is final.",
        )


def _condition(task: str, routing_map: RoutingMap) -> dict[str, Any]:
    tags = routing_map.matches.get(task, Match()).tags
    named = list(dict.fromkeys([task, *tags]))
    return {"query": {"metadata.task": {"$in": named}}, "then": f"task {task}"}


def _chain(name: str, deployments: list[Deployment]) -> dict[str, Any]:
    return {
        "name": name,
        "strategy": {"mode": "fallback", "on_status_codes": list(FALLBACK_STATUS)},
        "targets": [_target(deployment) for deployment in deployments],
    }


def _target(deployment: Deployment) -> dict[str, Any]:
    prefix, _, model = deployment.model.partition("/")
    provider = PROVIDERS.get(prefix)
    if provider is None:
        raise InputError(
            f"Portkey has no provider that llmroute knows for {deployment.model!r}",
            fix=f"Name another model: --model {deployment.candidate}=PROVIDER/MODEL, with one of"
            f" {', '.join(sorted(PROVIDERS))}.",
        )
    if deployment.base_variable:
        raise InputError(
            f"the map does not say where {deployment.candidate!r} is served",
            fix="Write its api_base into llmroute.yaml and make the map again (llmroute map).",
        )
    served = {"custom_host": deployment.api_base} if deployment.api_base else {}
    return {
        "provider": f"@{provider}",
        **served,
        "override_params": {**deployment.params, "model": model},
        "retry": {"attempts": 1, "on_status_codes": list(RETRY_STATUS)},
    }

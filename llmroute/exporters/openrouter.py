"""RoutingMap → request bodies for OpenRouter: `models` is tried in its order.

Its form was read from OpenRouter's documentation of model routing (openrouter.ai/docs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from llmroute.errors import InputError
from llmroute.exporters.deployments import Deployment, find_deployments
from llmroute.exporters.evidence import describe_evidence, query_routed, unguarded
from llmroute.exporters.text import left_out, sentences_of, to_json
from llmroute.records import RoutingMap, TaskRoute

USE = (
    "Send a task's body with your messages to https://openrouter.ai/api/v1/chat/completions, with"
    " the key from OPENROUTER_API_KEY; a request of no task with the default's."
)
LOOK_UP = (
    "Slugs that --model does not name follow OpenRouter's way of writing them: look each up at"
    " https://openrouter.ai/models."
)
MODERATED = (
    "Refusals that stay refused: OpenRouter hands a moderated request to the next model, as it does"
    " an error."
)
MOST_MODELS = 3
"""OpenRouter's limit for `models`."""

VENDORS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "deepseek": "deepseek",
    "gemini": "google",
    "minimax": "minimax",
    "mistral": "mistralai",
    "moonshot": "moonshotai",
    "openai": "openai",
    "perplexity": "perplexity",
    "xai": "x-ai",
    "zai": "z-ai",
}
"""LiteLLM's prefix → the vendor in OpenRouter's slugs."""

_VERSION = re.compile(r"(?<=-)(\d)-(\d{1,2})(?=$|-)")
_DATE = re.compile(r"-\d{8}$")


@dataclass(frozen=True, slots=True)
class OpenRouter:
    """OpenRouter request bodies: for each task `models` and parameters to send along.

    Args:
        models: candidate → LiteLLM id, or openrouter/SLUG where OpenRouter's slug is another.
    """

    suffix: ClassVar[str] = ".json"

    models: Mapping[str, str] = field(default_factory=dict)

    def render(self, routing_map: RoutingMap) -> str:
        """The text of the JSON file.

        Raises:
            InputError: a candidate cannot be called, or is not one of OpenRouter's.
        """
        deployments = find_deployments(routing_map, self.models)
        slugs = _slugs(deployments)
        use = (USE, LOOK_UP)
        notes = left_out(self.cannot_carry(routing_map))
        document = {
            "_comment": sentences_of("OpenRouter request bodies", routing_map, use, notes),
            "default": {"models": [slugs[routing_map.reference]]},
            "tasks": {
                task.task: {
                    "body": _body(task, slugs, deployments),
                    "evidence": describe_evidence(task, routing_map),
                }
                for task in routing_map.tasks
            },
        }
        return to_json(document)

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What a request body has no place for."""
        return (
            "How a task is recognised: the caller chooses the body.",
            *query_routed(routing_map),
            *unguarded(routing_map),
            *_cut(routing_map),
            MODERATED,
            "Parameters of a fallback: it is sent the route's.",
        )


def slug_of(deployment: Deployment) -> str | None:
    """OpenRouter's slug of a model, or None where it is not one of OpenRouter's.

    >>> slug_of(Deployment("haiku", "anthropic/claude-haiku-4-5-20251001"))
    'anthropic/claude-haiku-4.5'
    >>> slug_of(Deployment("local", "ollama/qwen3")) is None
    True
    """
    provider, _, name = deployment.model.partition("/")
    if provider == "openrouter":
        return name or None
    if provider not in VENDORS or not name or deployment.api_base:
        return None
    if provider == "anthropic":
        name = _VERSION.sub(r"\1.\2", _DATE.sub("", name))
    return f"{VENDORS[provider]}/{name}"


def _slugs(deployments: Mapping[str, Deployment]) -> dict[str, str]:
    slugs = {name: slug_of(deployment) for name, deployment in deployments.items()}
    lacking = [name for name, slug in slugs.items() if slug is None]
    if lacking:
        pairs = " ".join(f"--model {name}=openrouter/VENDOR/MODEL" for name in lacking)
        raise InputError(
            f"OpenRouter does not serve {', '.join(map(repr, lacking))} as the map knows them",
            fix=f"Say which of its models answers in their place: {pairs}",
        )
    return {name: slug for name, slug in slugs.items() if slug is not None}


def _body(
    task: TaskRoute, slugs: Mapping[str, str], deployments: Mapping[str, Deployment]
) -> dict[str, Any]:
    asked = dict.fromkeys(slugs[name] for name in (task.route, *task.fallbacks))
    return {"models": list(asked)[:MOST_MODELS], **deployments[task.route].params}


def _cut(routing_map: RoutingMap) -> Iterator[str]:
    for task in routing_map.tasks:
        if len(task.fallbacks) >= MOST_MODELS:
            rest = ", ".join(task.fallbacks[MOST_MODELS - 1 :])
            yield f"The last fallbacks of {task.task}, {rest}: OpenRouter tries three models."

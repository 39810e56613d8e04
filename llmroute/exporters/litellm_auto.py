"""RoutingMap → the route JSON of LiteLLM's semantic auto-router.

Run with litellm 1.108.7: a route's name is the model group it sends to, and keys that are not
known are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from llmroute.exporters.evidence import query_routed, unguarded, unruled
from llmroute.exporters.examples import Examples, learnt_from
from llmroute.exporters.groups import group_name
from llmroute.exporters.semantic_router import DEFAULT_ENCODER, read_encoder
from llmroute.exporters.text import left_out, sentences_of, to_json
from llmroute.records import RoutingMap

SCORE_THRESHOLD = 0.3
"""LiteLLM's own default for its encoder; below it the default model answers."""


@dataclass(frozen=True, slots=True)
class LitellmAuto:
    """Routes of LiteLLM's semantic auto-router, which send to the groups of `export litellm`.

    Args:
        examples: task → prompts of its samples, beside the map's utterances.
        encoder: PROVIDER/NAME of the embedding model, one of the proxy's.
    """

    suffix: ClassVar[str] = ".json"

    examples: Examples = field(default_factory=dict)
    encoder: str = DEFAULT_ENCODER

    def render(self, routing_map: RoutingMap) -> str:
        """The text of the JSON file.

        Raises:
            InputError: a task has no example.
        """
        texts = learnt_from(routing_map, self.examples)
        kind, name = read_encoder(self.encoder)
        document = {
            "_comment": sentences_of(
                "LiteLLM auto-router routes",
                routing_map,
                self._use(routing_map),
                left_out(self.cannot_carry(routing_map)),
            ),
            "encoder_type": kind,
            "encoder_name": name,
            "routes": [
                {
                    "name": group_name(task.task),
                    "description": task.task,
                    "utterances": texts[task.task],
                    "score_threshold": SCORE_THRESHOLD,
                }
                for task in routing_map.tasks
            ],
        }
        return to_json(document)

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What the auto-router has no place for."""
        return (
            *unruled(routing_map),
            *query_routed(routing_map),
            *unguarded(routing_map),
            "A threshold of your own embedding's: 0.3 is LiteLLM's default.",
        )

    def _use(self, routing_map: RoutingMap) -> tuple[str, ...]:
        return (
            "Beside the groups of `llmroute export litellm`, and with litellm[semantic-router]:",
            "  - model_name: llmroute-auto",
            "    litellm_params:",
            "      model: auto_router/llmroute",
            "      auto_router_config_path: FILE",
            f"      auto_router_default_model: {routing_map.reference}",
            f"      auto_router_embedding_model: {self.encoder}",
            f"The proxy must serve {self.encoder} as a model group of that name, too.",
        )

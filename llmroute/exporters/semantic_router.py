"""RoutingMap → the JSON that aurelio-labs' semantic-router loads: one route a task.

Its form was read from semantic-router 0.3.3 and 1.1.1, `RouterConfig.from_file`, which passes over
keys it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from llmroute.errors import InputError
from llmroute.exporters.deployments import find_deployments
from llmroute.exporters.evidence import describe_evidence, query_routed, unguarded, unruled
from llmroute.exporters.examples import Examples, learnt_from
from llmroute.exporters.text import left_out, sentences_of, to_json
from llmroute.records import RoutingMap

DEFAULT_ENCODER = "openai/text-embedding-3-small"


@dataclass(frozen=True, slots=True)
class SemanticRouter:
    """Routes for aurelio's semantic-router: a task's example requests, and who answers it.

    Args:
        models: candidate → LiteLLM id, where the map's provenance does not say it.
        examples: task → prompts of its samples, beside the map's utterances.
        encoder: TYPE/NAME of the embedding, as semantic-router names them.
    """

    suffix: ClassVar[str] = ".json"

    models: Mapping[str, str] = field(default_factory=dict)
    examples: Examples = field(default_factory=dict)
    encoder: str = DEFAULT_ENCODER

    def render(self, routing_map: RoutingMap) -> str:
        """The text of the JSON file.

        Raises:
            InputError: a candidate cannot be called, or a task has no example.
        """
        deployments = find_deployments(routing_map, self.models)
        texts = learnt_from(routing_map, self.examples)
        kind, name = read_encoder(self.encoder)
        use = [
            "SemanticRouter.from_json(FILE) makes a router of it; metadata says who answers.",
        ]
        document = {
            "_comment": sentences_of(
                "semantic-router routes", routing_map, use, left_out(self.cannot_carry(routing_map))
            ),
            "encoder_type": kind,
            "encoder_name": name,
            "routes": [
                {
                    "name": task.task,
                    "utterances": texts[task.task],
                    "metadata": {
                        "model": deployments[task.route].model,
                        "fallbacks": [deployments[n].model for n in task.fallbacks],
                        "llmroute": describe_evidence(task, routing_map),
                    },
                }
                for task in routing_map.tasks
            ],
        }
        return to_json(document)

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What a route of utterances has no place for."""
        return (
            *unruled(routing_map),
            *query_routed(routing_map),
            *unguarded(routing_map),
            "A score threshold: it hangs on the encoder; SemanticRouter.fit learns one.",
            f"Who answers what no route matches: ask the reference, {routing_map.reference}.",
        )


def read_encoder(written: str) -> tuple[str, str]:
    """Type and name of an encoder.

    Raises:
        InputError: it is not written as TYPE/NAME.

    >>> read_encoder("huggingface/sentence-transformers/all-MiniLM-L6-v2")
    ('huggingface', 'sentence-transformers/all-MiniLM-L6-v2')
    """
    kind, _, name = written.partition("/")
    if not (kind and name):
        raise InputError(
            f"{written!r} names no encoder",
            where="--encoder",
            fix=f"Write type and name, like {DEFAULT_ENCODER}",
        )
    return kind, name

"""RoutingMap → a gateway's own configuration: the plugin room of exporters.

An exporter is a frozen dataclass whose fields are its parameters; other packages offer exporters
through the entry-point group `llmroute.exporters`. No exporter imports LiteLLM, and none writes a
key: a key is named by the environment variable that holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from llmroute.registry import Registry

if TYPE_CHECKING:
    from llmroute.records import RoutingMap

EXPORTERS = Registry(
    "exporter",
    {
        "litellm": "llmroute.exporters.litellm:LitellmProxy",
        "litellm-auto": "llmroute.exporters.litellm_auto:LitellmAuto",
        "litellm-complexity": "llmroute.exporters.litellm_complexity:LitellmComplexity",
        "openrouter": "llmroute.exporters.openrouter:OpenRouter",
        "portkey": "llmroute.exporters.portkey:Portkey",
        "python": "llmroute.exporters.python:PythonModule",
        "semantic-router": "llmroute.exporters.semantic_router:SemanticRouter",
        "vllm-semantic-router": "llmroute.exporters.vllm_semantic_router:VllmSemanticRouter",
    },
    "llmroute.exporters",
)


class Exporter(Protocol):
    """Writes a routing map down as another program's configuration."""

    suffix: ClassVar[str]
    """Of the file the program reads: ".yaml", ".json" or ".py"."""

    def render(self, routing_map: RoutingMap) -> str:
        """The file's text; the same map gives the same text.

        Raises:
            InputError: the map names a model that the program cannot reach.
        """
        ...

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What of the map the file leaves out, a sentence each; `render` writes them in it."""
        ...

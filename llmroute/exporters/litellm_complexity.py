"""RoutingMap and a fitted boundary → LiteLLM's complexity router, with its tiers filled.

The router scores a prompt by its words and length. Below the boundary the weak model answers; from
it on the strong one does, whichever of the three upper tiers LiteLLM names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from llmroute.errors import InputError
from llmroute.exporters.complexity_score import Scorer
from llmroute.exporters.evidence import query_routed, unguarded
from llmroute.exporters.groups import PREFIX
from llmroute.exporters.litellm import LitellmProxy
from llmroute.exporters.text import header, left_out, to_yaml
from llmroute.records import Interval, RoutingMap

MODEL_NAME = f"{PREFIX}-complexity"


@dataclass(frozen=True, slots=True)
class ComplexityFit:
    """Where LiteLLM's score parts two models, and what that is worth.

    Figures are of prompts that the boundary applied to them was not picked on.
    """

    weak: str
    strong: str
    boundary: float
    """In LiteLLM's units: `score >= boundary` goes to the strong model. Picked on all prompts."""
    scorer: Scorer
    n_prompts: int
    strong_share: Interval
    quality: Interval
    random_quality: Interval
    """Of sending the same share to the strong model at random."""
    gained: Interval
    """`quality` − `random_quality`, prompt by prompt."""
    weak_quality: float
    strong_quality: float
    over_task_map: Interval | None = None
    """APGR gained over the static task map, over all boundaries; None: there is one task."""

    @property
    def shipped(self) -> bool:
        """Whether the boundary surely beats random routing of the same share."""
        return self.gained.low > 0


@dataclass(frozen=True, slots=True)
class LitellmComplexity:
    """A LiteLLM proxy whose complexity router parts weak from strong at a fitted boundary.

    Args:
        models: candidate → LiteLLM id, where the map's provenance does not say it.
        fit: the boundary; it needs outcomes.
    """

    suffix: ClassVar[str] = ".yaml"

    models: Mapping[str, str] = field(default_factory=dict)
    fit: ComplexityFit | None = None

    def render(self, routing_map: RoutingMap) -> str:
        """The text of the proxy's configuration file.

        Raises:
            InputError: nothing was fitted, or a candidate cannot be called.
        """
        fit = self._fitted()
        document = LitellmProxy(self.models, also=(fit.weak, fit.strong)).document(routing_map)
        document["model_list"].append(_entry(fit))
        use = [
            f"Ask it for the model {MODEL_NAME}; the groups of `export litellm` are here, too.",
            *_worth(fit),
        ]
        notes = left_out(self.cannot_carry(routing_map))
        return header("LiteLLM complexity router", routing_map, use, notes) + to_yaml(document)

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What a score of words has no place for."""
        return (
            "The tasks: the router knows none, and one boundary serves all.",
            *query_routed(routing_map),
            *unguarded(routing_map),
            "More than two models: the three upper tiers are one.",
        )

    def _fitted(self) -> ComplexityFit:
        if self.fit is None:
            raise InputError(
                "a boundary is fitted from outcomes, and there are none",
                fix="Name them: --data FILE, or run where the store of the map's run is.",
            )
        return self.fit


def _entry(fit: ComplexityFit) -> dict[str, Any]:
    low = fit.weak if fit.shipped else fit.strong
    tiers = {"SIMPLE": low, "MEDIUM": fit.strong, "COMPLEX": fit.strong, "REASONING": fit.strong}
    return {
        "model_name": MODEL_NAME,
        "litellm_params": {
            "model": "auto_router/complexity_router",
            "complexity_router_default_model": fit.strong,
            "complexity_router_config": {
                "classifier_type": "heuristic",
                "tiers": tiers,
                "tier_boundaries": {
                    "simple_medium": fit.boundary,
                    "medium_complex": max(0.35, fit.boundary),
                    "complex_reasoning": max(0.6, fit.boundary),
                },
                **fit.scorer.settings(),
            },
        },
        "model_info": {PREFIX: _evidence(fit)},
    }


def _evidence(fit: ComplexityFit) -> dict[str, Any]:
    return {
        "weak": fit.weak,
        "strong": fit.strong,
        "n_prompts": fit.n_prompts,
        "strong_share": fit.strong_share.value,
        "quality": fit.quality.value,
        "quality_interval": [fit.quality.low, fit.quality.high],
        "random_quality": fit.random_quality.value,
        "gained_interval": [fit.gained.low, fit.gained.high],
        "shipped": fit.shipped,
    }


def _worth(fit: ComplexityFit) -> Iterator[str]:
    yield (
        f"On {fit.n_prompts:,} prompts, each with a boundary picked on others,"
        f" {fit.strong_share.value:.0%} go to {fit.strong}: quality {fit.quality.value:.3f}, at"
        f" random with the same share {fit.random_quality.value:.3f}, a difference of"
        f" {fit.gained.value:+.3f} ({fit.gained.low:+.3f} to {fit.gained.high:+.3f})."
        f" {fit.weak} alone: {fit.weak_quality:.3f}, {fit.strong} alone: {fit.strong_quality:.3f}."
    )
    if fit.over_task_map is not None:
        points = [100 * value for value in (fit.over_task_map.value, fit.over_task_map.low)]
        yield (
            "Beside the static task map, which needs the task, it recovers"
            f" {points[0]:+.1f} points of the quality gap over all boundaries (at least"
            f" {points[1]:+.1f})."
        )
    if not fit.shipped:
        yield (
            "It does not surely beat random routing, so every tier is"
            f" {fit.strong}; the boundary stands there for whoever wants it."
        )

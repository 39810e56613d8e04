"""TaskRoute → the evidence for it, as plain values that travel with a gateway's settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmroute.records import Match, RoutingMap, TaskRoute


def describe_evidence(route: TaskRoute, routing_map: RoutingMap) -> dict[str, Any]:
    """Which candidate answers the task, how sure that is, and which run says so."""
    seen = route.evidence
    return {
        "task": route.task,
        "candidate": route.route,
        "verdict": route.verdict,
        "quality": seen.quality,
        "quality_interval": [seen.quality_low, seen.quality_high],
        "quality_threshold": route.quality_threshold,
        "n_samples": seen.n_samples,
        "cost_usd_per_1k": seen.cost_usd_per_1k,
        "latency_p95_s": seen.latency_p95_s,
        "run_id": routing_map.provenance.run_id,
    }


def unguarded(routing_map: RoutingMap) -> Iterator[str]:
    """Sentences that no gateway looks at answers, where the map does."""
    cascade = routing_map.cascade
    if cascade is not None:
        where = f" on {cascade.task}" if cascade.task else ""
        yield (
            f"The cascade from {cascade.weak} to {cascade.strong}{where}: no gateway reviews an"
            " answer, so the task's route answers; llmroute.Router.review runs it."
        )
    if routing_map.checks:
        yield (
            f"The checks of the answers to {', '.join(sorted(routing_map.checks))}:"
            " llmroute.Router.review runs them."
        )


def query_routed(routing_map: RoutingMap) -> Iterator[str]:
    """A sentence that requests are not told apart within a task, where the map does."""
    router = routing_map.query_router
    if router is not None:
        where = f" on {router.task}" if router.task else ""
        yield (
            f"The query router {router.router}{where}: whole tasks are routed, and"
            f" {router.weak} and {router.strong} are not told apart by query."
        )


def unruled(routing_map: RoutingMap) -> Iterator[str]:
    """A sentence that tasks are recognised by likeness alone, where the map has rules or tags."""
    ruled = [
        task
        for task, match in routing_map.matches.items()
        if match != Match(utterances=match.utterances)
    ]
    if ruled:
        yield f"The tags, keywords, patterns and conditions of {', '.join(sorted(ruled))}."

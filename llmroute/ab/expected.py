"""Routing map → the qualities an A/B test of it may expect."""

from __future__ import annotations

from dataclasses import dataclass

from llmroute.records import RoutingMap


@dataclass(frozen=True, slots=True)
class Expected:
    """Mean quality over the map's tasks, in their traffic shares."""

    reference: float
    routed: float


def expect_qualities(routing_map: RoutingMap) -> Expected | None:
    """Of the reference and of the routes; None where one of them was not scored on a task."""
    reference = _mean(routing_map, routing_map.reference)
    routed = _mean(routing_map, None)
    if reference is None or routed is None:
        return None
    return Expected(reference, routed)


def _mean(routing_map: RoutingMap, candidate: str | None) -> float | None:
    """A candidate's quality, or each task's route's."""
    found = [(t.weight, t.quality(candidate or t.route)) for t in routing_map.tasks]
    known = [(weight, quality) for weight, quality in found if quality is not None]
    if not known or len(known) < len(found):
        return None
    return sum(weight * quality for weight, quality in known) / sum(weight for weight, _ in known)

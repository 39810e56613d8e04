"""RoutingMap → what a misrecognised request loses, and what it costs more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from llmroute.records import RoutingMap, TaskRoute


@dataclass(frozen=True)
class MistakeCosts:
    """What each mistake does to a request, by the evidence of the routes on its true task."""

    routing_map: RoutingMap

    def model(self, recognised: str | None) -> str:
        """Who answers a request that is taken for this task's."""
        if recognised is None:
            return self.routing_map.reference
        return self._routes[recognised].route

    def quality_loss(self, task: str, recognised: str | None) -> float | None:
        """How much further below the task's bar the answers are than by the right route.

        max(0, bar − quality of who answers) − max(0, bar − quality of the route), at least 0. None
        where who answers was not scored on the task.
        """
        route, model = self._routes[task], self.model(recognised)
        if model == route.route:
            return 0.0
        got = _shortfall(route, model)
        right = _shortfall(route, route.route)
        return None if got is None else max(0.0, got - (right or 0.0))

    def worst_loss(self, task: str, recognised: str | None) -> float:
        """`quality_loss`, with 0 as the quality of who was not scored on the task."""
        loss = self.quality_loss(task, recognised)
        bar = self._routes[task].quality_threshold
        return loss if loss is not None else 1.0 if bar is None else bar

    def extra_usd_per_1k(self, task: str, recognised: str | None) -> float | None:
        """What 1,000 such requests cost more than by the right route; None: not known."""
        route = self._routes[task]
        right, got = route.evidence.cost_usd_per_1k, route.cost_usd_per_1k(self.model(recognised))
        return None if right is None or got is None else got - right

    def traffic(self, task: str) -> float:
        """The task's share of the traffic, as its suite states it; 1 for what is no task."""
        return self._routes[task].weight if task in self._routes else 1.0

    @cached_property
    def _routes(self) -> Mapping[str, TaskRoute]:
        return {route.task: route for route in self.routing_map.tasks}


def _shortfall(route: TaskRoute, model: str) -> float | None:
    """How far below the bar the model is; 0 above it, None where either is not known."""
    quality, bar = route.quality(model), route.quality_threshold
    return None if quality is None or bar is None else max(0.0, bar - quality)

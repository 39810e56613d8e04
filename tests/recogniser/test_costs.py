from __future__ import annotations

import pytest

from llmroute.recogniser.costs import MistakeCosts
from llmroute.records import RoutingMap

from .conftest import QUALITIES, make_map, make_suites


def test_a_mistake_costs_what_the_wrong_model_lacks_to_the_bar(routing_map: RoutingMap) -> None:
    costs = MistakeCosts(routing_map)
    assert [costs.model(task) for task in ("refunds", "sums", None)] == ["small", "large", "large"]
    assert costs.quality_loss("sums", "refunds") == pytest.approx(0.85 - 0.2)
    assert costs.extra_usd_per_1k("sums", "refunds") == pytest.approx(0.2 - 2.0)


def test_a_mistake_that_changes_no_model_or_clears_the_bar_loses_nothing(
    routing_map: RoutingMap,
) -> None:
    costs = MistakeCosts(routing_map)
    assert costs.quality_loss("refunds", "poems") == 0.0
    assert costs.quality_loss("refunds", None) == 0.0
    assert costs.extra_usd_per_1k("refunds", None) == pytest.approx(1.8)


def test_below_the_bar_anyway_only_what_is_lost_beyond_that_counts() -> None:
    qualities = {**QUALITIES, "large": {**QUALITIES["large"], "sums": 0.8}}
    costs = MistakeCosts(make_map(make_suites(), qualities))
    assert costs.quality_loss("sums", "refunds") == pytest.approx(0.8 - 0.2)


def test_a_model_nobody_scored_on_the_task_may_lose_everything() -> None:
    suites = make_suites()
    whole = make_map(suites)
    sums = next(route for route in whole.tasks if route.task == "sums")
    unasked = {**QUALITIES, "small": {"refunds": 0.95, "poems": 0.95, "sums": 0.2}}
    costs = MistakeCosts(make_map(suites, unasked))
    assert costs.worst_loss("sums", "refunds") == costs.quality_loss("sums", "refunds")
    blind = MistakeCosts(_without_rejected(whole))
    assert sums.quality_threshold == 0.85
    assert blind.quality_loss("sums", "refunds") is None
    assert blind.extra_usd_per_1k("sums", "refunds") is None
    assert blind.worst_loss("sums", "refunds") == 0.85


def _without_rejected(routing_map: RoutingMap) -> RoutingMap:
    from dataclasses import replace

    tasks = tuple(replace(route, rejected=()) for route in routing_map.tasks)
    return replace(routing_map, tasks=tasks)

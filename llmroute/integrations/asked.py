"""The model a caller names, and what it asks → the map's decision."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmroute.errors import InputError, UnknownName
from llmroute.exporters.groups import PREFIX, Tier, group_name
from llmroute.recogniser.request import Messages, read_request
from llmroute.router import Router

QUERY_ROUTER = "query router"
"""The layer, where it decided within the task."""

_ROUTELLM = re.compile(r"router-(?P<name>.+)-(?P<threshold>[0-9]*\.?[0-9]+)")


@dataclass(frozen=True, slots=True)
class Wish:
    """A model name that leaves the choice to the map."""

    task: str | None = None
    router: str | None = None
    """RouteLLM's way: a query router by name, with a threshold of the caller's."""
    routing_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a request goes, and why."""

    model: str
    """The candidate."""
    group: str
    """The exported model group that carries it out."""
    task: str | None
    layer: str
    score: float | None
    """strong_win_rate, where the query router decided."""
    reason: str


def read_model_name(name: object, tasks: Collection[str]) -> Wish | None:
    """What a model name leaves to the map; None: nothing, it names a model.

    Args:
        name: "llmroute", "llmroute/TASK", RouteLLM's "router-NAME-THRESHOLD", or any other.
        tasks: those of the map.

    Raises:
        UnknownName: the map has no such task.

    >>> read_model_name("llmroute/gsm", ["gsm"])
    Wish(task='gsm', router=None, routing_threshold=None)
    >>> read_model_name("router-mf-0.11593", []).routing_threshold
    0.11593
    >>> read_model_name("gpt-4o", ["gsm"]) is None
    True
    """
    if not isinstance(name, str):
        return None
    if name == PREFIX:
        return Wish()
    found = _ROUTELLM.fullmatch(name)
    if found:
        return Wish(router=found["name"], routing_threshold=float(found["threshold"]))
    task = name.removeprefix(f"{PREFIX}/")
    if task == name or _is_tier(task, tasks):
        return None
    if task not in tasks:
        raise UnknownName("task", task, tasks, where=f"model {name}")
    return Wish(task)


def decide(
    router: Router,
    wish: Wish,
    request: str | Messages,
    *,
    tags: Collection[str] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Routed:
    """Where a request goes.

    Args:
        router: the map's.
        wish: what its model name leaves open.
        request: a text, or chat messages.
        tags: what the caller says of it.
        metadata: the caller's own.

    Raises:
        InputError: the map has no such query router, or the request is no text.
    """
    if wish.router is not None and wish.routing_threshold is not None:
        return _at_threshold(router, wish.router, wish.routing_threshold, request)
    decision = router.decide(request, task=wish.task, tags=tags, metadata=metadata)
    task, rate = decision.task, decision.strong_win_rate
    if rate is not None:
        group = group_name(task, _tier(router, decision.model))
        return Routed(decision.model, group, task, QUERY_ROUTER, rate, decision.reason)
    if task is None:
        return Routed(decision.model, decision.model, task, decision.layer, None, decision.reason)
    # A cascade's first answer must be reviewed, which no gateway does: the route answers alone.
    route = next(route for route in router.routing_map.tasks if route.task == task)
    return Routed(route.route, group_name(task), task, decision.layer, None, route.reason)


def _at_threshold(router: Router, name: str, threshold: float, request: str | Messages) -> Routed:
    stated, query_router = router.routing_map.query_router, router.query_router
    if stated is None or query_router is None:
        raise InputError("the map has no query router", fix="Make one: llmroute calibrate.")
    if name != stated.router:
        raise UnknownName("query router", name, [stated.router])
    if not 0 <= threshold <= 1:
        raise InputError(f"{threshold:g} is no threshold", fix="Write a number from 0 to 1.")
    saved = replace(query_router.saved, routing_threshold=threshold)
    found = replace(query_router, saved=saved).decide(read_request(request).text, stated.task)
    group = group_name(stated.task, _tier(router, found.model))
    rate = found.strong_win_rate
    return Routed(found.model, group, stated.task, QUERY_ROUTER, rate, found.reason)


def _tier(router: Router, model: str) -> Tier:
    stated = router.routing_map.query_router
    return "strong" if stated is not None and model == stated.strong else "weak"


def _is_tier(rest: str, tasks: Collection[str]) -> bool:
    """Whether the rest of a name after "llmroute/" is a side of the query router, not a task."""
    task, _, tier = rest.rpartition("/")
    return rest not in tasks and tier in ("weak", "strong") and (not task or task in tasks)

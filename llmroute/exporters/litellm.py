"""RoutingMap → the configuration of a LiteLLM proxy, whose router part `litellm.Router` loads.

What LiteLLM does with each setting was seen by running 1.108.7 and 1.110.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from llmroute.errors import InputError
from llmroute.exporters.deployments import (
    Deployment,
    fallbacks_of_pair,
    find_deployments,
    larger_windows,
)
from llmroute.exporters.evidence import describe_evidence, unguarded
from llmroute.exporters.groups import PREFIX, Tier, group_name
from llmroute.exporters.text import header, left_out, to_yaml
from llmroute.records import QueryRouter, RoutingMap

HOOK = "llmroute.integrations.litellm.hook"
MAP_VARIABLE = "LLMROUTE_MAP"
MASTER_KEY = "LITELLM_MASTER_KEY"

UNRECOGNISED_REFUSALS = (
    "A refusal that LiteLLM does not recognise as one: it goes to the fallbacks, like any other"
    " error."
)

ALLOWED_FAILS = 3
"""In a minute; after more of them a route is not asked for `COOLDOWN_S`, its fallbacks are."""
COOLDOWN_S = 30

RETRIES = {
    "AuthenticationErrorRetries": 0,
    "BadRequestErrorRetries": 0,
    "ContentPolicyViolationErrorRetries": 0,
    "InternalServerErrorRetries": 1,
    # A fallback answers at once; LiteLLM would wait out a Retry-After, however long.
    "RateLimitErrorRetries": 0,
    "TimeoutErrorRetries": 0,
}


@dataclass(frozen=True, slots=True)
class Group:
    """One model group: the deployment behind a name, and who answers when it cannot."""

    name: str
    deployment: Deployment
    fallbacks: tuple[str, ...]
    """Candidates, in the order to try them."""
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LitellmProxy:
    """A LiteLLM proxy configuration: one model group a task, tier and candidate.

    Args:
        models: candidate → LiteLLM id, where the map's provenance does not say it.
        hook: the map's path, where llmroute's hook is to decide in the proxy; "" without it.
        also: candidates to serve beside those the map sends requests to.
    """

    suffix: ClassVar[str] = ".yaml"

    models: Mapping[str, str] = field(default_factory=dict)
    hook: str = ""
    also: tuple[str, ...] = ()

    def render(self, routing_map: RoutingMap) -> str:
        """The text of the proxy's configuration file.

        Raises:
            InputError: a candidate is a program or a recording, or is not known to LiteLLM.
        """
        return self._header(routing_map) + to_yaml(self.document(routing_map))

    def document(self, routing_map: RoutingMap) -> dict[str, Any]:
        """The configuration as plain values.

        Raises:
            InputError: as `render`.
        """
        groups = lay_out_groups(routing_map, self._deployments(routing_map))
        return {
            "model_list": [_entry(group) for group in groups],
            "router_settings": _router_settings(groups, routing_map),
            "litellm_settings": self._litellm_settings(),
            "general_settings": {"master_key": f"os.environ/{MASTER_KEY}"},
            **({"environment_variables": {MAP_VARIABLE: self.hook}} if self.hook else {}),
        }

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What LiteLLM has no setting for, or needs the hook for."""
        deployments = self._deployments(routing_map).values()
        undecided = () if self.hook else tuple(_undecided(routing_map))
        return (
            *undecided,
            *unguarded(routing_map),
            *_unpriced(deployments),
            UNRECOGNISED_REFUSALS,
        )

    def _deployments(self, routing_map: RoutingMap) -> dict[str, Deployment]:
        return find_deployments(routing_map, self.models, self.also)

    def _litellm_settings(self) -> dict[str, Any]:
        # A fallback may not know every parameter its task's route does.
        settings: dict[str, Any] = {"drop_params": True}
        if self.hook:
            settings["callbacks"] = [HOOK]
        return settings

    def _header(self, routing_map: RoutingMap) -> str:
        deployments = self._deployments(routing_map).values()
        keys = sorted({d.key_variable for d in deployments if d.key_variable})
        exports = " ".join(f"{name}=…" for name in (MASTER_KEY, *keys))
        start = [
            "Start it, with these keys in the environment:",
            f"  export LITELLM_LOCAL_MODEL_COST_MAP=True {exports}",
            "  litellm --config FILE",
        ]
        return header(
            "LiteLLM proxy", routing_map, start, self._use(routing_map), self._left_out(routing_map)
        )

    def _use(self, routing_map: RoutingMap) -> tuple[str, ...]:
        tasks = ", ".join(group_name(task.task) for task in routing_map.tasks)
        if not self.hook:
            return (f"Ask it for one of these models: {tasks}.",)
        return (
            f"Ask it for the model {PREFIX} and the map decides, or for a task: {tasks}.",
            "llmroute must be installed beside the proxy (pip install llmroute).",
        )

    def _left_out(self, routing_map: RoutingMap) -> tuple[str, ...]:
        return left_out(self.cannot_carry(routing_map))


def lay_out_groups(
    routing_map: RoutingMap, deployments: Mapping[str, Deployment]
) -> tuple[Group, ...]:
    """The groups of the tasks, of the query router's two sides, and of each candidate.

    Raises:
        InputError: two groups would carry one name.
    """
    groups = (
        *_task_groups(routing_map, deployments),
        *_tier_groups(routing_map, deployments),
        *(Group(n, d, (), {"candidate": n}) for n, d in deployments.items()),
    )
    names = [group.name for group in groups]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two model groups would be called {name!r}",
                fix="Give the task or the candidate of that name another one.",
            )
    return groups


def _task_groups(routing_map: RoutingMap, deployments: Mapping[str, Deployment]) -> Iterator[Group]:
    for task in routing_map.tasks:
        evidence = describe_evidence(task, routing_map)
        yield Group(group_name(task.task), deployments[task.route], task.fallbacks, evidence)


def _tier_groups(routing_map: RoutingMap, deployments: Mapping[str, Deployment]) -> Iterator[Group]:
    router, fallbacks = routing_map.query_router, fallbacks_of_pair(routing_map)
    if router is None:
        return
    tasks = [task.task for task in routing_map.tasks if router.task in (None, task.task)]
    pair: tuple[tuple[Tier, str], ...] = (("weak", router.weak), ("strong", router.strong))
    for task in (*tasks, *(() if router.task else (None,))):
        for tier, name in pair:
            evidence = _tier_evidence(router, task, tier, name)
            yield Group(group_name(task, tier), deployments[name], fallbacks[name], evidence)


def _tier_evidence(router: QueryRouter, task: str | None, tier: Tier, name: str) -> dict[str, Any]:
    return {
        "task": task,
        "candidate": name,
        "tier": tier,
        "router": router.router,
        "routing_threshold": router.routing_threshold,
        "apgr": router.apgr.value,
        "apgr_interval": [router.apgr.low, router.apgr.high],
    }


def _entry(group: Group) -> dict[str, Any]:
    # Who has no fallback is not cooled down: a chance of an answer is better than none.
    cooled = {"allowed_fails": ALLOWED_FAILS} if group.fallbacks else {}
    return {
        "model_name": group.name,
        "litellm_params": litellm_params(group.deployment),
        "model_info": {**cooled, PREFIX: dict(group.evidence)},
    }


def litellm_params(deployment: Deployment) -> dict[str, Any]:
    """How LiteLLM calls a deployment; a caller's own parameters go before these."""
    params: dict[str, Any] = {"model": deployment.model, **deployment.params}
    if deployment.api_base or deployment.base_variable:
        params["api_base"] = deployment.api_base or f"os.environ/{deployment.base_variable}"
    if deployment.key_variable:
        params["api_key"] = f"os.environ/{deployment.key_variable}"
    elif "api_base" in params:
        # Without a key of its own LiteLLM would send the provider's to this address.
        params["api_key"] = "none"
    return params | _prices(deployment)


def _prices(deployment: Deployment) -> dict[str, float]:
    """The prices LiteLLM counts with; without them it counts an unlisted model as free."""
    price = deployment.price
    if price is None:
        return {}
    stated = {
        "input_cost_per_token": price.input_usd_per_mtok,
        "output_cost_per_token": price.output_usd_per_mtok,
        "cache_read_input_token_cost": price.cached_input_usd_per_mtok,
    }
    return {key: usd / 1e6 for key, usd in stated.items() if usd is not None}


def _router_settings(groups: Iterable[Group], routing_map: RoutingMap) -> dict[str, Any]:
    groups = tuple(groups)
    windows = [(group, _longer(group, groups)) for group in groups]
    return {
        "routing_strategy": "simple-shuffle",
        "timeout": 120,
        "num_retries": 1,
        "retry_policy": RETRIES,
        "cooldown_time": COOLDOWN_S,
        "fallbacks": [{g.name: list(g.fallbacks)} for g in groups if g.fallbacks],
        # Once this is set, a group it does not name has none, so it names all.
        "context_window_fallbacks": [{group.name: names} for group, names in windows],
        # An empty list stops a refusal; without one it goes to the dearer fallbacks.
        "content_policy_fallbacks": [{group.name: []} for group in groups],
        "model_group_alias": {PREFIX: _default_group(routing_map)},
    }


def _longer(group: Group, groups: tuple[Group, ...]) -> list[str]:
    """Candidates with a larger context window: the group's fallbacks first, then the rest."""
    others = {other.name: other.deployment for other in groups if "tier" not in other.evidence}
    named = [others[name] for name in group.fallbacks]
    rest = [d for name, d in others.items() if name == d.candidate and d not in named]
    rest.sort(key=lambda d: d.context_tokens or 0, reverse=True)
    return [d.candidate for d in larger_windows(group.deployment, (*named, *rest[:1]))]


def _default_group(routing_map: RoutingMap) -> str:
    """Who answers a request that names no task."""
    if len(routing_map.tasks) == 1:
        return group_name(routing_map.tasks[0].task)
    return routing_map.reference


def _undecided(routing_map: RoutingMap) -> Iterator[str]:
    if len(routing_map.tasks) > 1:
        yield (
            f"How a request's task is recognised: the caller names it. The model {PREFIX} is the"
            f" reference, {routing_map.reference}. With --hook the map recognises the task."
        )
    if routing_map.query_router is not None:
        yield (
            f"The query router {routing_map.query_router.router}: the caller names …/weak or"
            " …/strong. With --hook the router decides."
        )


def _unpriced(deployments: Iterable[Deployment]) -> Iterator[str]:
    for deployment in deployments:
        price = deployment.price
        if price is None:
            yield f"A price of {deployment.candidate}: none is known, LiteLLM counts it as free."
        elif price.usd_per_hour is not None:
            yield (
                f"The price of {deployment.candidate} by the hour: LiteLLM counts its tokens only."
            )

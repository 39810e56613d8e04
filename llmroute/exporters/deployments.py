"""RoutingMap → Deployments: what a gateway must know to call each candidate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmroute.calls.endpoint import OPENAI_PROVIDERS
from llmroute.calls.keys import KEY_VARIABLES
from llmroute.calls.prices import model_facts, model_provider
from llmroute.errors import InputError, UnknownName
from llmroute.records import Candidate, Price, RoutingMap


@dataclass(frozen=True, slots=True)
class Deployment:
    """One candidate as a gateway calls it."""

    candidate: str
    model: str
    """LiteLLM id."""
    params: Mapping[str, Any] = field(default_factory=dict)
    api_base: str | None = None
    base_variable: str | None = None
    """The environment variable that holds the address, where the map does not know it."""
    key_variable: str | None = None
    """The environment variable that holds the key; None: no key is needed, or none is known."""
    price: Price | None = None
    context_tokens: int | None = None
    """None: not in LiteLLM's table."""

    @property
    def provider(self) -> str:
        """The part of the model id before the first slash, or "" where there is none."""
        return Candidate(self.candidate, self.model).provider


def find_deployments(
    routing_map: RoutingMap, models: Mapping[str, str], also: Sequence[str] = ()
) -> dict[str, Deployment]:
    """Every candidate the map may send a request to, in the order the map names them.

    Args:
        routing_map: its provenance says which model each candidate is.
        models: candidate → the id a gateway knows it by, where the provenance lacks it.
        also: further candidates.

    Raises:
        InputError: a candidate is a program or a recording, or the map does not say what it is.
    """
    names = tuple(dict.fromkeys([*called_candidates(routing_map), *also]))
    for name in models:
        if name not in names:
            raise UnknownName("candidate", name, names, where="--model")
    known = routing_map.provenance.candidates
    ids = {name: models.get(name) or _model_of(name, known.get(name, {})) for name in names}
    refuse_uncallable(ids)
    return {
        name: _deployment(name, model, {} if name in models else known.get(name, {}))
        for name, model in ids.items()
    }


def called_candidates(routing_map: RoutingMap) -> tuple[str, ...]:
    """Routes, their fallbacks, the query router's pair and the reference, each once."""
    named = [name for task in routing_map.tasks for name in (task.route, *task.fallbacks)]
    if routing_map.query_router is not None:
        named += [routing_map.query_router.weak, routing_map.query_router.strong]
    return tuple(dict.fromkeys([*named, routing_map.reference]))


def fallbacks_of_pair(routing_map: RoutingMap) -> dict[str, tuple[str, ...]]:
    """The query router's two models → who answers when they cannot: each other, the reference."""
    router = routing_map.query_router
    if router is None:
        return {}
    after = {
        router.weak: (router.strong, routing_map.reference),
        router.strong: (routing_map.reference, router.weak),
    }
    return {
        name: tuple(dict.fromkeys(n for n in then if n != name)) for name, then in after.items()
    }


def larger_windows(deployment: Deployment, others: Iterable[Deployment]) -> tuple[Deployment, ...]:
    """Those of `others`, in their order, whose context window is known to be larger.

    Where the deployment's own window is unknown, all whose window is known.
    """
    own = deployment.context_tokens or 0
    return tuple(other for other in others if (other.context_tokens or 0) > own)


def refuse_uncallable(ids: Mapping[str, str | None]) -> None:
    """Nothing, where every candidate has the id of a model that a gateway can call.

    Raises:
        InputError: some have none; the fix names each of them.
    """
    wrong = {name: model for name, model in ids.items() if _is_ours(model)}
    if not wrong:
        return
    kinds = sorted({_KINDS[(model or "/").partition("/")[0]] for model in wrong.values()})
    pairs = " ".join(f"--model {name}=PROVIDER/MODEL" for name in wrong)
    raise InputError(
        f"a gateway cannot call {', '.join(map(repr, wrong))}: {'; '.join(kinds)}",
        fix=f"Say which model answers in its place: {pairs}",
    )


_KINDS = {
    "": "the map does not say which model that is, and LiteLLM's table has none of that name",
    "builtin": "builtin/ is a program inside llmroute",
    "replay": "replay/ is a recording",
}


def _is_ours(model: str | None) -> bool:
    return model is None or model.partition("/")[0] in ("builtin", "replay")


def _model_of(name: str, stated: Mapping[str, Any]) -> str | None:
    """The LiteLLM id of a candidate; a map made from outcomes files knows names only."""
    if "model" in stated:
        return str(stated["model"])
    return name if model_facts(name) is not None or _is_ours(name) else None


def _deployment(name: str, model: str | None, stated: Mapping[str, Any]) -> Deployment:
    assert model is not None  # noqa: S101 - refused before
    price, facts = stated.get("price"), model_facts(model)
    candidate = Candidate(name, model, api_base=stated.get("api_base"))
    known = facts.price if facts else None
    return Deployment(
        candidate=name,
        model=model,
        params=stated.get("params", {}),
        api_base=candidate.api_base,
        base_variable=_base_variable(candidate),
        key_variable=_key_variable(candidate, stated),
        price=Price(**price) if price else known,
        context_tokens=facts.context_tokens if facts else None,
    )


def _base_variable(candidate: Candidate) -> str | None:
    protocol = OPENAI_PROVIDERS.get(candidate.provider)
    if candidate.api_base or protocol is None or protocol.public:
        return None
    return protocol.base_vars[0]


def _key_variable(candidate: Candidate, stated: Mapping[str, Any]) -> str | None:
    if stated.get("api_key_variable"):
        return str(stated["api_key_variable"])
    protocol = OPENAI_PROVIDERS.get(candidate.provider)
    if candidate.api_base or (protocol is not None and not protocol.public):
        return None
    for provider in (candidate.provider, model_provider(candidate.model) or ""):
        if provider in KEY_VARIABLES:
            return KEY_VARIABLES[provider][0][0]
    return None

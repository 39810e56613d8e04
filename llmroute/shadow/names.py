"""Routing map → its candidates, as logs and price lists name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmroute.calls.prices import list_price
from llmroute.errors import UnknownName
from llmroute.records import Price, RoutingMap


@dataclass(frozen=True, slots=True)
class Names:
    """Exact name → candidate."""

    known: Mapping[str, str]

    def find(self, models: Sequence[str]) -> str | None:
        """The candidate one of the names is of; None: none of the map's."""
        return next((self.known[name] for name in models if name in self.known), None)

    def of(self, candidate: str) -> tuple[str, ...]:
        """Every name the candidate has."""
        return tuple(name for name, found in self.known.items() if found == candidate)


def read_names(routing_map: RoutingMap, aliases: Mapping[str, str] | None = None) -> Names:
    """Candidates by their names, by their models' ids where only one has it, and by aliases.

    Args:
        routing_map: the map.
        aliases: a log's name for a model → candidate.

    Raises:
        UnknownName: an alias names a candidate the map does not know.
    """
    candidates = list(dict.fromkeys(_candidates(routing_map)))
    for candidate in (aliases or {}).values():
        if candidate not in candidates:
            raise UnknownName("candidate", candidate, candidates, where="--alias")
    models = {name: _model(routing_map, name) for name in candidates}
    shared = Counter(models.values())
    by_model = {model: name for name, model in models.items() if model and shared[model] == 1}
    return Names({**by_model, **{name: name for name in candidates}, **(aliases or {})})


def candidate_prices(routing_map: RoutingMap, given: Mapping[str, Price]) -> dict[str, Price]:
    """Candidate → price: as given, as the map was made with, or as LiteLLM lists its model."""
    prices = {}
    for name in dict.fromkeys(_candidates(routing_map)):
        model = _model(routing_map, name)
        stated = routing_map.provenance.candidates.get(name, {}).get("price")
        price = given.get(name) or given.get(model or "") or (Price(**stated) if stated else None)
        price = price or list_price(model or name)
        if price is not None:
            prices[name] = price
    return prices


def _candidates(routing_map: RoutingMap) -> Iterator[str]:
    yield routing_map.reference
    for task in routing_map.tasks:
        yield from (task.route, *task.fallbacks, *(r.candidate for r in task.rejected))
    if routing_map.query_router is not None:
        yield from (routing_map.query_router.weak, routing_map.query_router.strong)
    yield from routing_map.provenance.candidates


def _model(routing_map: RoutingMap, candidate: str) -> str | None:
    model = routing_map.provenance.candidates.get(candidate, {}).get("model")
    return model if isinstance(model, str) else None

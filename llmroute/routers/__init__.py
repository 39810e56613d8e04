"""Query → strong_win_rate: the plugin room of query routers.

A router is a dataclass whose fields are its parameters. It learns from a `Pair` into attributes
that end in `_`, and then says of each query, in [0, 1], how much the strong model is worth over
the weak one: `strong_win_rate >= routing_threshold` sends the query to the strong model. All of
ours answer on one scale, (1 + expected gap) / 2: 0.5 where both models are expected to do equally
well. Scoring needs numpy only. Other packages offer routers through the entry-point group
`llmroute.routers`; a trained network of any kind fits the same five names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, cast

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.registry import Registry

ROUTERS = Registry(
    "router",
    {
        "auto": "llmroute.routers.auto:Auto",
        "embedding": "llmroute.routers.embedding:Embedding",
        "gbt": "llmroute.routers.gbt:Gbt",
        "knn": "llmroute.routers.knn:Knn",
        "length": "llmroute.routers.length:Length",
        "mf": "llmroute.routers.mf:Mf",
        "random": "llmroute.routers.random:Random",
        "rules": "llmroute.routers.rules:Rules",
        "sw_ranking": "llmroute.routers.sw_ranking:SwRanking",
        "task_map": "llmroute.routers.task_map:TaskMap",
        "tfidf": "llmroute.routers.tfidf:Tfidf",
    },
    "llmroute.routers",
)


class Router(Protocol):
    """What every query router can do."""

    name: ClassVar[str]

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Learn from scored queries; returns itself. The same pair and seed learn the same.

        Raises:
            InputError: there is no row to learn from.
        """
        ...

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]: the higher, the more the strong model is worth it."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was learned: JSON values, and numpy arrays by name. Never a pickle."""
        ...

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        ...


def build_router(name: str, params: Mapping[str, Any] | None = None) -> Router:
    """An unfitted router.

    Raises:
        UnknownName: no router carries the name; the message proposes the closest.
        InputError: a parameter is unknown or refused.
    """
    return cast("Router", ROUTERS.build(name, params or {}))

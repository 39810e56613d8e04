"""Query → strong_win_rate: the plugin room of query routers.

A router learns from a `Pair` into attributes that end in `_`, and then says of each query, in
[0, 1], how much the strong model is worth over the weak one: `strong_win_rate >=
routing_threshold` sends the query to the strong model. Scoring needs numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

from llmroute.calibration.pair import Floats, Pair, Query


class Router(Protocol):
    """What every query router can do."""

    name: ClassVar[str]

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Learn from scored queries; returns itself."""
        ...

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1]: the higher, the more the strong model is worth it."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was learned: JSON values, and arrays by name. Never a pickle."""
        ...

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        ...

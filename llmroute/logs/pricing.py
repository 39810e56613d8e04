"""LoggedRequest × prices → what was paid for it, or None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmroute.calls.prices import list_price
from llmroute.records import LoggedRequest, Price


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by exact name: those given, then those of LiteLLM's table."""

    given: Mapping[str, Price] = field(default_factory=dict)
    _known: dict[str, Price | None] = field(default_factory=dict, repr=False)

    def of(self, model: str) -> Price | None:
        """The model's price; None where neither knows it."""
        if model not in self._known:
            self._known[model] = self.given.get(model) or list_price(model)
        return self._known[model]

    def paid_usd(self, request: LoggedRequest) -> float | None:
        """What the log says, else tokens × price; 0 for an answer from the gateway's cache.

        None where neither the cost nor tokens and price are known.
        """
        if request.fate == "cached":
            return 0.0
        if request.cost_usd is not None:
            return request.cost_usd
        price = next((found for name in request.models if (found := self.of(name))), None)
        return price.cost_usd(request.usage, request.latency_s) if price else None

"""What a call used, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the endpoint counted them; None where it did not say."""

    input_tokens: int | None = None
    """All prompt tokens, cached ones included."""
    output_tokens: int | None = None
    """All generated tokens, reasoning included."""
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a candidate costs. A price of 0.0 means known to be free, never unknown."""

    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    cached_input_usd_per_mtok: float | None = None
    """None: cached tokens cost what other prompt tokens cost."""
    usd_per_hour: float | None = None
    """Price of the machine while it answers: own hardware and `builtin/` programs."""
    source: str = "config"

    def cost_usd(self, usage: Usage, busy_s: float | None = None) -> float | None:
        """The price of one answered call, or None where the counts it needs are missing.

        Args:
            usage: tokens of the call.
            busy_s: seconds the machine was busy with it; needed by `usd_per_hour` only.

        >>> Price(1.0, 5.0).cost_usd(Usage(1000, 200))
        0.002
        >>> Price(1.0, 5.0).cost_usd(Usage(1000, None)) is None
        True
        """
        tokens = self._token_cost_usd(usage)
        if self.usd_per_hour is None:
            return tokens
        if busy_s is None:
            return None
        return (tokens or 0.0) + busy_s * self.usd_per_hour / 3600

    def _token_cost_usd(self, usage: Usage) -> float | None:
        if self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return None
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        cached = min(usage.cached_input_tokens or 0, usage.input_tokens)
        cached_price = self.cached_input_usd_per_mtok
        if cached_price is None:
            cached_price = self.input_usd_per_mtok
        fresh = usage.input_tokens - cached
        return (
            fresh * self.input_usd_per_mtok
            + cached * cached_price
            + usage.output_tokens * self.output_usd_per_mtok
        ) / 1e6

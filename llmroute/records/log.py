"""A request that was served, as a gateway's log tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llmroute.records.outcome import Outcome
from llmroute.records.price import Usage


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request that was served, as a gateway's log tells it; None: the log does not say."""

    where: str
    """File and line, for messages."""
    id: str | None
    models: tuple[str, ...]
    """Every name the log gives the model that answered: as asked for, as served, with provider."""
    fate: Literal["answered", "failed", "cached", "no_chat"] = "answered"
    """"cached": from the gateway's cache, so that no model was asked."""
    request: str | tuple[Mapping[str, Any], ...] | None = None
    """Text, or chat messages as APIs take them."""
    time_s: float | None = None
    """Unix time at which it came."""
    usage: Usage = Usage()
    cost_usd: float | None = None
    latency_s: float | None = None
    task: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    propensity: float | None = None
    """Probability, in (0, 1], with which this model was chosen when it was chosen at random."""
    others: tuple[Outcome, ...] = ()
    """Results of other models on the same request."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The whole entry, for fields a user names."""

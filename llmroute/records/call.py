"""A planned request, its answer, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmroute.records.candidate import Candidate
from llmroute.records.price import Price, Usage
from llmroute.records.suite import Message


@dataclass(frozen=True, slots=True)
class Call:
    """A planned request: one candidate's answer to one sample, for the n-th time."""

    key: str
    """Content hash of endpoint, model, messages, parameters and repeat: the store's key."""
    suite: str
    task: str
    sample_id: str
    candidate: Candidate
    messages: tuple[Message, ...]
    messages_digest: str
    """Content hash of the messages alone, shared by all candidates."""
    params: Mapping[str, Any]
    repeat: int = 0
    labels: tuple[str, ...] = ()
    """The suite's allowed answers; `builtin/` candidates may choose from them."""


@dataclass(frozen=True, slots=True)
class Completion:
    """An answered call."""

    key: str
    output: str
    usage: Usage = Usage()
    finish_reason: str | None = None
    """"stop", "length", "content_filter", "tool_calls" or what the endpoint said."""
    latency_s: float | None = None
    """Wall time of the attempt that was answered; None in recordings that lack it."""
    busy_s: float | None = None
    """Seconds of machine time to be paid by the hour; None where nothing is."""
    recorded_cost_usd: float | None = None
    """Cost as the provider or the recording states it."""
    model_returned: str | None = None
    """The model id the endpoint says has answered."""
    attempts: int = 1
    created_s: float = 0.0
    """Unix time of the answer."""

    def cost_usd(self, price: Price | None) -> float | None:
        """What the answer cost: as recorded, else counts × price; None where neither is known.

        A machine paid by the hour whose share was not measured is charged for the whole latency.
        """
        if self.recorded_cost_usd is not None or price is None:
            return self.recorded_cost_usd
        busy_s = self.latency_s if self.busy_s is None else self.busy_s
        return price.cost_usd(self.usage, busy_s)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call has no answer."""

    key: str
    kind: str
    """A `CallError.kind`."""
    message: str
    status: int | None = None
    latency_s: float | None = None
    attempts: int = 1
    created_s: float = 0.0

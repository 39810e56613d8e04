"""A model under comparison, and how hard it may be driven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from llmroute.records.price import Price


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a candidate may be driven."""

    rpm: float | None = None
    """Requests a minute."""
    tpm: float | None = None
    """Tokens a minute, prompt and answer together."""
    concurrency: int | None = None
    """Most calls in flight; None: the run's."""
    timeout_s: float = 120.0
    max_attempts: int = 4
    """Tries of one call, the first included, where the failure deserves another."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model under comparison."""

    name: str
    """Used everywhere else: in the map, in reports, on the command line."""
    model: str
    """LiteLLM id, `builtin/NAME` or `replay/NAME`."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every call: temperature, max_tokens, reasoning_effort, ..."""
    price: Price | None = None
    """None: unpriced, and so never the cheapest."""
    limits: Limits = Limits()
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    """The key's value, never stored, logged or hashed; None: the provider's own variable."""
    api_key_variable: str | None = None
    """Where the configuration reads the key from; no secret, so the map may name it."""
    adapter: Literal["auto", "litellm", "direct"] = "auto"
    recording: Path | None = None
    tags: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        """The part of the model id before the first slash, or "" where there is none."""
        provider, slash, _ = self.model.partition("/")
        return provider if slash else ""

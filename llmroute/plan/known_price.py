"""Candidate → the candidate with a price: its own, or what is known of its model."""

from __future__ import annotations

from dataclasses import replace

from llmroute.calls.builtin_client import BUILTIN_PRICE
from llmroute.calls.prices import list_price
from llmroute.records import Candidate, Price


def with_known_price(candidate: Candidate) -> Candidate:
    """The candidate with its own price, or else the one that is known of its model."""
    return replace(candidate, price=candidate.price or _known_price(candidate))


def _known_price(candidate: Candidate) -> Price | None:
    if candidate.provider == "builtin":
        return BUILTIN_PRICE
    if candidate.provider == "replay":
        return list_price(candidate.model.removeprefix("replay/"))
    return list_price(candidate.model)

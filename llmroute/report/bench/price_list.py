"""Provenance → the prices that costs were computed with, and as of when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmroute.report.amounts import UNKNOWN

if TYPE_CHECKING:
    from llmroute.records import Provenance

COLUMNS = (
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "usd_per_hour",
)


@dataclass(frozen=True, slots=True)
class PriceView:
    """One candidate's price."""

    candidate: str
    model: str
    amounts: tuple[str, ...]
    """For a million prompt tokens, answer tokens, cached prompt tokens; for an hour."""
    source: str
    """Where it is from; empty: there is no price."""


def view_prices(provenance: Provenance) -> tuple[PriceView, ...]:
    """A line a candidate, by name; where no price is known, dashes."""
    return tuple(_price(name, facts) for name, facts in sorted(provenance.candidates.items()))


def _price(name: str, facts: Mapping[str, Any]) -> PriceView:
    price = facts.get("price")
    known = price if isinstance(price, Mapping) else {}
    return PriceView(
        candidate=name,
        model=str(facts.get("model") or ""),
        amounts=tuple(_amount(known.get(column)) for column in COLUMNS),
        source=str(known.get("source") or ("stated" if known else "")),
    )


def _amount(usd: Any) -> str:
    """A price as it was stated, without more digits or fewer.

    >>> _amount(0.15), _amount(0), _amount(None), _amount(0.0375), _amount(12)
    ('$0.15', '$0', '–', '$0.0375', '$12')
    """
    if isinstance(usd, bool) or not isinstance(usd, (int, float)):
        return UNKNOWN
    return f"${usd:,.6f}".rstrip("0").rstrip(".")

"""Savings → the map beside the reference, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.bench.quantities import Quantity
from llmroute.report.bench.story import savings_range

if TYPE_CHECKING:
    from llmroute.records import RoutingMap


@dataclass(frozen=True, slots=True)
class SavingsView:
    """The map's cost beside the reference's, for 1,000 requests."""

    reference: Quantity
    routed: Quantity
    saved: Quantity
    share: Quantity
    share_low: float | None
    share_high: float | None
    interval: str
    reason: str | None


def view_savings(routing_map: RoutingMap) -> SavingsView:
    """What the map says it saves."""
    savings = routing_map.savings
    saved, share = savings.saved_usd_per_1k, savings.saved_share
    return SavingsView(
        reference=Quantity.usd(savings.reference_usd_per_1k),
        routed=Quantity.usd(savings.routed_usd_per_1k),
        saved=Quantity.usd(saved.value if saved else None),
        share=Quantity.share(share.value if share else None),
        share_low=share.low if share else None,
        share_high=share.high if share else None,
        interval=savings_range(savings),
        reason=savings.reason,
    )

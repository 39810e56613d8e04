"""Numbers → numbers beside the text they are shown as."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from llmroute.report.amounts import interval_text, quality_text, seconds_text, share_text, usd_text


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and the text it is shown as."""

    value: float | None
    text: str

    @classmethod
    def usd(cls, value: float | None) -> Quantity:
        """Dollars."""
        return cls(value, usd_text(value))

    @classmethod
    def share(cls, value: float | None) -> Quantity:
        """A share in [0, 1], shown in percent."""
        return cls(value, share_text(value))

    @classmethod
    def seconds(cls, value: float | None) -> Quantity:
        """Seconds, shown in the unit that suits."""
        return cls(value, seconds_text(value))


@dataclass(frozen=True, slots=True)
class QualityView:
    """A quality with its bounds, beside the bar it is held to."""

    value: float | None
    low: float | None
    high: float | None
    bar: float | None
    text: str
    interval: str

    @classmethod
    def of(
        cls, value: float | None, low: float | None, high: float | None, bar: float | None
    ) -> QualityView:
        """With as many digits as telling it from the bar takes."""
        return cls(value, low, high, bar, quality_text(value, bar), interval_text(low, high))


def price_order(usd: float | None) -> tuple[bool, float]:
    """A key that sorts from the cheapest to the dearest, what has no price last."""
    return usd is None, inf if usd is None else usd

"""Savings, traffic and spending → what the map is worth a month, and when the bench is repaid."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from llmroute.report.amounts import UNKNOWN, count_text, counted, share_text, usd_text

if TYPE_CHECKING:
    from llmroute.records import Interval, Savings, Spending, Volume

DAYS = {"day": 1.0, "month": 365.25 / 12}


@dataclass(frozen=True, slots=True)
class MoneyView:
    """Money at the stated volume, and the bench's own price beside what it saves."""

    volume: str
    """'1,200,000 requests a month'; empty: none is stated."""
    period: str
    """'month' or 'day'; empty: no volume is stated."""
    paid: str
    """By the reference alone, at that volume."""
    routed: str
    saved: str
    saved_interval: str
    """'$810 to $1,020'; empty: nothing is known, or nothing varies."""
    answers: str
    """What the answers behind the report cost."""
    judges: str
    """What the verdicts about them cost."""
    judges_share: str
    """Of both together."""
    spent: str
    """Both; a dash where it was not looked up."""
    n_unknown: int
    """Answered calls without a known cost, which are in neither."""
    break_even: str
    """After how many requests the saving has repaid the bench; empty: never, or not known."""
    break_even_interval: str
    break_even_time: str
    """How long that takes at the stated volume."""

    @property
    def sentence(self) -> str:
        """The saving at the stated volume and when the bench is repaid; empty where none is."""
        if not self.volume or self.saved in (UNKNOWN, usd_text(0.0)):
            return ""
        bounds = f" ({self.saved_interval})" if self.saved_interval else ""
        said = f"At {self.volume} that is {self.saved}{bounds} a {self.period}"
        return f"{said}{self._repaid}."

    @property
    def _repaid(self) -> str:
        if not self.break_even:
            return ""
        return f", and the {self.spent} of the bench are repaid after {self.break_even} requests"


def view_money(savings: Savings, volume: Volume | None, spending: Spending | None) -> MoneyView:
    """What is saved at the stated volume, and what it took to find out."""
    scale = volume.requests / 1000 if volume else 0.0
    saved = savings.saved_usd_per_1k
    requests = _break_even(saved, spending)
    return MoneyView(
        volume=f"{count_text(volume.requests)} requests a {volume.period}" if volume else "",
        period=volume.period if volume else "",
        paid=_scaled(savings.reference_usd_per_1k, scale),
        routed=_scaled(savings.routed_usd_per_1k, scale),
        saved=_scaled(saved.value if saved else None, scale),
        saved_interval=_dollar_range(saved, scale) if volume else "",
        answers=usd_text(spending.answers_usd if spending else None),
        judges=usd_text(spending.judges_usd if spending else None),
        judges_share=overhead_share(spending),
        spent=usd_text(spending.total_usd if spending else None),
        n_unknown=spending.n_unknown if spending else 0,
        break_even=count_text(requests[0]) if requests else "",
        break_even_interval=_count_range(requests),
        break_even_time=_time(requests[0], volume) if requests and volume else "",
    )


def overhead_share(spending: Spending | None) -> str:
    """Share of the bench's own cost that went to judges.

    >>> from llmroute.records import Spending
    >>> overhead_share(Spending(3.0, 1.0, 0)), overhead_share(Spending(0.0, 0.0, 0))
    ('25%', '–')
    """
    total_usd = spending.total_usd if spending else None
    return share_text(spending.judges_usd / total_usd if spending and total_usd else None)


def _scaled(usd_per_1k: float | None, scale: float) -> str:
    return usd_text(None if usd_per_1k is None or not scale else usd_per_1k * scale)


def _dollar_range(saved: Interval | None, scale: float) -> str:
    if saved is None or saved.low == saved.high:
        return ""
    return f"{usd_text(saved.low * scale)} to {usd_text(saved.high * scale)}"


def _break_even(
    saved: Interval | None, spending: Spending | None
) -> tuple[int, int, int | None] | None:
    """Requests until the bench is repaid: expected, at best and at worst (None: perhaps never)."""
    total_usd = spending.total_usd if spending and not spending.n_unknown else None
    if saved is None or total_usd is None or saved.value <= 0:
        return None
    spent = 1000 * total_usd
    worst = ceil(spent / saved.low) if saved.low > 0 else None
    return ceil(spent / saved.value), ceil(spent / saved.high), worst


def _count_range(requests: tuple[int, int, int | None] | None) -> str:
    if requests is None or requests[1] == requests[2]:
        return ""
    worst = "perhaps never" if requests[2] is None else count_text(requests[2])
    return f"{count_text(requests[1])} to {worst}"


def _time(requests: int, volume: Volume) -> str:
    """How long the traffic takes to come to so many requests.

    >>> from llmroute.records import Volume
    >>> _time(500, Volume(48_000, "day")), _time(100_000, Volume(40_000, "day"))
    ('under an hour', '2.5 days')
    """
    days = requests / volume.requests * DAYS[volume.period]
    if days < 1 / 24:
        return "under an hour"
    if days < 1:
        return counted(ceil(days * 24), "hour")
    return f"{days:.1f} days" if days < 10 else counted(ceil(days), "day")

"""Values → places along an axis, and the round numbers that are written beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from llmroute.report.attributes import Corners
from llmroute.report.labels import PHONE, Label, overlap


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LinearAxis:
    """Values from `low` to `high` at places from `start` to `end`; what lies beyond, at the ends.

    >>> LinearAxis(0.5, 1.0, start=100, end=0).place(0.75)
    50.0
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(
        cls, values: Iterable[float], *, step: float, start: float, end: float
    ) -> LinearAxis:
        """From a multiple of `step` below the values to one above them, within [0, 1]."""
        values = tuple(values)
        low = max(0.0, floor(min(values) / step + 1e-9) * step)
        high = min(1.0, ceil(max(values) / step - 1e-9) * step)
        return cls(low, high if high > low else low + step, start, end)

    def place(self, value: float) -> float:
        """Where a value stands."""
        return _between(self.start, self.end, value, self.low, self.high)

    def ticks(self, label: Callable[[float], str], count: int = 5) -> tuple[Tick, ...]:
        """About `count` round numbers."""
        return tuple(
            Tick(self.place(v), label(v)) for v in round_values(self.low, self.high, count)
        )


@dataclass(frozen=True, slots=True)
class LogAxis:
    """Powers of ten from 10^`low` to 10^`high` at places from `start` to `end`.

    >>> LogAxis(-2, 2, start=0, end=400).place(10)
    300.0
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], *, start: float, end: float) -> LogAxis:
        """An axis with room for labels on both sides of positive values."""
        if not values:
            return cls(-2.0, 0.0, start, end)
        low, high = log10(min(values)), log10(max(values))
        pad = max(0.12 * (high - low), 0.25)
        return cls(low - pad, high + 1.4 * pad, start, end)

    def place(self, value: float) -> float:
        """Where a positive value stands."""
        return _between(self.start, self.end, log10(value), self.low, self.high)

    def ticks(self, label: Callable[[float], str], low: float, high: float) -> tuple[Tick, ...]:
        """As many round numbers as have room for their labels from `low` to `high`, also in a
        phone's type."""
        for values in self._round():
            ticks = [Tick(self.place(value), label(value)) for value in values]
            boxes = [Label(tick.at, 0.0, "middle", tick.label).box(PHONE) for tick in ticks]
            if not any(overlap(one, other) for one, other in pairwise(boxes)):
                inside = (low <= box[0] and box[2] <= high for box in boxes)
                return tuple(t for t, is_in in zip(ticks, inside, strict=True) if is_in)
        return ()

    def _round(self) -> Iterable[list[float]]:
        """1, 2 and 5 times the powers of ten, then fewer and fewer of them."""
        for steps, stride in (((1, 2, 5), 1), ((1, 3), 1), *(((1,), n) for n in range(1, 20))):
            decades = range(floor(self.low), ceil(self.high) + 1)
            values = [float(f"{m}e{d}") for d in decades if d % stride == 0 for m in steps]
            yield [value for value in values if self.low <= log10(value) <= self.high]


def joined(places: Iterable[tuple[float, float]]) -> Corners:
    """Places in a drawing as SVG writes a line through them.

    >>> joined([(1.0, 2.0), (3.5, 4.0)])
    '1.0,2.0 3.5,4.0'
    """
    return Corners(" ".join(f"{x},{y}" for x, y in places))


def usd_tick(usd: float) -> str:
    """A round amount as it stands beside an axis.

    >>> [usd_tick(usd) for usd in (0.0, 0.00005, 0.5, 20.0, 1000.0)]
    ['$0', '$0.00005', '$0.5', '$20', '$1,000']
    """
    text = f"{usd:,.8f}".rstrip("0").rstrip(".")
    return f"${text}"


def _between(start: float, end: float, value: float, low: float, high: float) -> float:
    share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5
    return round(start + share * (end - start), 1)


def round_values(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers between the two.

    >>> round_values(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> round_values(0.83, 0.94)
    [0.85, 0.875, 0.9, 0.925]
    """
    raw = (high - low) / count
    scale = 10.0 ** floor(log10(raw))
    step = next(scale * m for m in (1, 2, 2.5, 5, 10) if scale * m >= raw * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]

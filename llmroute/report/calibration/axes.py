"""Values → places in a drawing with two linear axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.report.attributes import Corners
from llmroute.report.axes import Tick, round_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.calibration.pair import Floats

WIDTH, HEIGHT = 520.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 14.0, 42.0
DRAWN = 400
"""Points of a line; more can't be seen."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Two linear axes and the frame they stand in."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    @classmethod
    def around(cls, x: Floats, y: Floats) -> Axes:
        """Axes that hold these values with a little room."""
        x_pad = 0.0 if x.min() == 0 else 0.04 * float(np.ptp(x))
        y_pad = max(0.04 * float(np.ptp(y)), 1e-3)
        low, high = float(x.min()) - x_pad, float(x.max()) + x_pad
        return cls(low, max(high, low + 1e-9), float(y.min()) - y_pad, float(y.max()) + y_pad)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a value stands in the drawing."""
        across = (x - self.x_low) / (self.x_high - self.x_low)
        up = (y - self.y_low) / (self.y_high - self.y_low)
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP), 1),
        )

    def corners(self, x: Floats, y: Floats) -> Corners:
        """A line through the values, as SVG writes it: "x,y x,y"."""
        kept = np.unique(np.linspace(0, x.size - 1, min(DRAWN, x.size)).round().astype(int))
        places = [self.place(float(x[i]), float(y[i])) for i in kept]
        return joined(places)

    def y_ticks(self) -> tuple[Tick, ...]:
        """At round numbers."""
        values = round_values(self.y_low, self.y_high, 5)
        return tuple(Tick(self.place(self.x_low, value)[1], f"{value:.3g}") for value in values)

    def x_ticks(self, label: str = "{:.3g}") -> tuple[Tick, ...]:
        """At round numbers, written as `label` formats them."""
        values = round_values(self.x_low, self.x_high, 5)
        return tuple(
            Tick(self.place(value, self.y_low)[0], label.format(value)) for value in values
        )


def joined(places: Iterable[tuple[float, float]]) -> Corners:
    """Places in a drawing as SVG writes a line through them.

    >>> joined([(1.0, 2.0), (3.5, 4.0)])
    '1.0,2.0 3.5,4.0'
    """
    return Corners(" ".join(f"{x},{y}" for x, y in places))

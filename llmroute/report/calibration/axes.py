"""Values → places in a drawing with two linear axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.report.axes import LinearAxis, Tick

if TYPE_CHECKING:
    from llmroute.calibration.pair import Floats

WIDTH, HEIGHT = 520.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 14.0, 42.0
DRAWN = 400
"""Points of a line; more can't be seen."""

Places = tuple[tuple[float, float], ...]
"""Corners of a line, in the drawing's own units."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Two linear axes in the frame of the page's figures."""

    x: LinearAxis
    y: LinearAxis

    @classmethod
    def over(cls, x_low: float, x_high: float, y_low: float, y_high: float) -> Axes:
        """Axes of just these ranges."""
        return cls(
            LinearAxis(x_low, x_high, start=LEFT, end=WIDTH - RIGHT),
            LinearAxis(y_low, y_high, start=HEIGHT - BOTTOM, end=TOP),
        )

    @classmethod
    def around(cls, x: Floats, y: Floats) -> Axes:
        """Axes that hold these values with a little room."""
        x_pad = 0.0 if x.min() == 0 else 0.04 * float(np.ptp(x))
        y_pad = max(0.04 * float(np.ptp(y)), 1e-3)
        low, high = float(x.min()) - x_pad, float(x.max()) + x_pad
        return cls.over(low, max(high, low + 1e-9), float(y.min()) - y_pad, float(y.max()) + y_pad)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a value stands in the drawing."""
        return self.x.place(x), self.y.place(y)

    def line(self, x: Floats, y: Floats) -> Places:
        """A line through the values."""
        kept = np.unique(np.linspace(0, x.size - 1, min(DRAWN, x.size)).round().astype(int))
        return tuple(self.place(float(x[i]), float(y[i])) for i in kept)

    def y_ticks(self) -> tuple[Tick, ...]:
        """At round numbers."""
        return self.y.ticks("{:.3g}".format)

    def x_ticks(self, label: str = "{:.3g}") -> tuple[Tick, ...]:
        """At round numbers, written as `label` formats them."""
        return self.x.ticks(label.format)

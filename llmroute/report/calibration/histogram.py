"""Calibration → its scores by outcome: where on the scale the strong model is worth its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.report.amounts import counted
from llmroute.report.attributes import OutcomeKind
from llmroute.report.axes import LinearAxis, Tick
from llmroute.report.calibration.axes import BOTTOM, LEFT, RIGHT, WIDTH
from llmroute.report.columns import Table
from llmroute.report.labels import Label

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.pair import Floats, Ints

BINS = 32
TOP, STRIP, GAP = 22.0, 66.0, 22.0
"""Room for the threshold's label; height of a strip; room for its own label."""
FLOOR = TOP + 3 * (STRIP + GAP)

OUTCOMES: dict[OutcomeKind, str] = {
    "better": "the strong model does better",
    "same": "both do the same",
    "worse": "the weak model does better",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of a histogram."""

    x: float
    y: float
    width: float
    height: float
    tip: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The histogram of one outcome, as high as shares of its own prompts."""

    outcome: OutcomeKind
    label: str
    top: float
    base: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Scores by outcome, one strip each, on one axis."""

    title: str
    description: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    strips: tuple[Strip, ...]
    threshold: Label | None
    table: Table
    y_ticks: tuple[Tick, ...] = ()
    """None: heights are compared, not read."""
    width: float = WIDTH
    height: float = FLOOR + BOTTOM
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = FLOOR


def score_name(calibration: Calibration) -> str:
    """What the score is called where it decides."""
    answers = calibration.answers
    if answers is None:
        return "strong_win_rate"
    if answers.direct is None or not answers.direct.rows.any():
        return "escalation_score"
    return "escalation_score; from 1 on, 1 + strong_win_rate"


def score_histogram(calibration: Calibration) -> Histogram:
    """Where prompts of each outcome stand on the scale of the score, and where it is cut."""
    scores, gaps = calibration.scores, calibration.pair.gaps
    edges = _edges(scores)
    counts = np.stack(
        [np.histogram(scores[kind], edges)[0] for kind in (gaps > 0, gaps == 0, gaps < 0)]
    )
    axis = LinearAxis(float(edges[0]), float(edges[-1]), start=LEFT, end=WIDTH - RIGHT)
    return Histogram(
        title="Scores by outcome",
        description="Three histograms on one axis, each as high as shares of its own prompts. Of a"
        " score that knows something, the first stands farther right than the last.",
        x_label=f"{score_name(calibration)} →",
        x_ticks=axis.ticks("{:.3g}".format),
        strips=_strips(counts, edges, axis),
        threshold=_threshold(calibration, axis),
        table=_table(counts, edges),
    )


def _edges(scores: Floats) -> Floats:
    low, high = float(scores.min()), float(scores.max())
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    edges: Floats = np.linspace(low, high, BINS + 1)
    return edges


def _threshold(calibration: Calibration, axis: LinearAxis) -> Label | None:
    """Its place; beyond all scores it stands at the edge."""
    if calibration.point is None:
        return None
    threshold = calibration.point.threshold
    x = axis.place(threshold)
    anchor = "start" if x < WIDTH / 2 else "end"
    return Label(x, TOP - 8, anchor, f"threshold {threshold:.4g}")


def _strips(counts: Ints, edges: Floats, axis: LinearAxis) -> tuple[Strip, ...]:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heights = STRIP * shares / shares.max()
    strips = []
    for k, (outcome, told) in enumerate(OUTCOMES.items()):
        n, base = int(counts[k].sum()), TOP + (k + 1) * (STRIP + GAP)
        label = f"{told}: {counted(n, 'prompt')} ({n / counts.sum():.0%})"
        bars = _bars(counts[k], heights[k], edges, axis, base)
        strips.append(Strip(outcome, label, base - STRIP, base, bars))
    return tuple(strips)


def _bars(
    counts: Ints, heights: Floats, edges: Floats, axis: LinearAxis, base: float
) -> tuple[Bar, ...]:
    places = [axis.place(float(edge)) for edge in edges]
    return tuple(
        Bar(
            x=round(places[k] + 0.5, 1),
            y=round(base - max(1.0, heights[k]), 1),
            width=round(places[k + 1] - places[k] - 1, 1),
            height=round(max(1.0, heights[k]), 1),
            tip=f"{edges[k]:.3f} to {edges[k + 1]:.3f}: {counted(int(counts[k]), 'prompt')}",
        )
        for k in np.flatnonzero(counts).tolist()
    )


def _table(counts: Ints, edges: Floats) -> Table:
    rows = tuple(
        (f"{low:.3f} to {high:.3f}", *(f"{count:,}" for count in column))
        for low, high, column in zip(edges[:-1], edges[1:], counts.T, strict=True)
        if column.any()
    )
    return Table(("Score", "Strong better", "Same", "Weak better"), rows, (1, 2, 3))

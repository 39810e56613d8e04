"""Calibration → whether its scores can be taken at their word: diagram, table and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.reliability import reliability
from llmroute.report.amounts import counted
from llmroute.report.attributes import Corners
from llmroute.report.axes import Tick, joined
from llmroute.report.calibration.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axes
from llmroute.report.columns import Table

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.pair import Floats
    from llmroute.calibration.reliability import Reliability, ReliabilityBin

RANKS_ONLY = {
    "length": "the length of the prompt",
    "random": "a draw of chance",
    "rules": "rules as somebody wrote them",
}
"""Routers whose scores put prompts in order and are learned from no outcome."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A bin of the diagram, with its interval."""

    x: float
    y: float
    y_low: float
    y_high: float
    tip: str


@dataclass(frozen=True, slots=True)
class ReliabilityChart:
    """How often the strong model did better, over how often the score said it would."""

    title: str
    description: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: Corners
    marks: tuple[Mark, ...]
    table: Table
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def chances(calibration: Calibration) -> Floats | None:
    """What each score says of how often the strong model does better; None: it says no such thing.

    Of a combined policy, the score that decides the row, on its own scale.
    """
    scores, answers = calibration.scores, calibration.answers
    if answers is not None and answers.direct is not None:
        scores = np.where(answers.direct.rows, answers.rates, scores)
    return scores if float(scores.min()) >= 0 and float(scores.max()) <= 1 else None


def read_reliability(calibration: Calibration) -> Reliability | None:
    """Of the scores that decide, all out-of-fold; None where they are no chances."""
    forecasts = chances(calibration)
    if forecasts is None:
        return None
    return reliability(forecasts, calibration.pair, seed=calibration.wish.seed)


def reliability_words(calibration: Calibration, found: Reliability | None) -> str:
    """What a reader may take the scores for."""
    if found is None:
        return (
            "The scores leave [0, 1]: they put prompts in order and are no chances, so that there"
            " is nothing to set beside what came of them."
        )
    better = "better" if found.brier < found.brier_of_mean else "no better"
    told = (
        "A score says how often the strong model does better, ties counting half. Expected"
        f" calibration error {found.ece:.3f}; chance alone would show {found.ece_by_chance:.3f}."
        f" Brier score {found.brier:.3f}, {better} than the {found.brier_of_mean:.3f} of a forecast"
        " that says the mean for every prompt. A threshold needs the order of the scores only."
    )
    ranks = None if calibration.answers is not None else RANKS_ONLY.get(calibration.router)
    if ranks is None:
        return told
    return f"{told} Router {calibration.router} goes by {ranks}: its scores are no chances."


def reliability_chart(calibration: Calibration) -> ReliabilityChart | None:
    """The diagram; None where the scores are no chances."""
    found = read_reliability(calibration)
    if found is None:
        return None
    axes = _axes(found)
    ends = np.array([axes.x.low, axes.x.high])
    return ReliabilityChart(
        title="Reliability of the scores",
        description="For bins of about equal numbers, how often the strong model did better over"
        " the mean score, with 95% intervals. On the diagonal a score can be taken at its word.",
        x_label="mean score →",
        x_ticks=axes.x_ticks(),
        y_ticks=axes.y_ticks(),
        diagonal=joined(axes.line(ends, ends)),
        marks=tuple(_mark(axes, one) for one in found.bins),
        table=_table(found),
    )


def _axes(found: Reliability) -> Axes:
    """The same range both ways, so that the diagonal is one."""
    reach = [
        edge for one in found.bins for edge in (one.forecast, one.observed.low, one.observed.high)
    ]
    pad = max(0.05 * (max(reach) - min(reach)), 0.02)
    low, high = max(0.0, min(reach) - pad), min(1.0, max(reach) + pad)
    return Axes.over(low, high, low, high)


def _mark(axes: Axes, one: ReliabilityBin) -> Mark:
    x, y = axes.place(one.forecast, one.observed.value)
    low, high = (axes.place(one.forecast, end)[1] for end in (one.observed.low, one.observed.high))
    tip = (
        f"score {one.low:.3f} to {one.high:.3f}: {counted(one.n, 'prompt')}, strong better on"
        f" {one.observed.value:.0%}"
    )
    return Mark(x, y, low, high, tip)


def _table(found: Reliability) -> Table:
    rows = tuple(
        (
            f"{one.low:.3f} to {one.high:.3f}",
            f"{one.n:,}",
            f"{one.forecast:.3f}",
            f"{one.observed.value:.3f} ({one.observed.low:.3f} to {one.observed.high:.3f})",
        )
        for one in found.bins
    )
    return Table(("Score", "n", "Mean score", "Strong did better"), rows, (1, 2, 3))

"""Undecided cells → how wide their intervals are, and would be with more samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from llmroute.report.amounts import quality_text

if TYPE_CHECKING:
    from llmroute.records import Cell, Comparison, QualityRule

POWER = 0.8
"""The chance of being recognised that counts as enough."""
MORE = (50, 100)
"""Further samples that are looked at, beside as many again."""


@dataclass(frozen=True, slots=True)
class Width:
    """How far the lower bound lies below the mean, with so many samples."""

    n_samples: int
    width: float
    text: str
    settles: bool
    """Whether the cell would clear, its mean staying as it is."""


@dataclass(frozen=True, slots=True)
class PrecisionView:
    """How much an undecided cell can tell."""

    task: str
    candidate: str
    above: str
    """How far its mean is above the bar."""
    now: Width
    more: tuple[Width, ...]
    """With 50 more samples, with 100 more, with as many again."""
    visible: float
    """The least true distance above the bar that is recognised with 80 % chance."""
    visible_text: str


def view_precision(comparison: Comparison) -> tuple[PrecisionView, ...]:
    """Every undecided cell with a lower bound, widest first."""
    found = [
        _view(cell, comparison.rule, sum(other.quality is not None for other in task.cells))
        for task in comparison.tasks
        for cell in task.cells
        if cell.verdict == "undecided"
    ]
    known = [view for view in found if view is not None]
    return tuple(sorted(known, key=lambda view: (-view.now.width, view.task, view.candidate)))


def _view(cell: Cell, rule: QualityRule, n_compared: int) -> PrecisionView | None:
    width = cell.bound_width
    if width is None or cell.quality is None or cell.quality_threshold is None or not cell.n_scored:
        return None
    width *= _stretch(rule, n_compared)
    margin = rule.margin if rule.evidence == "likely" else 0.0
    above = cell.quality - cell.quality_threshold
    n = cell.n_samples

    def with_samples(count: int) -> Width:
        narrower = width * sqrt(n / count)
        return Width(count, narrower, quality_text(narrower), narrower <= above + margin)

    visible = least_visible(width, rule.confidence, margin)
    return PrecisionView(
        task=cell.task,
        candidate=cell.candidate,
        above=quality_text(above),
        now=with_samples(n),
        more=tuple(with_samples(count) for count in (*(n + more for more in MORE), 2 * n)),
        visible=visible,
        visible_text=quality_text(visible),
    )


def _stretch(rule: QualityRule, n_compared: int) -> float:
    """ "proven" divides its error among the candidates (Bonferroni): how much wider that is."""
    if rule.evidence != "proven":
        return 1.0
    return NormalDist().inv_cdf(rule.corrected(n_compared)) / NormalDist().inv_cdf(rule.confidence)


def least_visible(width: float, confidence: float, margin: float) -> float:
    """The least true distance above the bar at which a candidate clears with 80 % chance.

    With a standard error of width / z(confidence), the mean must lie above the bar and the bound
    above bar − margin: max(z(0.8)·se, (z(confidence) + z(0.8))·se − margin). The usual sum of two
    quantiles (Cohen, "Statistical Power Analysis", 1988, §1.5), by normal approximation.

    >>> round(least_visible(0.0822, 0.95, 0.0), 4)  # se 0.05: (1.645 + 0.842) × 0.05
    0.1243
    >>> round(least_visible(0.0822, 0.95, 0.10), 4)  # 0.842 × 0.05
    0.0421
    """
    normal = NormalDist()
    error = width / normal.inv_cdf(confidence)
    chance = normal.inv_cdf(POWER)
    return max(chance * error, width + chance * error - margin)

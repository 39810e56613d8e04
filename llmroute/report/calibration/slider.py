"""Calibration → the thresholds over its whole curve: the rows that a reader's slider runs along."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from llmroute.calibration.summary import knee_point
from llmroute.calibration.threshold import operating_points
from llmroute.report.amounts import UNKNOWN, usd_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.calibrating import Calibration, Wish
    from llmroute.calibration.threshold import OperatingPoint
    from llmroute.records import Interval

STEPS = 120
"""Thresholds between no strong call and strong calls only, where the scores tell so many apart."""
StepName = Literal["chosen", "knee", "all weak", "all strong"]
COLUMNS = ("Strong calls", "Threshold", "Quality", "Loss", "$/1k", "Saved", "PGR")


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its interval, as text."""

    text: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One threshold."""

    names: tuple[StepName, ...]
    """What it is known as; mostly nothing."""
    figures: tuple[Figure, ...]
    """One for each of the slider's columns."""
    said: str
    """What a screen reader says when the slider stands here."""
    strong_share: float
    quality: Interval
    cost_usd_per_1k: float | None
    """None: a cost is not known."""

    @property
    def label(self) -> str:
        """All its names; empty: it has none."""
        return ", ".join(self.names)

    @property
    def target(self) -> str:
        """The share of strong calls to calibrate to, to land here."""
        return f"{self.strong_share:.6g}"


@dataclass(frozen=True, slots=True)
class Slider:
    """All thresholds, from few strong calls to many."""

    steps: tuple[Step, ...]
    start: int
    """The chosen threshold, or the knee where none is."""
    command: str
    """What calibrates to a step, its target missing."""
    columns: tuple[str, ...] = COLUMNS

    @property
    def jumps(self) -> tuple[tuple[int, str], ...]:
        """Steps that have a name, and it."""
        return tuple((k, step.label) for k, step in enumerate(self.steps) if step.names)


def curve_points(calibration: Calibration, steps: int = STEPS) -> tuple[OperatingPoint, ...]:
    """What thresholds spread over the whole curve give, the knee and the chosen one among them."""
    sweep, point = calibration.policy.sweep(), calibration.point
    shares = sweep.whole().shares[0]
    at = {int(np.abs(shares - share).argmin()) for share in np.linspace(0, 1, steps + 1)}
    at.add(knee_point(sweep.whole()))
    if point is not None:
        at.add(int(np.flatnonzero(sweep.thresholds == point.threshold)[0]))
    return operating_points(sweep, sorted(at), calibration.pair.groups, seed=calibration.wish.seed)


def build_slider(calibration: Calibration) -> Slider:
    """The rows of the table, in the order of the slider."""
    points = curve_points(calibration)
    steps = tuple(
        _step(point, known)
        for point, known in zip(points, _names(calibration, points), strict=True)
    )
    wanted = "knee" if calibration.point is None else "chosen"
    start = next(k for k, step in enumerate(steps) if wanted in step.names)
    return Slider(steps, start, calibrating_command(calibration.wish))


def _step(point: OperatingPoint, names: tuple[StepName, ...]) -> Step:
    cost = point.cost_usd_per_1k
    return Step(
        names=names,
        figures=_figures(point),
        said=_said(point, names),
        strong_share=point.strong_share.value,
        quality=point.quality,
        cost_usd_per_1k=None if cost is None else cost.value,
    )


def _names(
    calibration: Calibration, points: Sequence[OperatingPoint]
) -> tuple[tuple[StepName, ...], ...]:
    sweep, chosen = calibration.policy.sweep(), calibration.point
    known: dict[StepName, float | None] = {
        "chosen": None if chosen is None else chosen.threshold,
        "knee": float(sweep.thresholds[knee_point(sweep.whole())]),
        "all weak": points[0].threshold,
        "all strong": points[-1].threshold,
    }
    return tuple(
        tuple(name for name, threshold in known.items() if point.threshold == threshold)
        for point in points
    )


def _figures(point: OperatingPoint) -> tuple[Figure, ...]:
    cost = point.cost_usd_per_1k
    return (
        _percent(point.strong_share),
        Figure(f"{point.threshold:.6g}"),
        _number(point.quality),
        _number(point.quality_loss),
        Figure(UNKNOWN) if cost is None else Figure(usd_text(cost.value), _usd_interval(cost)),
        Figure(UNKNOWN) if point.saving is None else _percent(point.saving),
        _number(point.pgr),
    )


def _number(interval: Interval) -> Figure:
    if np.isnan(interval.value):
        return Figure(UNKNOWN)
    return Figure(f"{interval.value:.3f}", f"{interval.low:.3f} to {interval.high:.3f}")


def _percent(interval: Interval) -> Figure:
    return Figure(f"{interval.value:.1%}", f"{interval.low:.1%} to {interval.high:.1%}")


def _usd_interval(cost: Interval) -> str:
    return f"{usd_text(cost.low)} to {usd_text(cost.high)}"


def _said(point: OperatingPoint, names: Sequence[str]) -> str:
    cost, saving = point.cost_usd_per_1k, point.saving
    parts = [
        *names,
        f"{point.strong_share.value:.1%} strong calls",
        f"quality {point.quality.value:.3f}",
        "cost not known" if cost is None else f"{usd_text(cost.value)} per 1,000 requests",
    ]
    if saving is not None:
        parts.append(f"{abs(saving.value):.1%} {'saved' if saving.value >= 0 else 'dearer'}")
    return ", ".join(parts)


def calibrating_command(wish: Wish) -> str:
    """What asks for another share of strong calls; the files of outcomes are not known here.

    >>> from llmroute.calibrating import Wish
    >>> calibrating_command(Wish(weak="small", strong="the large", policy="cascade"))
    "llmroute calibrate --weak small --strong 'the large' --policy cascade --target-strong"
    """
    usual = type(wish)()
    options = {
        "--weak": wish.weak,
        "--strong": wish.strong,
        "--task": wish.task,
        "--policy": None if wish.policy == usual.policy else wish.policy,
        "--router": None if wish.router == usual.router else wish.router,
        "--embeddings": wish.embedding,
        "--seed": str(wish.seed) if wish.seed else None,
    }
    parts = [part for name, value in options.items() if value for part in (name, value)]
    return shlex.join(["llmroute", "calibrate", *parts, "--target-strong"])

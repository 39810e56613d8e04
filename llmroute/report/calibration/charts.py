"""Calibration → chart geometry: quality over the share of strong calls, and over dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, hypot
from typing import TYPE_CHECKING, Literal

import numpy as np

from llmroute.calibration.controls import control_scores
from llmroute.calibration.curve import Curve, threshold_curve, upper_hull
from llmroute.calibration.policy import Policy
from llmroute.report.attributes import Corners
from llmroute.report.axes import Tick, joined
from llmroute.report.calibration.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    Places,
)
from llmroute.report.labels import Box, Label, Wanted, place_labels

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.pair import Floats, Ints
    from llmroute.report.calibration.slider import Step

LineKind = Literal["router", "rival", "front", "random", "length", "task_map", "oracle"]
MarkKind = Literal["chosen", "knee", "single"]
CONTROLS: dict[LineKind, str] = {
    "length": "longest prompts to strong",
    "task_map": "the static map: one answer a task",
    "oracle": "perfect foresight: the ceiling",
}
"""Control → what its line is; random routing is the straight one."""
MARKS: dict[MarkKind, str] = {
    "chosen": "the chosen threshold",
    "knee": "knee: farthest above a random mix of the two models",
    "single": "one model alone",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line; `router` is the policy that was calibrated, `rival` the query router beside it."""

    kind: LineKind
    places: Places
    name: str
    """In the legend."""

    @property
    def points(self) -> Corners:
        """As SVG writes it."""
        return joined(self.places)


@dataclass(frozen=True, slots=True)
class Spot:
    """A marked place: the chosen threshold, the knee, a single model."""

    x: float
    y: float
    kind: MarkKind
    label: Label | None


@dataclass(frozen=True, slots=True)
class LineChart:
    """Quality over the share of strong calls, or over dollars."""

    title: str
    description: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    band: Corners
    """Of the interval; empty: none."""
    lines: tuple[Line, ...]
    corners: tuple[tuple[float, float], ...]
    """Thresholds on the Pareto front."""
    spots: tuple[Spot, ...]
    steps: tuple[tuple[float, float], ...]
    """Where each threshold of the slider stands."""
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM
    here: tuple[float, float] | None = None
    """Where the slider's marker stands at first; None: there is no slider."""

    @property
    def marks(self) -> dict[MarkKind, str]:
        """Kinds of its spots, and what a legend says of them."""
        kinds = {spot.kind for spot in self.spots}
        return {kind: told for kind, told in MARKS.items() if kind in kinds}


def share_chart(calibration: Calibration, steps: Sequence[Step]) -> LineChart:
    """Quality over the share of strong calls, with its band and the controls.

    Args:
        calibration: whose curve it is.
        steps: of the slider: the band, and where its marker may stand.
    """
    curve = _curve(calibration.policy)
    controls = {name: _curve(policy) for name, policy in _controls(calibration).items()}
    everything = np.concatenate([curve.quality, *(one.quality for one in controls.values())])
    axes = Axes.around(curve.shares, everything)
    lines = (
        *(_line(name, one.shares, one.quality, axes) for name, one in controls.items()),
        Line(
            "random",
            axes.line(np.array([0.0, 1.0]), curve.quality[[0, -1]]),
            _random_name(calibration),
        ),
        *(_rival(one.shares, one.quality, axes) for one in _rivals(calibration)),
        Line("router", axes.line(curve.shares, curve.quality), _own(calibration)),
    )
    places = tuple(axes.place(one.strong_share, one.quality.value) for one in steps)
    return LineChart(
        title="Quality against the share of strong calls",
        description=f"From always {calibration.pair.weak} on the left to always"
        f" {calibration.pair.strong} on the right, with its 95% interval, beside what needs no"
        " learning. The table of thresholds below has the figures.",
        x_label="share of strong calls →",
        x_ticks=axes.x_ticks("{:.0%}"),
        y_ticks=axes.y_ticks(),
        band=_band(steps, axes),
        lines=lines,
        corners=(),
        spots=_spots(_marks(steps, places), lines),
        steps=places,
    )


def cost_chart(calibration: Calibration, steps: Sequence[Step]) -> LineChart | None:
    """Quality over dollars with the Pareto front; None where a cost is not known.

    Arguments as of `share_chart`.
    """
    policy = calibration.policy
    curve = _curve(policy)
    if curve.cost_usd is None or not float(np.ptp(curve.cost_usd)) > 0:
        return None
    ends = 1000 * np.array([curve.cost_usd[0], policy.strong_alone_usd.mean()])
    drawn = {
        name: (1000 * one.cost_usd, one.quality)
        for name, one in ((name, _curve(rule)) for name, rule in _controls(calibration).items())
        if one.cost_usd is not None
    }
    cost, front = 1000 * curve.cost_usd, _front(curve)
    axes = Axes.around(
        np.concatenate([cost, ends, *(usd for usd, _ in drawn.values())]),
        np.concatenate([curve.quality, *(quality for _, quality in drawn.values())]),
    )
    lines = (
        *(_line(name, *line, axes) for name, line in drawn.items()),
        Line("random", axes.line(ends, curve.quality[[0, -1]]), _random_name(calibration)),
        Line("front", axes.line(cost[front], curve.quality[front]), _FRONT),
        *(
            _rival(1000 * one.cost_usd, one.quality, axes)
            for one in _rivals(calibration)
            if one.cost_usd is not None
        ),
        Line("router", axes.line(cost, curve.quality), _own(calibration)),
    )
    places = tuple(
        axes.place(one.cost_usd_per_1k, one.quality.value)
        for one in steps
        if one.cost_usd_per_1k is not None
    )
    singles: list[_Mark] = [
        (*axes.place(float(usd), float(quality)), "single", name)
        for usd, quality, name in zip(
            ends, curve.quality[[0, -1]], ("always weak", "always strong"), strict=True
        )
    ]
    return LineChart(
        title="Quality against cost",
        description=f"Every threshold's cost and quality. The Pareto front runs through"
        f" {front.size} of the curve's points: on these prompts nothing that the policy can do, a"
        " random mix of two thresholds included, gives more quality for the same money.",
        x_label="$ per 1,000 requests →",
        x_ticks=axes.x_ticks("${:.3g}"),
        y_ticks=axes.y_ticks(),
        band=Corners(""),
        lines=lines,
        corners=tuple(axes.place(float(cost[k]), float(curve.quality[k])) for k in front),
        spots=_spots((*_marks(steps, places), *singles), lines),
        steps=places,
    )


_FRONT = "Pareto front: the most quality for the money"


def _random_name(calibration: Calibration) -> str:
    """Of the straight line: the task map lies on it where it cannot tell prompts apart."""
    if "task_map" in _controls(calibration):
        return "strong calls at random"
    return "strong calls at random; the static map, which tells none of these prompts apart"


def _own(calibration: Calibration) -> str:
    if calibration.answers is None:
        return f"router {calibration.router}, with its 95% interval"
    return f"{calibration.wish.policy}, with its 95% interval"


def _curve(policy: Policy) -> Curve:
    return threshold_curve(policy.scores, policy.pair, strong_alone_usd=policy.strong_alone_usd)


def _controls(calibration: Calibration) -> dict[LineKind, Policy]:
    """Those whose line is not the straight one of random routing."""
    scores = control_scores(calibration.pair)
    return {
        name: Policy.route(scores[name], calibration.pair)
        for name in CONTROLS
        if float(np.ptp(scores[name])) > 0
    }


def _rivals(calibration: Calibration) -> tuple[Curve, ...]:
    """The query router's curve, where answers decide."""
    answers = calibration.answers
    return () if answers is None else (_curve(Policy.route(answers.rates, calibration.pair)),)


def _line(kind: LineKind, x: Floats, y: Floats, axes: Axes) -> Line:
    return Line(kind, axes.line(x, y), CONTROLS[kind])


def _rival(x: Floats, y: Floats, axes: Axes) -> Line:
    return Line("rival", axes.line(x, y), "the query router alone")


def _front(curve: Curve) -> Ints:
    """Numbers of the curve's points on its upper concave hull, from cheap to dear."""
    assert curve.cost_usd is not None  # noqa: S101 - the caller has looked
    return upper_hull(curve.cost_usd, curve.quality)


def _band(steps: Sequence[Step], axes: Axes) -> Corners:
    low = [axes.place(one.strong_share, one.quality.low) for one in steps]
    high = [axes.place(one.strong_share, one.quality.high) for one in steps]
    return joined((*low, *reversed(high)))


# -- marked places --------------------------------------------------------------------------------

_Mark = tuple[float, float, MarkKind, str]


def _marks(steps: Sequence[Step], places: Sequence[tuple[float, float]]) -> tuple[_Mark, ...]:
    """The chosen threshold and the knee: one mark with both names where they are one."""
    marks: list[_Mark] = []
    for step, (x, y) in zip(steps, places, strict=True):
        if "chosen" in step.names:
            marks.append(
                (x, y, "chosen", "chosen, at the knee" if "knee" in step.names else "chosen")
            )
        elif "knee" in step.names:
            marks.append((x, y, "knee", "knee"))
    return tuple(marks)


def _spots(marks: Sequence[_Mark], lines: Sequence[Line]) -> tuple[Spot, ...]:
    """Marks with labels that keep clear of each other, of the axes and of the lines."""
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y, _, _ in marks]
    on_lines = [(x - 2, y - 2, x + 2, y + 2) for line in lines for x, y in _along(line)]
    wanted = [Wanted(x, y, label, must_stand=True) for x, y, _, label in marks]
    labels = place_labels(wanted, taken, (LEFT, 0, WIDTH, HEIGHT - BOTTOM), on_lines)
    return tuple(
        Spot(x, y, kind, label) for (x, y, kind, _), label in zip(marks, labels, strict=True)
    )


def _along(line: Line) -> list[tuple[float, float]]:
    """Places all along a line, between its corners too."""
    return [
        (x0 + part * (x1 - x0), y0 + part * (y1 - y0))
        for (x0, y0), (x1, y1) in pairwise(line.places)
        for part in np.linspace(0, 1, 1 + ceil(hypot(x1 - x0, y1 - y0) / 4)).tolist()
    ]

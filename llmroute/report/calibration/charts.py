"""Calibration → chart geometry: the curve, its price, and the map of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.curve import Curve, hull_values, threshold_curve
from llmroute.calibration.policy import Policy
from llmroute.calibration.threshold import operating_points
from llmroute.embeddings.hashed import HashedEmbedder
from llmroute.report.axes import Tick
from llmroute.report.calibration.words import score_text

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.pair import Floats, Ints
    from llmroute.calibration.threshold import OperatingPoint

WIDTH, HEIGHT = 520.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 14.0, 42.0
GRID = 40
"""Steps of the interval band."""
DRAWN = 400
"""Points of a line; more can't be seen."""
BAND_RESAMPLES = 500
MAP_PROMPTS = 1_500
MAP_DIMENSIONS = 256


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one kind: router (the policy that was calibrated), rival, hull, random, oracle."""

    kind: str
    points: str
    """As SVG writes them: "x,y x,y"."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A marked place: the chosen threshold, the knee, a single model."""

    x: float
    y: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """Quality over the share of strong calls, or over dollars."""

    title: str
    description: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    band: str
    """Corners of the interval band; empty: none."""
    lines: tuple[Line, ...]
    spots: tuple[Spot, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One prompt on the map of decisions."""

    x: float
    y: float
    strong: bool
    """Where it was sent."""
    outcome: str
    """better, same or worse: the strong model beside the weak one."""
    tip: str


@dataclass(frozen=True, slots=True)
class DecisionMap:
    """Prompts in two dimensions, and where they were sent."""

    title: str
    description: str
    points: tuple[MapPoint, ...]
    width: float = WIDTH
    height: float = HEIGHT - BOTTOM + TOP


@dataclass(frozen=True, slots=True)
class _Axes:
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    @classmethod
    def around(cls, x: Floats, y: Floats) -> _Axes:
        x_pad = 0.0 if x.min() == 0 else 0.04 * float(np.ptp(x))
        y_pad = max(0.04 * float(np.ptp(y)), 1e-3)
        low, high = float(x.min()) - x_pad, float(x.max()) + x_pad
        return cls(low, max(high, low + 1e-9), float(y.min()) - y_pad, float(y.max()) + y_pad)

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x_low) / (self.x_high - self.x_low)
        up = (y - self.y_low) / (self.y_high - self.y_low)
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP), 1),
        )

    def corners(self, x: Floats, y: Floats) -> str:
        kept = np.unique(np.linspace(0, x.size - 1, min(DRAWN, x.size)).round().astype(int))
        places = [self.place(float(x[i]), float(y[i])) for i in kept]
        return " ".join(f"{a},{b}" for a, b in places)

    def spot(self, x: float, y: float, kind: str, label: str) -> Spot:
        return Spot(*self.place(x, y), kind, label)

    def y_ticks(self) -> tuple[Tick, ...]:
        values = _round_values(self.y_low, self.y_high)
        return tuple(Tick(self.place(self.x_low, value)[1], f"{value:.3g}") for value in values)

    def x_ticks(self, *, percent: bool) -> tuple[Tick, ...]:
        values = _round_values(self.x_low, self.x_high)
        words = [f"{value:.0%}" if percent else f"${value:.3g}" for value in values]
        return tuple(
            Tick(self.place(value, self.y_low)[0], word)
            for value, word in zip(values, words, strict=True)
        )


def _round_values(low: float, high: float) -> list[float]:
    """About five round numbers between the two.

    >>> _round_values(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    raw = (high - low) / 5
    scale = 10.0 ** floor(log10(raw))
    step = next(scale * m for m in (1, 2, 2.5, 5, 10) if scale * m >= raw * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def share_chart(calibration: Calibration) -> LineChart:
    """Quality over the share of strong calls, with its band, the random chord and the oracle."""
    pair, point = calibration.pair, calibration.point
    curve, oracle = _curve(calibration.policy), threshold_curve(pair.gaps, pair)
    axes = _Axes.around(curve.shares, np.r_[curve.quality, oracle.quality])
    ends = curve.quality[[0, -1]]
    knee = calibration.proof.summary.knee_share
    spots = [axes.spot(knee, float(np.interp(knee, curve.shares, curve.quality)), "knee", "knee")]
    if point is not None:
        spots.append(axes.spot(point.strong_share.value, point.quality.value, "chosen", "chosen"))
    return LineChart(
        title="Quality against the share of strong calls",
        description=f"From always {pair.weak} on the left to always {pair.strong} on the right."
        f" The straight line is random routing; the dashed one is perfect foresight.{_RIVAL}",
        x_label="share of strong calls →",
        x_ticks=axes.x_ticks(percent=True),
        y_ticks=axes.y_ticks(),
        band=_band(calibration, axes),
        lines=(
            Line("oracle", axes.corners(oracle.shares, oracle.quality)),
            Line("random", axes.corners(np.array([0.0, 1.0]), ends)),
            *(Line("rival", axes.corners(one.shares, one.quality)) for one in _rivals(calibration)),
            Line("router", axes.corners(curve.shares, curve.quality)),
        ),
        spots=tuple(spots),
    )


_RIVAL = " A dotted line, where there is one, is the query router."


def _curve(policy: Policy) -> Curve:
    return threshold_curve(policy.scores, policy.pair, strong_alone_usd=policy.strong_alone_usd)


def _rivals(calibration: Calibration) -> tuple[Curve, ...]:
    """The query router's curve, where answers decide."""
    answers = calibration.answers
    return () if answers is None else (_curve(Policy.route(answers.rates, calibration.pair)),)


def _band(calibration: Calibration, axes: _Axes) -> str:
    found = grid_points(calibration)
    low = [axes.place(p.strong_share.value, max(p.quality.low, axes.y_low)) for p in found]
    high = [axes.place(p.strong_share.value, min(p.quality.high, axes.y_high)) for p in found]
    return " ".join(f"{x},{y}" for x, y in (*low, *reversed(high)))


def grid_points(calibration: Calibration, steps: int = GRID) -> tuple[OperatingPoint, ...]:
    """What thresholds spread over the whole curve give, from few strong calls to many."""
    sweep = calibration.policy.sweep()
    shares = sweep.whole().shares[0]
    nearest: Ints = np.unique([np.abs(shares - x).argmin() for x in np.linspace(0, 1, steps + 1)])
    return operating_points(
        sweep, nearest, calibration.pair.groups, resamples=BAND_RESAMPLES,
        seed=calibration.wish.seed,
    )  # fmt: skip


def cost_chart(calibration: Calibration) -> LineChart | None:
    """Quality over dollars with the Pareto front; None where a cost is not known."""
    policy, point = calibration.policy, calibration.point
    curve = _curve(policy)
    if curve.cost_usd is None or not float(np.ptp(curve.cost_usd)) > 0:
        return None
    cost, front = 1000 * curve.cost_usd, _front(curve)
    ends = np.array([cost[0], 1000 * policy.strong_alone_usd.mean()])
    axes = _Axes.around(np.r_[cost, ends], np.r_[curve.quality, front])
    order = np.argsort(cost, kind="stable")
    spots = [
        axes.spot(float(usd), float(quality), "single", name)
        for usd, quality, name in zip(
            ends, curve.quality[[0, -1]], ("always weak", "always strong"), strict=True
        )
    ]
    if point is not None and point.cost_usd_per_1k is not None:
        spots.append(
            axes.spot(point.cost_usd_per_1k.value, point.quality.value, "chosen", "chosen")
        )
    return LineChart(
        title="Quality against cost",
        description="Every threshold's cost and quality; the thin line above is the Pareto front,"
        f" which a random mix of two thresholds reaches.{_RIVAL}",
        x_label="$ per 1,000 requests →",
        x_ticks=axes.x_ticks(percent=False),
        y_ticks=axes.y_ticks(),
        band="",
        lines=(
            Line("random", axes.corners(ends, curve.quality[[0, -1]])),
            Line("hull", axes.corners(cost[order], front[order])),
            *(
                Line("rival", axes.corners(1000 * one.cost_usd, one.quality))
                for one in _rivals(calibration)
                if one.cost_usd is not None
            ),
            Line("router", axes.corners(cost, curve.quality)),
        ),
        spots=tuple(spots),
    )


def _front(curve: Curve) -> Floats:
    assert curve.cost_usd is not None  # noqa: S101 - the caller has looked
    return hull_values(curve.cost_usd, curve.quality)


def decision_map(calibration: Calibration) -> DecisionMap | None:
    """Prompts in two dimensions, near where they share spellings; none without a threshold.

    The two leading principal components of hashed character and word n-grams.
    """
    point, pair = calibration.point, calibration.pair
    if point is None:
        return None
    rows = _some(len(pair), calibration.wish.seed)
    places = _components([pair.queries[row].text for row in rows])
    strong = calibration.scores >= point.threshold
    points = tuple(
        MapPoint(
            x=round(LEFT + float(x) * (WIDTH - LEFT - RIGHT), 1),
            y=round(TOP + float(y) * (HEIGHT - BOTTOM - TOP), 1),
            strong=bool(strong[row]),
            outcome=_outcome(float(pair.gaps[row])),
            tip=f"{pair.ids[row]}: {score_text(calibration, row)}",
        )
        for row, (x, y) in zip(rows, places, strict=True)
    )
    return DecisionMap(
        "Where prompts were sent",
        f"{len(points):,} prompts in two dimensions, near where they share spellings.",
        points,
    )


def _some(n: int, seed: int) -> list[int]:
    if n <= MAP_PROMPTS:
        return list(range(n))
    return sorted(np.random.default_rng(seed).choice(n, MAP_PROMPTS, replace=False).tolist())


def _components(texts: Sequence[str]) -> Floats:
    """Shape (n, 2), each column spread over [0, 1] but for its outermost hundredths."""
    vectors = HashedEmbedder(MAP_DIMENSIONS).embed(texts).astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # eigenvectors have no sign
    places = centred @ axes
    low, high = np.quantile(places, [0.01, 0.99], axis=0)
    spread: Floats = np.clip((places - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
    return spread


def _outcome(gap: float) -> str:
    return "better" if gap > 0 else "worse" if gap < 0 else "same"

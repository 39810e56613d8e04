"""Points → chart geometry: where every tick, bar and label of a figure stands.

Coordinates leave as numbers in the drawing's own units; `reports/partials/` turns them into SVG, so
that every text in a figure passes the same escaping as the rest of the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from llmroute.report.amounts import bar_text, quality_text
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmroute.report.bench.overall import OverallView
    from llmroute.report.bench.quantities import QualityView
    from llmroute.report.bench.tasks import CellView, TaskView
    from llmroute.report.bench.view import ReportView

WIDTH, HEIGHT = 520.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 12.0, 14.0, 42.0
MARK_WIDTH = 132.0
CHAR_WIDTH = 6.3
"""Mean width of a character in the figures' 11-unit type."""
LABEL_CHARS = 24
MAX_LABELS = 14
BELOW_BAR = 0.4
"""How far under the bar an axis reaches; what is lower stands at its end, marked so."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside a point."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """One candidate: its place, its error bar and how it is drawn."""

    x: float
    y: float
    y_low: float | None
    y_high: float | None
    verdict: str
    chosen: bool
    hollow: bool
    reference: bool
    below: bool
    """Lower than the axis reaches: drawn at its foot."""
    tip: str
    label: Label | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A price-against-quality figure."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    title: str
    description: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    free_x: float | None
    """Where candidates stand that cost nothing: a log axis has no zero."""
    bar_y: float | None
    bar_label: str
    stairs: tuple[tuple[float, float], ...]
    """Corners of the Pareto staircase, from the cheapest to the dearest."""
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class IntervalMark:
    """A quality with its interval on a small axis, beside the bar."""

    width: float
    value: float | None
    low: float | None
    high: float | None
    bar: float | None


@dataclass(frozen=True, slots=True)
class _Dot:
    name: str
    cost: float
    quality: float
    low: float | None
    high: float | None
    verdict: str
    chosen: bool
    on_frontier: bool
    reference: bool
    tip: str


def quality_domain(tasks: Iterable[TaskView]) -> tuple[float, float]:
    """The range the interval marks of all cells share; far below the bars nothing need be told
    apart, so it starts at most `BELOW_BAR` under the lowest of them."""
    tasks = tuple(tasks)
    qualities = [cell.quality for task in tasks for cell in task.cells]
    bars = [task.bar.value for task in tasks if task.bar.value is not None]
    return _domain(qualities, min(bars) - BELOW_BAR if bars else 0.0)


def route_domain(tasks: Iterable[TaskView]) -> tuple[float, float]:
    """The range the interval marks of the routes share."""
    return _domain([task.quality for task in tasks], 0.0)


def _domain(qualities: Iterable[QualityView], floor_at: float) -> tuple[float, float]:
    known = [
        bound
        for quality in qualities
        for bound in (quality.low, quality.value, quality.bar)
        if bound is not None
    ]
    lowest = max(min(known, default=0.0), floor_at, 0.0)
    return min(floor(lowest * 10 + 1e-9) / 10, 0.9), 1.0


def interval_mark(quality: QualityView, domain: tuple[float, float]) -> IntervalMark:
    """Where value, bounds and bar stand on an axis over `domain`."""
    low, high = domain

    def place(value: float | None) -> float | None:
        if value is None:
            return None
        share = (min(max(value, low), high) - low) / (high - low)
        return round(4 + share * (MARK_WIDTH - 8), 1)

    return IntervalMark(
        MARK_WIDTH,
        place(quality.value),
        place(quality.low),
        place(quality.high),
        place(quality.bar),
    )


def task_chart(task: TaskView) -> Chart | None:
    """Price against quality of one task's candidates; None where nothing is priced and scored."""
    dots = [_dot(cell) for cell in task.cells if _is_placed(cell)]
    if not dots:
        return None
    return _chart(
        dots,
        bar=task.bar.value,
        foot=0.0 if task.bar.value is None else task.bar.value - BELOW_BAR,
        title=f"{one_line(task.task, 60)}: price against quality",
        description=_describe(task, len(dots)),
    )


def overall_chart(view: ReportView) -> Chart | None:
    """Price against quality of all traffic: one candidate for everything, or the map."""
    dots = [_overall_dot(point, view.overall) for point in view.overall]
    if len(dots) < 2:
        return None
    return _chart(
        dots,
        bar=None,
        foot=max(dot.quality for dot in dots) - BELOW_BAR,
        title="All traffic: one candidate for everything, or the routing map",
        description=f"{len(dots)} points; the table beside the figure holds the numbers.",
    )


def _is_placed(cell: CellView) -> bool:
    return cell.cost.value is not None and cell.quality.value is not None


def _dot(cell: CellView) -> _Dot:
    interval = f" ({cell.quality.interval})" if cell.quality.interval else ""
    return _Dot(
        name=cell.candidate,
        cost=cell.cost.value or 0.0,
        quality=cell.quality.value or 0.0,
        low=cell.quality.low,
        high=cell.quality.high,
        verdict=cell.verdict,
        chosen=cell.is_route,
        on_frontier=cell.on_frontier,
        reference=cell.is_reference,
        tip=f"{one_line(cell.candidate, 80)}: {cell.symbol} {cell.verdict}, "
        f"quality {cell.quality.text}{interval}, {cell.cost.text} per 1,000 requests",
    )


def _overall_dot(point: OverallView, others: Sequence[OverallView]) -> _Dot:
    dominated = any(
        other.quality >= point.quality
        and other.cost_usd_per_1k <= point.cost_usd_per_1k
        and (other.quality, other.cost_usd_per_1k) != (point.quality, point.cost_usd_per_1k)
        for other in others
    )
    return _Dot(
        name=point.name,
        cost=point.cost_usd_per_1k,
        quality=point.quality,
        low=None,
        high=None,
        verdict="map" if point.is_map else "single",
        chosen=point.is_map,
        on_frontier=not dominated,
        reference=point.is_reference,
        tip=f"{one_line(point.name, 80)}: quality {point.quality_text}, "
        f"{point.cost_text} per 1,000 requests",
    )


def _describe(task: TaskView, n_points: int) -> str:
    chosen = f"Chosen: {one_line(task.route, 80)}, {task.verdict}."
    bar = f" The bar is at {task.bar.text}." if task.bar.value is not None else ""
    unpriced = f" {len(task.unpriced)} without a price are not drawn." if task.unpriced else ""
    return f"{n_points} candidates. {chosen}{bar}{unpriced}"


def _chart(
    dots: list[_Dot], *, bar: float | None, foot: float, title: str, description: str
) -> Chart:
    has_free = any(dot.cost == 0 for dot in dots)
    free_x = LEFT + 14
    x_axis = _LogAxis.around(
        [dot.cost for dot in dots if dot.cost > 0], LEFT + (34 if has_free else 0), WIDTH - RIGHT
    )
    y_axis = _QualityAxis.around(dots, bar, foot)
    places = [
        (x_axis.place(dot.cost) if dot.cost > 0 else free_x, y_axis.place(dot.quality))
        for dot in dots
    ]
    spans = [
        (
            y_axis.place(dot.quality if dot.low is None else dot.low),
            y_axis.place(dot.quality if dot.high is None else dot.high),
        )
        for dot in dots
    ]
    below = [dot.quality < y_axis.low for dot in dots]
    bar_y = None if bar is None else y_axis.place(bar)
    labels = _label(dots, places, spans, below, bar_y)
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
        title=title,
        description=description,
        x_ticks=x_axis.ticks(),
        y_ticks=y_axis.ticks(),
        free_x=free_x if has_free else None,
        bar_y=bar_y,
        bar_label="" if bar is None else f"bar {bar_text(bar)}",
        stairs=_stairs(dots, places),
        points=tuple(
            _point(*parts) for parts in zip(dots, places, spans, below, labels, strict=True)
        ),
    )


def _point(
    dot: _Dot,
    place: tuple[float, float],
    span: tuple[float, float],
    below: bool,
    label: Label | None,
) -> Point:
    return Point(
        x=place[0],
        y=place[1],
        y_low=None if dot.low is None or below else span[0],
        y_high=None if dot.high is None or below else span[1],
        verdict=dot.verdict,
        chosen=dot.chosen,
        hollow=not dot.on_frontier,
        reference=dot.reference,
        below=below,
        tip=dot.tip,
        label=label,
    )


@dataclass(frozen=True, slots=True)
class _LogAxis:
    low: float
    high: float
    left: float
    right: float

    @classmethod
    def around(cls, costs: list[float], left: float, right: float) -> _LogAxis:
        """An axis with room for labels on both sides of the points."""
        if not costs:
            return cls(0.01, 1.0, left, right)
        low, high = log10(min(costs)), log10(max(costs))
        pad = max(0.12 * (high - low), 0.25)
        return cls(low - pad, high + pad * 1.4, left, right)

    def place(self, cost: float) -> float:
        if not self.high > self.low:
            return round((self.left + self.right) / 2, 1)
        share = (log10(cost) - self.low) / (self.high - self.low)
        return round(self.left + share * (self.right - self.left), 1)

    def ticks(self) -> tuple[Tick, ...]:
        decades = range(floor(self.low), ceil(self.high) + 1)
        span = self.high - self.low
        steps = (1, 2, 5) if span < 2.2 else (1, 3) if span < 3.2 else (1,)
        values = [float(f"{step}e{decade}") for decade in decades for step in steps]
        inside = [value for value in values if self.low <= log10(value) <= self.high]
        stride = ceil(len(inside) / 8) or 1
        return tuple(Tick(self.place(value), _axis_usd(value)) for value in inside[::stride])


@dataclass(frozen=True, slots=True)
class _QualityAxis:
    low: float
    high: float
    step: float

    @classmethod
    def around(cls, dots: list[_Dot], bar: float | None, foot: float) -> _QualityAxis:
        """From a round number below what matters to one above the highest bound."""
        values = [at for dot in dots for at in (dot.low, dot.quality, dot.high) if at is not None]
        values += [] if bar is None else [bar]
        low = max(min(values), foot)
        span = max(max(values) - low, 0.05)
        step = 0.05 if span <= 0.25 else 0.1 if span <= 0.5 else 0.2
        bottom = max(0.0, floor(low / step + 1e-9) * step)
        top = min(1.0, ceil(max(values) / step - 1e-9) * step)
        return cls(bottom, top if top > bottom else bottom + step, step)

    def place(self, quality: float) -> float:
        share = max(0.0, (quality - self.low) / (self.high - self.low))
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    def ticks(self) -> tuple[Tick, ...]:
        count = round((self.high - self.low) / self.step)
        values = [self.low + index * self.step for index in range(count + 1)]
        digits = 2 if self.step < 0.1 else 1
        return tuple(Tick(self.place(value), f"{value:.{digits}f}") for value in values)


def _axis_usd(usd: float) -> str:
    return f"${usd:,.8f}".rstrip("0").rstrip(".")


def _stairs(dots: list[_Dot], places: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    front = sorted(place for dot, place in zip(dots, places, strict=True) if dot.on_frontier)
    corners: list[tuple[float, float]] = []
    for x, y in front:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return tuple(corners)


def _label(
    dots: list[_Dot],
    places: list[tuple[float, float]],
    spans: list[tuple[float, float]],
    below: list[bool],
    bar_y: float | None,
) -> list[Label | None]:
    """Greedy: the points that matter first, each at the first free place around it."""
    taken: list[_Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    if bar_y is not None:
        taken.append((WIDTH - RIGHT - 9 * CHAR_WIDTH, bar_y - 15, WIDTH, bar_y - 1))
    taken += [(x - 2, high, x + 2, low) for (x, _), (low, high) in zip(places, spans, strict=True)]
    order = sorted(
        range(len(dots)),
        key=lambda i: (not dots[i].chosen, not dots[i].reference, not dots[i].on_frontier, i),
    )
    labels: list[Label | None] = [None] * len(dots)
    for index in order[:MAX_LABELS]:
        text = one_line(dots[index].name, LABEL_CHARS)
        text += f" ({quality_text(dots[index].quality)})" if below[index] else ""
        for label, box in _spots(text, *places[index], must_stand=dots[index].chosen):
            if _is_inside(box) and not any(_overlap(box, other) for other in taken):
                labels[index] = label
                taken.append(box)
                break
    return labels


_Box = tuple[float, float, float, float]


def _spots(text: str, x: float, y: float, *, must_stand: bool) -> Iterable[tuple[Label, _Box]]:
    gap = 14.0 if must_stand else 9.0
    width = CHAR_WIDTH * len(text)
    for dy in (4.0, -7.0, 15.0, -16.0, 24.0):
        right = Label(x + gap, y + dy, "start", text)
        yield right, (x + gap - 1, y + dy - 10, x + gap + width, y + dy + 3)
        left = Label(x - gap, y + dy, "end", text)
        yield left, (x - gap - width, y + dy - 10, x - gap + 1, y + dy + 3)
    if not must_stand:
        return  # far from its point, a label is taken for another's
    for dy in (28.0, -20.0, 42.0, -34.0, 56.0, -48.0):
        middle = Label(x, y + dy, "middle", text)
        yield middle, (x - width / 2, y + dy - 10, x + width / 2, y + dy + 3)


def _is_inside(box: _Box) -> bool:
    return box[0] >= LEFT and box[2] <= WIDTH and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

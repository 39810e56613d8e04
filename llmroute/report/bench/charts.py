"""Points → chart geometry: where every tick, bar and label of a figure stands.

Coordinates leave as numbers in the drawing's own units; `reports/figures/` turns them into SVG, so
that every text in a figure passes the same escaping as the rest of the page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from llmroute.report.amounts import bar_text, quality_text
from llmroute.report.axes import LinearAxis, LogAxis, Tick, usd_tick
from llmroute.report.bench.interval_marks import BELOW_BAR
from llmroute.report.labels import PHONE, Box, Label, Room, Wanted
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.report.bench.overall import OverallView
    from llmroute.report.bench.tasks import CellView, TaskView
    from llmroute.report.bench.view import ReportView

WIDTH, HEIGHT = 520.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 12.0, 14.0, 42.0
FREE_X, FREE_WIDTH = LEFT + 14.0, 34.0
"""Where what costs nothing stands, left of the log scale, and the room it takes there."""
LABEL_CHARS = 24
MAX_LABELS = 14


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
    bar_label: Label | None
    stairs: tuple[tuple[float, float], ...]
    """Corners of the Pareto staircase, from the cheapest to the dearest."""
    points: tuple[Point, ...]


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
    is_free = any(dot.cost == 0 for dot in dots)
    x_axis = LogAxis.around(
        [dot.cost for dot in dots if dot.cost > 0],
        start=LEFT + (FREE_WIDTH if is_free else 0.0),
        end=WIDTH - RIGHT,
    )
    y_axis = _quality_axis(dots, bar, foot)
    points = [_point(dot, x_axis, y_axis) for dot in dots]
    stairs = _stairs(dots, points)
    bar_y = None if bar is None else y_axis.place(bar)
    room = _room(points, stairs, bar_y)
    bar_label = None if bar_y is None else _bar_label(room, bar_y, f"bar {bar_text(bar)}")
    first_x = Label(FREE_X, 0.0, "middle", "free ").box(PHONE)[2] if is_free else 0.0
    digits = 2 if y_axis.high - y_axis.low <= 0.25 + 1e-9 else 1
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
        title=title,
        description=description,
        x_ticks=x_axis.ticks(usd_tick, first_x, WIDTH),
        y_ticks=y_axis.ticks(lambda quality: f"{quality:.{digits}f}"),
        free_x=FREE_X if is_free else None,
        bar_y=bar_y,
        bar_label=bar_label,
        stairs=stairs,
        points=_labelled(dots, points, room),
    )


def _quality_axis(dots: list[_Dot], bar: float | None, foot: float) -> LinearAxis:
    """From a round number below what matters to one above the highest bound."""
    values = [at for dot in dots for at in (dot.low, dot.quality, dot.high) if at is not None]
    values += [] if bar is None else [bar]
    low, high = max(min(values), foot), max(values)
    span = high - low
    step = 0.05 if span <= 0.25 else 0.1 if span <= 0.5 else 0.2
    return LinearAxis.around((low, high), step=step, start=HEIGHT - BOTTOM, end=TOP)


def _point(dot: _Dot, x_axis: LogAxis, y_axis: LinearAxis) -> Point:
    below = dot.quality < y_axis.low
    return Point(
        x=x_axis.place(dot.cost) if dot.cost > 0 else FREE_X,
        y=y_axis.place(dot.quality),
        y_low=None if dot.low is None or below else y_axis.place(dot.low),
        y_high=None if dot.high is None or below else y_axis.place(dot.high),
        verdict=dot.verdict,
        chosen=dot.chosen,
        hollow=not dot.on_frontier,
        reference=dot.reference,
        below=below,
        tip=dot.tip,
        label=None,
    )


def _stairs(dots: list[_Dot], points: list[Point]) -> tuple[tuple[float, float], ...]:
    front = sorted((p.x, p.y) for dot, p in zip(dots, points, strict=True) if dot.on_frontier)
    corners: list[tuple[float, float]] = []
    for x, y in front:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return tuple(corners)


# -- labels ---------------------------------------------------------------------------------------


def _room(
    points: list[Point], stairs: tuple[tuple[float, float], ...], bar_y: float | None
) -> Room:
    """The drawing with its marks, and the lines that a label had better not cover."""
    marks: list[Box] = []
    lines: list[Box] = []
    for point in points:
        size = 11 if point.chosen else 7
        marks.append((point.x - size, point.y - size, point.x + size, point.y + size))
        if point.y_low is not None and point.y_high is not None:
            lines.append((point.x - 2, point.y_high, point.x + 2, point.y_low))
    for (x, y), (next_x, next_y) in pairwise(stairs):
        lines.append((x - 1.5, min(y, next_y) - 1.5, next_x + 1.5, max(y, next_y) + 1.5))
    if bar_y is not None:
        lines.append((LEFT, bar_y - 1.5, WIDTH - RIGHT, bar_y + 1.5))
    return Room((LEFT, 0.0, WIDTH, HEIGHT - BOTTOM), marks, lines)


def _bar_label(room: Room, bar_y: float, text: str) -> Label | None:
    """At one end of the bar, over or under it, where no mark is in the way if that can be."""
    places = [
        Label(x, y, anchor, text)
        for x, anchor in ((WIDTH - RIGHT, "end"), (LEFT + 3, "start"))
        for y in (bar_y - 6, bar_y + 16)
    ]
    return room.put(places, must_stand=True)


def _labelled(dots: list[_Dot], points: list[Point], room: Room) -> tuple[Point, ...]:
    """The points with labels beside those that matter most, as far as there is room."""
    order = sorted(
        range(len(dots)),
        key=lambda i: (not dots[i].chosen, not dots[i].reference, not dots[i].on_frontier, i),
    )
    labelled = list(points)
    for index in order[:MAX_LABELS]:
        dot, point = dots[index], points[index]
        text = one_line(dot.name, LABEL_CHARS)
        text += f" ({quality_text(dot.quality)})" if point.below else ""
        wanted = Wanted(point.x, point.y, text, must_stand=dot.chosen or dot.reference)
        labelled[index] = replace(point, label=room.put_beside(wanted))
    return tuple(labelled)

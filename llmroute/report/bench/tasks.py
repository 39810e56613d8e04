"""TaskComparison + TaskRoute → one task and its candidates, as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.errors import failure_words
from llmroute.report.amounts import bar_text, count_text
from llmroute.report.bench.quantities import QualityView, Quantity, price_order
from llmroute.report.verdicts import SYMBOLS, threshold_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.records import (
        Cell,
        Rejected,
        RouteVerdict,
        TaskComparison,
        TaskRoute,
        Verdict,
    )


@dataclass(frozen=True, slots=True)
class CellView:
    """One candidate on one task."""

    task: str
    candidate: str
    verdict: Verdict
    symbol: str
    reason: str
    quality: QualityView
    n_samples: int
    n_planned: int
    n_scored: int
    coverage: Quantity
    cost: Quantity
    cost_basis: str
    unpriced_reason: str | None
    latency_p50: Quantity
    latency_p95: Quantity
    input_tokens: Quantity
    output_tokens: Quantity
    samples_needed: int | None
    failures: tuple[tuple[str, int], ...]
    on_frontier: bool
    is_route: bool
    is_reference: bool


@dataclass(frozen=True, slots=True)
class RejectedView:
    """A candidate that is not the route of its task, and why."""

    candidate: str
    verdict: Verdict
    symbol: str
    reason: str
    quality: QualityView
    coverage: Quantity
    cost: Quantity
    times: str
    """Its cost beside the route's: '12× cheaper', '3.1× dearer' or nothing."""
    is_cheaper: bool
    samples_needed: int | None


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task: its bar, its route, and every candidate from the cheapest to the dearest."""

    task: str
    bar: Quantity
    bar_rule: str
    traffic: Quantity
    """Share of all requests."""
    route: str
    verdict: RouteVerdict
    symbol: str
    reason: str
    fallbacks: tuple[str, ...]
    n_samples: int
    quality: QualityView
    coverage: Quantity
    cost: Quantity
    cost_basis: str
    latency_p95: Quantity
    reference_cost: Quantity
    saved: Quantity
    """1 − cost / reference cost."""
    saved_of_all: Quantity
    """Dollars that this task saves of 1,000 requests of all tasks."""
    cells: tuple[CellView, ...]
    rejected: tuple[RejectedView, ...]

    @property
    def question(self) -> str:
        """What a reader asks about the candidates that are not the route."""
        return "Why does none clear?" if self.verdict == "fallback" else "Why not cheaper?"

    @property
    def answers(self) -> tuple[RejectedView, ...]:
        """The candidates that answer it: all, the best first, where none clears; else those that
        are cheaper than the route or not priced."""
        if self.verdict == "fallback":
            return tuple(
                sorted(self.rejected, key=lambda r: (-(r.quality.value or 0), r.candidate))
            )
        return tuple(r for r in self.rejected if r.is_cheaper or r.cost.value is None)

    @property
    def unpriced(self) -> tuple[CellView, ...]:
        """Cells that have no place on a price axis."""
        return tuple(cell for cell in self.cells if cell.cost.value is None)


def view_task(
    task: TaskComparison, route: TaskRoute | None, reference: str, traffic: float
) -> TaskView:
    """One task; `traffic` is its share of all requests, in [0, 1]."""
    name = route.route if route else reference
    cells = tuple(
        _cell(cell, is_route=cell.candidate == name, is_reference=cell.candidate == reference)
        for cell in sorted(task.cells, key=lambda cell: price_order(cell.cost_usd_per_1k))
    )
    chosen = next((cell for cell in cells if cell.is_route), None)
    paid = next((cell.cost.value for cell in cells if cell.is_reference), None)
    cost = chosen.cost.value if chosen else None
    bar = task.quality_threshold
    return TaskView(
        task=task.task,
        bar=Quantity(bar, bar_text(bar)),
        bar_rule=threshold_text(task.threshold_rule),
        traffic=Quantity.share(traffic),
        route=name,
        verdict=route.verdict if route else "fallback",
        symbol=SYMBOLS[route.verdict if route else "fallback"],
        reason=route.reason if route else "the map has no route for this task",
        fallbacks=route.fallbacks if route else (),
        n_samples=chosen.n_samples if chosen else 0,
        quality=chosen.quality if chosen else QualityView.of(None, None, None, bar),
        coverage=chosen.coverage if chosen else Quantity.share(None),
        cost=Quantity.usd(cost),
        cost_basis=chosen.cost_basis if chosen else "",
        latency_p95=chosen.latency_p95 if chosen else Quantity.seconds(None),
        reference_cost=Quantity.usd(paid),
        saved=Quantity.share(1 - cost / paid if cost is not None and paid else None),
        saved_of_all=Quantity.usd(
            None if cost is None or paid is None else traffic * (paid - cost)
        ),
        cells=cells,
        rejected=_rejected(route.rejected if route else (), cost, bar),
    )


def _cell(cell: Cell, *, is_route: bool, is_reference: bool) -> CellView:
    return CellView(
        task=cell.task,
        candidate=cell.candidate,
        verdict=cell.verdict,
        symbol=SYMBOLS[cell.verdict],
        reason=cell.reason,
        quality=QualityView.of(
            cell.quality, cell.quality_low, cell.quality_high, cell.quality_threshold
        ),
        n_samples=cell.n_samples,
        n_planned=cell.n_planned,
        n_scored=cell.n_scored,
        coverage=Quantity.share(cell.coverage if cell.n_planned else None),
        cost=Quantity.usd(cell.cost_usd_per_1k),
        cost_basis=(cell.cost_basis or "").replace("_", " "),
        unpriced_reason=cell.unpriced_reason,
        latency_p50=Quantity.seconds(cell.latency_p50_s),
        latency_p95=Quantity.seconds(cell.latency_p95_s),
        input_tokens=Quantity(cell.input_tokens, count_text(cell.input_tokens)),
        output_tokens=Quantity(cell.output_tokens, count_text(cell.output_tokens)),
        samples_needed=cell.samples_needed,
        failures=tuple(
            sorted(
                ((failure_words(kind), count) for kind, count in cell.failures.items() if count),
                key=lambda item: (-item[1], item[0]),
            )
        ),
        on_frontier=cell.on_frontier,
        is_route=is_route,
        is_reference=is_reference,
    )


def _rejected(
    rejected: Iterable[Rejected], route_cost: float | None, bar: float | None
) -> tuple[RejectedView, ...]:
    views = (
        RejectedView(
            candidate=item.candidate,
            verdict=item.verdict,
            symbol=SYMBOLS[item.verdict],
            reason=item.reason,
            quality=QualityView.of(item.quality, item.quality_low, item.quality_high, bar),
            coverage=Quantity.share(item.coverage),
            cost=Quantity.usd(item.cost_usd_per_1k),
            times=_times(item.cost_usd_per_1k, route_cost),
            is_cheaper=_is_cheaper(item.cost_usd_per_1k, route_cost),
            samples_needed=item.samples_needed,
        )
        for item in rejected
    )
    return tuple(
        sorted(views, key=lambda view: (not view.is_cheaper, *price_order(view.cost.value)))
    )


def _is_cheaper(cost: float | None, route_cost: float | None) -> bool:
    return cost is not None and (route_cost is None or cost < route_cost)


def _times(cost: float | None, route_cost: float | None) -> str:
    if not cost or not route_cost:
        return ""
    ratio = max(cost, route_cost) / min(cost, route_cost)
    if ratio < 1.005:
        return "same price"
    digits = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1.1 else f"{ratio:.2f}"
    return f"{digits}× {'cheaper' if cost < route_cost else 'dearer'}"

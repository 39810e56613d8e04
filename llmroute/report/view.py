"""Comparison + RoutingMap + Outcomes → ReportView: what a page shows, as plain values.

The view holds numbers twice, raw and as text, and no markup; every renderer of this room reads it
and nothing else. Text in it is as it came: each renderer makes it safe for its own sink.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from llmroute.errors import failure_words
from llmroute.report.amounts import (
    bar_text,
    count_text,
    interval_text,
    quality_text,
    seconds_text,
    share_text,
    usd_text,
)
from llmroute.report.banners import raise_banners
from llmroute.report.changes import ChangesView, view_changes
from llmroute.report.failure_kinds import FailureKind, view_failure_kinds
from llmroute.report.judges_view import JudgeView, view_judges
from llmroute.report.money import MoneyView, view_money
from llmroute.report.price_list import PriceView, view_prices
from llmroute.report.provenance import Group, short_yaml, view_provenance
from llmroute.report.recognition_view import RecognitionView, view_recognition
from llmroute.report.samples import SamplesView, view_samples
from llmroute.report.sanitize import one_line
from llmroute.report.story import (
    SYMBOLS,
    Headline,
    rule_sentence,
    savings_range,
    tell_headline,
    threshold_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmroute.analysis.stability import Move, TaskStability
    from llmroute.deciding import Background
    from llmroute.records import (
        Cell,
        Comparison,
        Outcomes,
        Rejected,
        RoutingMap,
        TaskComparison,
        TaskRoute,
    )

MAX_SAMPLES = 1_000
MAX_SAMPLE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and the text it is shown as."""

    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class QualityView:
    """A quality with its bounds, beside the bar it is held to."""

    value: float | None
    low: float | None
    high: float | None
    bar: float | None
    text: str
    interval: str


@dataclass(frozen=True, slots=True)
class CellView:
    """One candidate on one task."""

    task: str
    candidate: str
    verdict: str
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
    verdict: str
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
    verdict: str
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


@dataclass(frozen=True, slots=True)
class StabilityView:
    """How easily a task's route would have been another."""

    task: str
    route: str
    kept: Quantity
    """Share of resamples with the same route."""
    otherwise: str
    """Where the others go."""
    moves: tuple[str, ...]
    """Small changes of a price or the bar that send the task elsewhere."""


@dataclass(frozen=True, slots=True)
class WantedView:
    """Evidence that could make a task cheaper, and what it would cost to get."""

    task: str
    candidate: str
    n_samples: int
    """Further ones, at the quality seen so far."""
    cost: Quantity
    """Of asking it those samples, in dollars."""
    saving: Quantity
    """1 − its cost / the route's, should it clear."""


@dataclass(frozen=True, slots=True)
class OverallView:
    """What all traffic would cost and reach if it went one way."""

    name: str
    quality: float
    cost_usd_per_1k: float
    quality_text: str
    cost_text: str
    is_map: bool
    is_reference: bool


@dataclass(frozen=True, slots=True)
class SavingsView:
    """The map's cost beside the reference's, for 1,000 requests."""

    reference: Quantity
    routed: Quantity
    saved: Quantity
    share: Quantity
    share_low: float | None
    share_high: float | None
    interval: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReportView:
    """Everything a report shows."""

    headline: Headline
    banners: tuple[str, ...]
    """What puts the whole report in doubt; in red."""
    reference: str
    reference_note: str
    confidence: str
    rule: str
    tasks: tuple[TaskView, ...]
    candidates: tuple[str, ...]
    """From the cheapest to the dearest over all tasks, unpriced ones last."""
    savings: SavingsView
    money: MoneyView
    changes: ChangesView | None
    """Since the run before; None: there is none to compare with."""
    overall: tuple[OverallView, ...]
    stability: tuple[StabilityView, ...]
    wanted: tuple[WantedView, ...]
    """Cheapest to settle first."""
    recognition: RecognitionView | None
    """None: one task, or too few samples to learn the tasks from."""
    notes: tuple[str, ...]
    n_planned: int
    n_scored: int
    coverage: Quantity
    failure_kinds: tuple[FailureKind, ...]
    """The commonest first."""
    n_without_price: int
    prices: tuple[PriceView, ...]
    samples: SamplesView
    provenance: tuple[Group, ...]
    judges: tuple[JudgeView, ...]
    """Who judged which task; none where metrics scored everything."""
    run_id: str | None
    started: str | None
    map_yaml: str

    @property
    def further(self) -> tuple[str, ...]:
        """What the short forms say after the headline's details: money, and the run before."""
        said = [self.money.sentence] if self.money.sentence else []
        return (*said, *([self.changes.sentence] if self.changes else []))

    def cell(self, task: str, candidate: str) -> CellView | None:
        """The candidate's cell on the task, or None where it was not asked."""
        for view in self.tasks:
            if view.task == task:
                return next((cell for cell in view.cells if cell.candidate == candidate), None)
        return None


def build_view(
    comparison: Comparison,
    routing_map: RoutingMap,
    outcomes: Outcomes,
    *,
    max_samples: int = MAX_SAMPLES,
    max_sample_bytes: int = MAX_SAMPLE_BYTES,
    map_yaml: str | None = None,
    stability: Iterable[TaskStability] = (),
    background: Background | None = None,
) -> ReportView:
    """What the report of one run shows; the same inputs give the same view.

    Args:
        comparison: every task × candidate.
        routing_map: the routes chosen from it.
        outcomes: the answers behind it; may hold no rows.
        max_samples: most samples in the explorer; they are taken from all tasks in turn.
        max_sample_bytes: rough size the samples' texts may take on the page.
        map_yaml: the routing-map file's text; None: a short form with routes and fallbacks.
        stability: how easily each route would have been another, where it was measured.
        background: traffic, spending and the run before, where they are known.
    """
    routes = {route.task: route for route in routing_map.tasks}
    total_weight = sum(task.weight for task in comparison.tasks) or 1.0
    tasks = tuple(
        _task(task, routes.get(task.task), comparison.reference, task.weight / total_weight)
        for task in comparison.tasks
    )
    cells = [cell for task in tasks for cell in task.cells]
    candidates = _by_cost(comparison.candidates, tasks)
    n_planned = sum(cell.n_planned for cell in cells)
    n_scored = sum(cell.n_scored for cell in cells)
    return ReportView(
        headline=tell_headline(comparison, routing_map),
        banners=raise_banners(comparison, routing_map),
        reference=routing_map.reference,
        reference_note=_reference_note(comparison),
        confidence=share_text(comparison.rule.confidence),
        rule=rule_sentence(comparison.rule),
        tasks=tasks,
        candidates=candidates,
        savings=_savings(routing_map),
        money=view_money(
            routing_map.savings,
            background.volume if background else None,
            background.spending if background else None,
        ),
        changes=view_changes(background.change if background else None),
        overall=_overall(candidates, tasks, comparison.reference),
        stability=tuple(_stability(task) for task in stability),
        wanted=_wanted(tasks),
        recognition=view_recognition(routing_map),
        notes=routing_map.notes,
        n_planned=n_planned,
        n_scored=n_scored,
        coverage=_share(n_scored / n_planned if n_planned else None),
        failure_kinds=view_failure_kinds(comparison),
        n_without_price=sum(cell.cost.value is None for cell in cells),
        prices=view_prices(routing_map.provenance),
        samples=view_samples(
            outcomes,
            {task.task: task.bar.value for task in tasks},
            candidates,
            max_samples=max_samples,
            max_bytes=max_sample_bytes,
        ),
        provenance=view_provenance(comparison, routing_map),
        judges=view_judges(comparison),
        run_id=routing_map.provenance.run_id,
        started=routing_map.provenance.started,
        map_yaml=map_yaml if map_yaml is not None else short_yaml(routing_map),
    )


def _task(
    task: TaskComparison, route: TaskRoute | None, reference: str, traffic: float
) -> TaskView:
    name = route.route if route else reference
    cells = tuple(
        _cell(cell, is_route=cell.candidate == name, is_reference=cell.candidate == reference)
        for cell in sorted(task.cells, key=lambda cell: _cost_order(cell.cost_usd_per_1k))
    )
    chosen = next((cell for cell in cells if cell.is_route), None)
    paid = next((cell.cost.value for cell in cells if cell.is_reference), None)
    cost = chosen.cost.value if chosen else None
    bar = task.quality_threshold
    return TaskView(
        task=task.task,
        bar=Quantity(bar, bar_text(bar)),
        bar_rule=threshold_text(task.threshold_rule),
        traffic=_share(traffic),
        route=name,
        verdict=route.verdict if route else "fallback",
        symbol=SYMBOLS[route.verdict if route else "fallback"],
        reason=route.reason if route else "the map has no route for this task",
        fallbacks=route.fallbacks if route else (),
        n_samples=chosen.n_samples if chosen else 0,
        quality=chosen.quality if chosen else _quality(None, None, None, bar),
        coverage=chosen.coverage if chosen else _share(None),
        cost=_usd(cost),
        cost_basis=chosen.cost_basis if chosen else "",
        latency_p95=chosen.latency_p95 if chosen else _seconds(None),
        reference_cost=_usd(paid),
        saved=_share(1 - cost / paid if cost is not None and paid else None),
        saved_of_all=_usd(None if cost is None or paid is None else traffic * (paid - cost)),
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
        quality=_quality(cell.quality, cell.quality_low, cell.quality_high, cell.quality_threshold),
        n_samples=cell.n_samples,
        n_planned=cell.n_planned,
        n_scored=cell.n_scored,
        coverage=_share(cell.coverage if cell.n_planned else None),
        cost=_usd(cell.cost_usd_per_1k),
        cost_basis=(cell.cost_basis or "").replace("_", " "),
        unpriced_reason=cell.unpriced_reason,
        latency_p50=_seconds(cell.latency_p50_s),
        latency_p95=_seconds(cell.latency_p95_s),
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
            quality=_quality(item.quality, item.quality_low, item.quality_high, bar),
            coverage=_share(item.coverage),
            cost=_usd(item.cost_usd_per_1k),
            times=_times(item.cost_usd_per_1k, route_cost),
            is_cheaper=_is_cheaper(item.cost_usd_per_1k, route_cost),
            samples_needed=item.samples_needed,
        )
        for item in rejected
    )
    return tuple(
        sorted(views, key=lambda view: (not view.is_cheaper, *_cost_order(view.cost.value)))
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


def _savings(routing_map: RoutingMap) -> SavingsView:
    savings = routing_map.savings
    saved, share = savings.saved_usd_per_1k, savings.saved_share
    return SavingsView(
        reference=_usd(savings.reference_usd_per_1k),
        routed=_usd(savings.routed_usd_per_1k),
        saved=_usd(saved.value if saved else None),
        share=_share(share.value if share else None),
        share_low=share.low if share else None,
        share_high=share.high if share else None,
        interval=savings_range(savings),
        reason=savings.reason,
    )


def _stability(task: TaskStability) -> StabilityView:
    gone = [f"{share_text(share)} {one_line(name, 40)}" for name, share in task.others[:3]]
    return StabilityView(
        task=task.task,
        route=task.route,
        kept=_share(task.kept),
        otherwise=", ".join(gone) + (", …" if len(task.others) > 3 else ""),
        moves=tuple(_move(move) for move in task.moves),
    )


def _move(move: Move) -> str:
    to = one_line(move.route, 40)
    if not move.what:
        return f"a bar {abs(move.by):g} {'higher' if move.by > 0 else 'lower'}: {to}"
    dearer = "dearer" if move.by > 0 else "cheaper"
    return f"{one_line(move.what, 40)} {share_text(abs(move.by))} {dearer}: {to}"


def _wanted(tasks: tuple[TaskView, ...]) -> tuple[WantedView, ...]:
    """Undecided candidates that are cheaper than what answers now."""
    found = []
    for task in tasks:
        for cell in task.cells:
            usd, paid = cell.cost.value, task.cost.value
            if cell.samples_needed is None or usd is None or cell.is_route:
                continue
            if paid is not None and usd >= paid:
                continue
            saving = None if not paid else 1 - usd / paid
            cost = cell.samples_needed * usd / 1000
            found.append(
                WantedView(
                    task.task,
                    cell.candidate,
                    cell.samples_needed,
                    Quantity(cost, usd_text(cost)),
                    _share(saving),
                )
            )
    return tuple(sorted(found, key=lambda one: (one.cost.value or 0.0, one.task, one.candidate)))


def _overall(
    candidates: tuple[str, ...], tasks: tuple[TaskView, ...], reference: str
) -> tuple[OverallView, ...]:
    """One point for every candidate that is priced and scored on all tasks, and the map's."""
    points = []
    for name in candidates:
        asked = [next((c for c in task.cells if c.candidate == name), None) for task in tasks]
        point = _mean_point([(cell.quality.value, cell.cost.value) if cell else (None, None)
                             for cell in asked], tasks)  # fmt: skip
        if point:
            points.append(_overall_point(name, *point, is_reference=name == reference))
    routed = _mean_point([(task.quality.value, task.cost.value) for task in tasks], tasks)
    if routed and len(tasks) > 1:
        points.append(_overall_point("this routing map", *routed, is_map=True))
    return tuple(points)


def _mean_point(
    values: list[tuple[float | None, float | None]], tasks: tuple[TaskView, ...]
) -> tuple[float, float] | None:
    quality = cost = 0.0
    for (task_quality, task_cost), task in zip(values, tasks, strict=True):
        if task_quality is None or task_cost is None:
            return None
        quality += (task.traffic.value or 0.0) * task_quality
        cost += (task.traffic.value or 0.0) * task_cost
    return (quality, cost) if tasks else None


def _overall_point(
    name: str, quality: float, cost: float, *, is_map: bool = False, is_reference: bool = False
) -> OverallView:
    return OverallView(
        name, quality, cost, quality_text(quality), usd_text(cost), is_map, is_reference
    )


def _by_cost(candidates: Iterable[str], tasks: tuple[TaskView, ...]) -> tuple[str, ...]:
    costs: Mapping[str, list[float]] = {name: [] for name in candidates}
    for task in tasks:
        for cell in task.cells:
            if cell.cost.value is not None and cell.candidate in costs:
                costs[cell.candidate].append(cell.cost.value)
    means = {name: sum(known) / len(known) if known else None for name, known in costs.items()}
    return tuple(sorted(costs, key=lambda name: _cost_order(means[name])))


def _cost_order(cost: float | None) -> tuple[bool, float]:
    return cost is None, inf if cost is None else cost


def _reference_note(comparison: Comparison) -> str:
    if comparison.reference_chosen:
        return "what is paid for today, as configured"
    return "no reference was named, so it is the candidate with the best mean quality"


def _quality(
    value: float | None, low: float | None, high: float | None, bar: float | None
) -> QualityView:
    return QualityView(value, low, high, bar, quality_text(value, bar), interval_text(low, high))


def _usd(usd: float | None) -> Quantity:
    return Quantity(usd, usd_text(usd))


def _share(share: float | None) -> Quantity:
    return Quantity(share, share_text(share))


def _seconds(seconds: float | None) -> Quantity:
    return Quantity(seconds, seconds_text(seconds))

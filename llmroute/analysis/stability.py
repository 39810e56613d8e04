"""Outcomes + Comparison → how easily each route would have been another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmroute.analysis.intervals import Floats, lower_bound
from llmroute.records import (
    Cell,
    Comparison,
    Outcome,
    Outcomes,
    QualityRule,
    RoutingMap,
    TaskComparison,
    TaskRoute,
)

RESAMPLES = 500
PRICE_MOVE = 0.10
BAR_MOVE = 0.02

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Move:
    """A change that sends the task elsewhere."""

    what: str
    """The candidate whose price moves, or "" for the bar."""
    by: float
    """Share of the price, or quality units of the bar; negative is down."""
    route: str


@dataclass(frozen=True, slots=True)
class TaskStability:
    """How often one task's route stays what it is."""

    task: str
    route: str
    kept: float
    """Share of resamples of the task's samples that choose the same route, in [0, 1]."""
    others: tuple[tuple[str, float], ...]
    """Where the other resamples go, the most frequent first, with their shares."""
    moves: tuple[Move, ...]
    """Single prices moved by a tenth, and the bar by 0.02, that change the route."""


def measure_stability(
    outcomes: Outcomes,
    comparison: Comparison,
    routing_map: RoutingMap,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[TaskStability, ...]:
    """One entry for each task that has outcomes.

    Whole clusters are drawn with replacement (Efron & Tibshirani 1993, ch. 8), the same for all
    candidates. Means and costs are taken anew in each resample; a lower bound keeps its distance
    from its mean, as widths hardly move. Limits, coverage and prices stay as they are.
    """
    rows: dict[str, list[Outcome]] = {}
    for row in outcomes.rows:
        rows.setdefault(row.task, []).append(row)
    routes = {route.task: route for route in routing_map.tasks}
    rng = np.random.default_rng(seed)
    found = []
    for task in comparison.tasks:
        if task.task in rows and task.task in routes:
            table = _Table.of(rows[task.task], task)
            choice = _Choice.of(table, task, routes[task.task], comparison)
            found.append(_of_task(table, choice, routes[task.task], rng, resamples))
    return tuple(found)


def _of_task(
    table: _Table, choice: _Choice, route: TaskRoute, rng: np.random.Generator, resamples: int
) -> TaskStability:
    n = table.weights.shape[0]
    counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
    quality, cost = table.under(counts)
    found, times = np.unique(choice.routes(quality, cost), return_counts=True)
    shares = {str(name): int(k) / resamples for name, k in zip(found, times, strict=True)}
    others = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return TaskStability(
        task=route.task,
        route=route.route,
        kept=shares.get(route.route, 0.0),
        others=tuple(other for other in others if other[0] != route.route),
        moves=tuple(_moves(choice, table, route.route)),
    )


def _moves(choice: _Choice, table: _Table, route: str) -> list[Move]:
    quality, cost = table.under(np.ones((1, table.weights.shape[0])))
    moves = []
    for index, name in enumerate(choice.names):
        for by in (-PRICE_MOVE, PRICE_MOVE):
            moved = cost.copy()
            moved[:, index] *= 1 + by
            moves.append(Move(name, by, str(choice.routes(quality, moved)[0])))
    moves += [
        Move("", by, str(choice.routes(quality, cost, raised_by=by)[0]))
        for by in (-BAR_MOVE, BAR_MOVE)
    ]
    return [move for move in moves if move.route != route]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One task's weighted sums, a row a cluster and a column a candidate."""

    weights: Floats
    scores: Floats
    """Sums of weight · score; of samples with a score only, as `weights`."""
    cost_weights: Floats
    costs_usd: Floats

    @classmethod
    def of(cls, rows: Sequence[Outcome], task: TaskComparison) -> _Table:
        names = {cell.candidate: column for column, cell in enumerate(task.cells)}
        samples = list(dict.fromkeys(row.sample_id for row in rows))
        places = {sample: index for index, sample in enumerate(samples)}
        shape = (len(samples), len(names))
        total, n_scored = np.zeros(shape), np.zeros(shape)
        weight = np.ones(len(samples))
        cluster_of = [""] * len(samples)
        for row in rows:
            index = places[row.sample_id]
            weight[index] = row.weight
            cluster_of[index] = row.cluster
            if row.score is not None and row.candidate in names:
                total[index, names[row.candidate]] += row.score
                n_scored[index, names[row.candidate]] += 1
        costs = _costs(task, len(samples))
        weighted = np.where(n_scored > 0, weight[:, None], 0.0)
        costed = np.where(np.isnan(costs), 0.0, weight[:, None])
        mean = total / np.maximum(n_scored, 1)
        clusters = np.unique(cluster_of, return_inverse=True)[1]
        return cls(
            _summed(weighted, clusters),
            _summed(weighted * mean, clusters),
            _summed(costed, clusters),
            _summed(costed * np.nan_to_num(costs), clusters),
        )

    def under(self, counts: Floats) -> tuple[Floats, Floats]:
        """Mean quality and mean cost a request, shape (b, m) each; NaN where nothing is known."""
        with np.errstate(divide="ignore", invalid="ignore"):
            quality = (counts @ self.scores) / (counts @ self.weights)
            cost = (counts @ self.costs_usd) / (counts @ self.cost_weights)
        return quality, cost

    def lower(self, column: int, confidence: float) -> float:
        """The candidate's lower bound at this confidence."""
        known = self.weights[:, column] > 0
        weights = self.weights[known, column]
        means = np.clip(self.scores[known, column] / weights, 0.0, 1.0)
        return lower_bound(means, confidence, weights)


def _costs(task: TaskComparison, n_samples: int) -> Floats:
    columns = [task.costs_usd.get(cell.candidate, ()) for cell in task.cells]
    return np.array(
        [
            [np.nan if value is None else value for value in column]
            if len(column) == n_samples
            else [np.nan] * n_samples
            for column in columns
        ]
    ).T


def _summed(values: Floats, clusters: NDArray[np.intp]) -> Floats:
    sums = np.zeros((int(clusters.max()) + 1, values.shape[1]))
    np.add.at(sums, clusters, values)
    return sums


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """The rule of one task as arrays over its candidates."""

    names: tuple[str, ...]
    allowed: Bools
    """Priced, covered, within the limits and not excluded."""
    widths: Floats
    """How far the bound that decides lies below the mean."""
    bar: float
    share: float | None
    """Bars that are a share of rivals' quality."""
    rivals: Bools
    margin: float
    reference: str

    @classmethod
    def of(
        cls, table: _Table, task: TaskComparison, route: TaskRoute, comparison: Comparison
    ) -> _Choice:
        rule, threshold = comparison.rule, task.threshold_rule
        names = tuple(cell.candidate for cell in task.cells)
        rivals = np.array(
            [threshold.relative_to == "best" or name == comparison.reference for name in names]
        )
        compared = sum(cell.quality is not None for cell in task.cells)
        return cls(
            names=names,
            allowed=np.array([_is_allowed(cell, route, rule) for cell in task.cells]),
            widths=np.array(
                [_width(cell, table, i, rule, compared) for i, cell in enumerate(task.cells)]
            ),
            bar=threshold.value,
            share=threshold.value if threshold.relative_to else None,
            rivals=rivals,
            margin=rule.margin if rule.evidence == "likely" else 0.0,
            reference=comparison.reference,
        )

    def routes(self, quality: Floats, cost: Floats, *, raised_by: float = 0.0) -> NDArray[np.str_]:
        """The route under each row's means, shape (b,)."""
        above = quality - self._bars(quality) - raised_by
        clears = self.allowed & (above >= 0) & (above - self.widths >= -self.margin)
        costs = np.where(clears & ~np.isnan(cost), cost, np.inf)
        least = costs.min(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            cheapest = np.isfinite(costs) & (costs <= least * (1 + 1e-9))
        best = np.where(cheapest, np.nan_to_num(quality), -1.0).argmax(axis=1)
        chosen = np.array(self.names)[best]
        return np.where(cheapest.any(axis=1), chosen, self.reference)

    def _bars(self, quality: Floats) -> Floats:
        if self.share is None:
            return np.full((quality.shape[0], 1), self.bar)
        among = np.where(self.rivals, np.nan_to_num(quality, nan=-np.inf), -np.inf)
        bars: Floats = self.share * among.max(axis=1, keepdims=True)
        return bars


def _is_allowed(cell: Cell, route: TaskRoute, rule: QualityRule) -> bool:
    limits = route.limits
    within = (
        (cell.latency_p95_s, limits.max_latency_p95_s),
        (cell.cost_usd_per_1k, limits.max_cost_usd_per_1k),
    )
    return (
        cell.candidate not in limits.excluded
        and cell.coverage >= rule.min_coverage
        and cell.cost_usd_per_1k is not None
        and all(most is None or (value is not None and value <= most) for value, most in within)
    )


def _width(cell: Cell, table: _Table, column: int, rule: QualityRule, compared: int) -> float:
    if cell.quality is None or rule.evidence == "mean":
        return 0.0
    if cell.difference is None and rule.evidence == "proven":
        return cell.quality - table.lower(column, rule.corrected(compared))
    return cell.bound_width or 0.0

"""Comparison + RoutingMap + Outcomes → ReportView: what a page shows, as plain values.

The view holds numbers twice, raw and as text, and no markup; every renderer of this room reads it
and nothing else. Text in it is as it came: each renderer makes it safe for its own sink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.report.amounts import share_text
from llmroute.report.bench.accounts import AccountView, view_accounts
from llmroute.report.bench.banners import raise_banners
from llmroute.report.bench.changes import ChangesView, view_changes
from llmroute.report.bench.differences import TaskDifferencesView, view_differences
from llmroute.report.bench.disagreements import (
    ConfusionView,
    Disagreement,
    view_confusions,
    view_disagreements,
)
from llmroute.report.bench.evidence import StabilityView, WantedView, view_stability, view_wanted
from llmroute.report.bench.failure_kinds import FailureKind, view_attempts, view_failure_kinds
from llmroute.report.bench.judges import JudgeView, view_judges
from llmroute.report.bench.latency import TaskLatencies, view_latencies
from llmroute.report.bench.money import MoneyView, view_money
from llmroute.report.bench.overall import OverallView, by_cost, view_overall
from llmroute.report.bench.precision import PrecisionView, view_precision
from llmroute.report.bench.price_list import PriceView, view_prices
from llmroute.report.bench.provenance import Group, short_yaml, view_provenance
from llmroute.report.bench.quantities import Quantity
from llmroute.report.bench.recognition import RecognitionView, view_recognition
from llmroute.report.bench.samples import SamplesView, view_samples
from llmroute.report.bench.savings import SavingsView, view_savings
from llmroute.report.bench.steps import StepsView, view_steps
from llmroute.report.bench.story import Headline, tell_headline
from llmroute.report.bench.tasks import CellView, TaskView, view_task
from llmroute.report.verdicts import rule_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmroute.analysis.differences import TaskDifferences
    from llmroute.analysis.stability import TaskStability
    from llmroute.deciding import Background
    from llmroute.records import Comparison, Outcomes, Price, RoutingMap


MAX_SAMPLES = 1_000
MAX_SAMPLE_BYTES = 4_000_000


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
    steps: StepsView | None
    """From the reference's price to the map's; None: no task is priced."""
    money: MoneyView
    changes: ChangesView | None
    """Since the run before; None: there is none to compare with."""
    overall: tuple[OverallView, ...]
    differences: tuple[TaskDifferencesView, ...]
    """Every other candidate beside the reference; none: nothing was measured."""
    stability: tuple[StabilityView, ...]
    precision: tuple[PrecisionView, ...]
    """Undecided candidates, the widest interval first."""
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
    attempts: tuple[FailureKind, ...]
    """Attempts that failed, tried again or not; none: none did, or there is no store to ask."""
    n_without_price: int
    latencies: tuple[TaskLatencies, ...]
    """None: no answer was timed."""
    accounts: tuple[AccountView, ...]
    """What each candidate's answers used and cost; none: there is no answer."""
    prices: tuple[PriceView, ...]
    samples: SamplesView
    provenance: tuple[Group, ...]
    judges: tuple[JudgeView, ...]
    """Who judged which task; none where metrics scored everything."""
    confusions: tuple[ConfusionView, ...]
    """A labelled task each, where the scores are few levels."""
    disagreements: tuple[Disagreement, ...]
    """Of judge and people, or of a panel's judges; the widest first."""
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
    differences: Iterable[TaskDifferences] = (),
    prices: Mapping[str, Price] | None = None,
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
        differences: every candidate beside the reference, where it was measured.
        prices: candidate → the price it was compared at.
        background: traffic, spending and the run before, where they are known.
    """
    routes = {route.task: route for route in routing_map.tasks}
    total_weight = sum(task.weight for task in comparison.tasks) or 1.0
    tasks = tuple(
        view_task(task, routes.get(task.task), comparison.reference, task.weight / total_weight)
        for task in comparison.tasks
    )
    cells = [cell for task in tasks for cell in task.cells]
    candidates = by_cost(comparison.candidates, tasks)
    n_planned = sum(cell.n_planned for cell in cells)
    n_scored = sum(cell.n_scored for cell in cells)
    samples = view_samples(
        outcomes,
        {task.task: task.bar.value for task in tasks},
        candidates,
        max_samples=max_samples,
        max_bytes=max_sample_bytes,
    )
    return ReportView(
        headline=tell_headline(comparison, routing_map),
        banners=raise_banners(comparison, routing_map),
        reference=routing_map.reference,
        reference_note=_reference_note(comparison),
        confidence=share_text(comparison.rule.confidence),
        rule=rule_sentence(comparison.rule),
        tasks=tasks,
        candidates=candidates,
        savings=view_savings(routing_map),
        steps=view_steps(tasks, routing_map.reference, background.volume if background else None),
        money=view_money(
            routing_map.savings,
            background.volume if background else None,
            background.spending if background else None,
        ),
        changes=view_changes(background.change if background else None),
        overall=view_overall(candidates, tasks, comparison.reference),
        differences=view_differences(differences, tasks),
        stability=tuple(view_stability(task) for task in stability),
        precision=view_precision(comparison),
        wanted=view_wanted(tasks),
        recognition=view_recognition(routing_map),
        notes=routing_map.notes,
        n_planned=n_planned,
        n_scored=n_scored,
        coverage=Quantity.share(n_scored / n_planned if n_planned else None),
        failure_kinds=view_failure_kinds(comparison),
        attempts=view_attempts(background.attempts if background else {}),
        n_without_price=sum(cell.cost.value is None for cell in cells),
        latencies=view_latencies(outcomes.rows, tasks, candidates, routing_map.reference),
        accounts=view_accounts(outcomes.rows, prices or {}, candidates),
        prices=view_prices(routing_map.provenance),
        samples=samples,
        provenance=view_provenance(comparison, routing_map),
        judges=view_judges(comparison),
        confusions=view_confusions(outcomes.rows),
        disagreements=view_disagreements(outcomes.rows, samples),
        run_id=routing_map.provenance.run_id,
        started=routing_map.provenance.started,
        map_yaml=map_yaml if map_yaml is not None else short_yaml(routing_map),
    )


def _reference_note(comparison: Comparison) -> str:
    if comparison.reference_chosen:
        return "what is paid for today, as configured"
    return "no reference was named, so it is the candidate with the best mean quality"

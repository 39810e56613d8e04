"""Outcomes of a run → its Result: compared, routed, and said what it was made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from llmroute.labelling import judging_of, label_outcomes, read_run_labels
from llmroute.plan.manifest import (
    recall_embedding,
    recall_labels,
    recall_limits,
    recall_rule,
    recall_thresholds,
)
from llmroute.plan.matrix import Plan
from llmroute.race.rule import RISK
from llmroute.records import (
    Candidate,
    Comparison,
    Evidence,
    JudgeUse,
    Label,
    MapChange,
    Outcomes,
    Plugin,
    Price,
    Provenance,
    QualityRule,
    QualityThreshold,
    RoutingMap,
    Spending,
    Suite,
    Volume,
)
from llmroute.store.manifest import RunManifest


@dataclass(frozen=True, slots=True)
class Decision:
    """What the map is decided by, where it differs from what the run was planned with."""

    threshold: QualityThreshold | None = None
    """Replaces every bar, the suites' own included."""
    evidence: Evidence | None = None
    confidence: float | None = None
    reference: str | None = None
    prices: Mapping[str, Price] | None = None
    """Candidate or model → price; replaces the run's."""
    labels: tuple[Path, ...] = ()
    """Files of people's labels; they replace the run's."""


AS_PLANNED = Decision()
"""Nothing differs."""


@dataclass(frozen=True, slots=True)
class Result:
    """A decided run."""

    comparison: Comparison
    routing_map: RoutingMap
    outcomes: Outcomes
    prices: Mapping[str, Price] = field(default_factory=dict)
    """Candidate → the price it was compared at."""
    judging: Mapping[str, JudgeUse] = field(default_factory=dict)
    """Task → how it was judged; empty for outcomes files."""
    plan: Plan | None = field(default=None, repr=False, compare=False)
    """The run's; None for outcomes files."""
    interrupted: bool = False
    refreshed: bool = False
    """Asked again what was answered: interrupted, it is open though nothing lacks an answer."""
    n_planned: int = 0
    n_stored: int = 0
    """Answers that were in the store before."""
    n_failed: int = 0
    """Calls without an answer, for whatever reason."""
    n_unsent: int = 0
    """Calls that the cap kept from being sent."""
    spent_usd: float = 0.0
    """By this run, retries included; what could not be told is charged at its worst."""


@dataclass(frozen=True, slots=True)
class Background:
    """What a report says beside the result."""

    volume: Volume | None = None
    spending: Spending | None = None
    """None: not known, or not looked up."""
    change: MapChange | None = None
    """From the map of the run before, decided alike; None: there is none to compare with."""
    attempts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(Candidate, failure kind) → attempts at its calls that failed, whether tried again or not."""


def decide_run(
    plan: Plan,
    manifest: RunManifest,
    outcomes: Outcomes,
    decision: Decision,
    *,
    oldest_answer: str | None = None,
) -> Result:
    """The run compared and routed, by its own configuration and what the decision says.

    Args:
        plan: the run's calls.
        manifest: what it was planned with.
        outcomes: what became of the calls.
        decision: what is to be decided otherwise.
        oldest_answer: UTC of the oldest of its answers.
    """
    from llmroute.analysis.compare import TaskRules, compare
    from llmroute.recogniser.corpus import own_match, read_suites
    from llmroute.recogniser.fit import with_recogniser
    from llmroute.routing_map.choose import choose_routes
    from llmroute.routing_map.notes import write_notes

    rules = TaskRules(
        thresholds=thresholds_of(plan, recall_thresholds(manifest), decision),
        weights={suite.task: suite.weight for suite in plan.suites},
        models={candidate.name: candidate.model for candidate in plan.candidates},
    )
    prices = _prices(plan.candidates, decision)
    judging = judging_of(plan)
    labels = _labels(plan, manifest, decision)
    outcomes, about_labels = label_outcomes(outcomes, labels, judging)
    comparison = compare(
        outcomes,
        prices,
        decided_rule(recall_rule(manifest), decision),
        reference=decision.reference or _planned_reference(plan, manifest),
        candidates=[candidate.name for candidate in plan.candidates],
        task_rules=rules,
    )
    routing_map = choose_routes(
        comparison,
        limits=recall_limits(manifest),
        matches={suite.task: own_match(suite) for suite in plan.suites},
        checks={suite.task: _checks(suite) for suite in plan.suites if suite.checks},
        provenance=replace(
            _provenance(plan, manifest, prices),
            oldest_answer=oldest_answer,
            race=_race_facts(comparison, outcomes) if manifest.strategy == "race" else None,
        ),
        notes=(
            *write_notes(comparison, manifest.floors, raced=manifest.strategy == "race"),
            *about_labels,
        ),
    )
    routing_map = with_recogniser(
        routing_map,
        read_suites(plan.suites),
        embedding=recall_embedding(manifest),
        seed=manifest.seed,
    )
    raced = manifest.strategy == "race"  # what it did not ask is not missing
    wanted = [o for o in outcomes.rows if not (raced and o.reason == "not_asked")]
    return Result(
        comparison,
        routing_map,
        outcomes,
        prices,
        judging,
        plan,
        n_planned=len(wanted),
        n_failed=sum(not outcome.answered for outcome in wanted),
    )


def _labels(plan: Plan, manifest: RunManifest, decision: Decision) -> tuple[Label, ...]:
    """The decision's labels, else the run's."""
    if not decision.labels:
        return recall_labels(manifest)
    partial = any(manifest.selection.values())
    where = f"run {manifest.run_id}"
    return read_run_labels(decision.labels, plan, where=where, partial=partial)


def spending_on(result: Result, judges_usd: float = 0.0, n_unknown: int = 0) -> Spending:
    """What the answers behind a result cost at its prices, and the verdicts about them.

    Args:
        result: decided.
        judges_usd: dollars the verdicts cost.
        n_unknown: verdicts whose cost is not known.
    """
    costs = [o.cost_usd(result.prices.get(o.candidate)) for o in result.outcomes.rows if o.answered]
    known = [cost for cost in costs if cost is not None]
    answers_usd = math.fsum(known) if known or not costs else None
    return Spending(answers_usd, judges_usd, n_unknown + len(costs) - len(known))


def _checks(suite: Suite) -> tuple[Plugin, ...]:
    """The suite's checks with its labels, so that they need no suite where they are run."""
    from llmroute.checks import CHECKS

    return tuple(CHECKS.labelled(plugin, suite.labels) for plugin in suite.checks)


def thresholds_of(
    plan: Plan, configured: Mapping[str, QualityThreshold], decision: Decision
) -> dict[str, QualityThreshold]:
    """Task → its own bar: the decision's for all, else the configuration's, else the suite's."""
    if decision.threshold is not None:
        return {}
    own = {s.task: s.quality_threshold for s in plan.suites if s.quality_threshold}
    return own | dict(configured)


def _planned_reference(plan: Plan, manifest: RunManifest) -> str | None:
    """The configuration's reference, where it is part of the run."""
    name = manifest.config.get("reference")
    return name if name in {candidate.name for candidate in plan.candidates} else None


def _prices(candidates: Sequence[Candidate], decision: Decision) -> dict[str, Price]:
    prices = {c.name: c.price for c in candidates if c.price is not None}
    for candidate in candidates:
        for name in (candidate.model, candidate.name):
            if decision.prices and name in decision.prices:
                prices[candidate.name] = decision.prices[name]
    return prices


def decided_rule(rule: QualityRule, decision: Decision) -> QualityRule:
    """The rule with what the decision says instead."""
    return replace(
        rule,
        threshold=decision.threshold or rule.threshold,
        evidence=decision.evidence or rule.evidence,
        confidence=decision.confidence or rule.confidence,
    )


def _provenance(plan: Plan, manifest: RunManifest, prices: Mapping[str, Price]) -> Provenance:
    shown = ("model", "params", "price", "api_base", "api_key_variable")
    priced = {name: {"price": asdict(price)} for name, price in prices.items()}
    return Provenance(
        run_id=manifest.run_id,
        started=manifest.started,
        suites={suite.task: manifest.suites[suite.name] for suite in plan.suites},
        candidates={
            name: {k: v for k in shown if (v := {**content, **priced.get(name, {})}.get(k))}
            for name, content in manifest.candidates.items()
        },
        versions=manifest.versions,
        seed=manifest.seed,
        repeats=manifest.repeats,
        strategy=manifest.strategy,
    )


def _race_facts(comparison: Comparison, outcomes: Outcomes) -> dict[str, float]:
    """What the races asked and spent, beside what the grid would have.

    A candidate that was not asked fully would have cost its mean, measured or listed, on the rest.
    """
    spent = grid = 0.0
    for task in comparison.tasks:
        for cell in task.cells:
            cost = (cell.cost_usd_per_1k or 0.0) / 1000
            spent += cost * cell.n_answered
            grid += cost * cell.n_planned
    return {
        "risk": RISK,
        "calls": sum(outcome.reason != "not_asked" for outcome in outcomes.rows),
        "grid_calls": len(outcomes.rows),
        "spent_usd": spent,
        "grid_usd": grid,
    }

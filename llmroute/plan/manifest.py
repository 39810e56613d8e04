"""Plan ⇄ RunManifest: what the store keeps of a run, so that it can be decided again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from llmroute.builtin.floor import measure_floors
from llmroute.digest import digest
from llmroute.errors import StoreError
from llmroute.plan.matrix import Plan, plan_calls
from llmroute.records import (
    RECOGNISER_EMBEDDING,
    Config,
    Label,
    QualityRule,
    QualityThreshold,
    TaskLimits,
)
from llmroute.store.manifest import (
    RunManifest,
    candidate_to_json,
    installed_versions,
    new_run_id,
    utc_text,
)
from llmroute.store.reader import StoreReader
from llmroute.store.suites import suite_hash


def describe_run(
    config: Config,
    plan: Plan,
    started: datetime,
    *,
    strategy: str = "grid",
    labels: Sequence[Label] = (),
) -> RunManifest:
    """The manifest of a run that is about to start, with the labels it is decided by."""
    content = {
        "reference": config.reference,
        "recogniser": {"embedding": config.recogniser_embedding},
        "quality": asdict(config.quality),
        "task_limits": {task: asdict(limits) for task, limits in config.task_limits.items()},
        "task_thresholds": {task: asdict(bar) for task, bar in config.task_thresholds.items()},
    }
    return RunManifest(
        run_id=new_run_id(started, [content, [call.key for call in plan.calls[:1000]]]),
        started=utc_text(started),
        config=content,
        suites={suite.name: suite_hash(suite) for suite in plan.suites},
        candidates={c.name: candidate_to_json(c) for c in plan.candidates},
        judges={judge.name: candidate_to_json(judge) for judge in plan.judges},
        endpoints=dict(plan.endpoints),
        versions=installed_versions(),
        floors=measure_floors(plan.suites),
        seed=config.seed,
        repeats=config.repeats,
        strategy=strategy,
        selection=asdict(plan.selection),
        labels=[label_to_json(label) for label in labels],
    )


def recall_plan(manifest: RunManifest, reader: StoreReader) -> Plan:
    """The plan of a stored run.

    Raises:
        StoreError: the store lacks one of its suites.
    """
    suites = []
    for name, content_hash in manifest.suites.items():
        suite = reader.suite(content_hash)
        if suite is None:
            raise StoreError(
                f"suite {name!r} of run {manifest.run_id} is missing",
                where=str(reader.path),
                fix="Run the bench again.",
            )
        suites.append(suite)
    return plan_calls(
        suites,
        manifest.candidate_records,
        repeats=manifest.repeats,
        endpoints=manifest.endpoints,
        judges=manifest.judge_records,
    )


def plan_digest(manifest: RunManifest) -> str:
    """Runs of one digest have one plan."""
    asked = manifest.suites, manifest.candidates, manifest.judges, manifest.endpoints
    return digest([*asked, manifest.repeats])


def recall_embedding(manifest: RunManifest) -> str:
    """What the run's configuration tells tasks apart by."""
    stated: str = manifest.config.get("recogniser", {}).get("embedding", RECOGNISER_EMBEDDING)
    return stated


def label_to_json(label: Label) -> dict[str, Any]:
    """What the manifest keeps of a label: what differs from one that says nothing further."""
    usual = asdict(Label("", "", "", "", 0.0, where=label.where))
    needed = ("task", "sample_id", "candidate", "rater", "score")
    return {k: v for k, v in asdict(label).items() if k in needed or v != usual[k]}


def recall_labels(manifest: RunManifest) -> tuple[Label, ...]:
    """People's labels that the run was decided by."""
    return tuple(Label(**content) for content in manifest.labels)


def recall_rule(manifest: RunManifest) -> QualityRule:
    """The rule the run was planned with."""
    quality = dict(manifest.config.get("quality", {}))
    if not quality:
        return QualityRule()
    return QualityRule(**{**quality, "threshold": QualityThreshold(**quality["threshold"])})


def recall_limits(manifest: RunManifest) -> dict[str, TaskLimits]:
    """Task → limits of the run."""
    stored: Mapping[str, Mapping[str, Any]] = manifest.config.get("task_limits", {})
    return {
        task: TaskLimits(**{**limits, "excluded": tuple(limits["excluded"])})
        for task, limits in stored.items()
    }


def recall_thresholds(manifest: RunManifest) -> dict[str, QualityThreshold]:
    """Task → the bar the configuration gave it."""
    stored = manifest.config.get("task_thresholds", {})
    return {task: QualityThreshold(**bar) for task, bar in stored.items()}

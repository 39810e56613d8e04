"""RoutingMap ⇄ YAML and JSON: versioned, the same bytes for the same map."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from llmroute import __version__
from llmroute.config.scalars import plain_value
from llmroute.digest import digest
from llmroute.errors import ConfigError
from llmroute.records import (
    Cascade,
    Interval,
    JudgeEvidence,
    Match,
    Plugin,
    Provenance,
    QualityRule,
    QualityThreshold,
    QueryRouter,
    Rejected,
    RoutingMap,
    Savings,
    TaskEvidence,
    TaskLimits,
    TaskRoute,
)
from llmroute.routing_map.recogniser import read_recogniser, recogniser_to_dict

if TYPE_CHECKING:
    from llmroute.config.yaml_source import Document
    from llmroute.routing_map.schema import (
        CascadeFile,
        CheckFile,
        EvidenceFile,
        IntervalFile,
        JudgingFile,
        LimitsFile,
        MatchFile,
        QueryRouterFile,
        RelativeThresholdFile,
        RoutingMapFile,
        TaskFile,
    )

T = TypeVar("T")

MAP_VERSION = 1
HEADER = """\
# Routing map: for each task, the cheapest candidate that clears its quality bar, and the evidence.
# Made by `llmroute bench` or `llmroute map`; `llmroute schema map` prints what may stand here.
"""


def map_to_dict(routing_map: RoutingMap) -> dict[str, Any]:
    """The map as plain values in the order of the file, figures to six significant digits."""
    document = {
        "version": MAP_VERSION,
        "generated_by": f"llmroute {__version__}",
        "reference": routing_map.reference,
        "quality": _quality(routing_map.rule),
        "tasks": {route.task: _task(route, routing_map) for route in routing_map.tasks},
        "savings": _without(asdict(routing_map.savings), "reason"),
        **_calibrated("query_router", routing_map.query_router),
        **_calibrated("cascade", routing_map.cascade),
        **recogniser_to_dict(routing_map.recogniser),
        "provenance": _provenance(routing_map.provenance),
        "notes": list(routing_map.notes),
    }
    figures = rounded(document)
    assert isinstance(figures, dict)  # noqa: S101 - for the type checker
    return {**figures, "digest": map_digest(figures)}


def map_digest(document: Mapping[str, Any]) -> str:
    """What the map's content hashes to: another value than the file states means it was edited.

    It finds edits by hand, and is no signature: whoever edits can write another one.
    """
    return digest({key: value for key, value in document.items() if key != "digest"})


def map_to_yaml(routing_map: RoutingMap) -> str:
    """The text of `routing-map.yaml`."""
    return HEADER + dump_yaml(map_to_dict(routing_map))


def dump_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML in its own order, without anchors, lists indented under their key."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


def map_to_json(routing_map: RoutingMap) -> str:
    """The same structure as JSON, indented, with a final newline."""
    return json.dumps(map_to_dict(routing_map), indent=2, ensure_ascii=False) + "\n"


def read_map(path: Path) -> RoutingMap:
    """The map in a YAML or JSON file.

    Raises:
        ConfigError: it cannot be read, is no routing map, or is of a later version.
    """
    return read_map_document(path)[1]


def read_map_document(path: Path, *, any_section: bool = False) -> tuple[Document, RoutingMap]:
    """The map in a file, and the file itself, which places messages.

    Args:
        path: the file.
        any_section: whether top-level sections nobody here knows are passed over: to compare two
            maps one need not understand all of them, to route by one must.

    Raises:
        ConfigError: as `read_map`.
    """
    from llmroute.config.faults import validate
    from llmroute.config.yaml_source import read_yaml
    from llmroute.routing_map.schema import RoutingMapFile

    document = read_yaml(path, ConfigError)
    version = document.root.child("version")
    if version is not None and version.data() != MAP_VERSION:
        raise document.fault(
            ["version"],
            f"routing map version {version.written} is not one this llmroute reads",
            f"It reads version {MAP_VERSION}; update llmroute, or make the map anew.",
        )
    data = document.root.data()
    if any_section and isinstance(data, dict):
        data = {name: value for name, value in data.items() if name in RoutingMapFile.model_fields}
    return document, _from_file(validate(RoutingMapFile, document, data))


class _Dumper(yaml.SafeDumper):
    """Safe YAML without anchors, lists indented under their key."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Quotes around what PyYAML takes for text and YAML 1.2, which is read here, for a number."""
    style = None if len(text) > 100 or isinstance(plain_value(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _quality(rule: QualityRule) -> dict[str, Any]:
    return {
        "threshold": _relative(rule.threshold) or rule.threshold.value,
        "evidence": rule.evidence,
        "confidence": rule.confidence,
        "margin": rule.margin,
        "min_coverage": rule.min_coverage,
        **({} if rule.min_labels == QualityRule().min_labels else {"min_labels": rule.min_labels}),
    }


def _relative(threshold: QualityThreshold) -> dict[str, float] | None:
    if threshold.relative_to is None:
        return None
    return {f"of_{threshold.relative_to}": threshold.value}


def _task(route: TaskRoute, routing_map: RoutingMap) -> dict[str, Any]:
    document = asdict(route)
    match = routing_map.matches.get(route.task)
    for key in ("task", "threshold_rule", "limits"):
        del document[key]
    document["evidence"] = _evidence(route.evidence)
    relative = _relative(route.threshold_rule)
    if relative:
        document["threshold"] = relative
    if route.limits != TaskLimits():
        kept = asdict(route.limits)
        document["limits"] = {key: value for key, value in kept.items() if value not in (None, ())}
    if match and match != Match():
        document["match"] = {k: v for k, v in asdict(match).items() if v not in ((), None)}
    if checks := routing_map.checks.get(route.task):
        document["checks"] = [_plugin(check) for check in checks]
    document["rejected"] = document.pop("rejected")
    return document


def _evidence(evidence: TaskEvidence) -> dict[str, Any]:
    """The evidence with the judge in one word, and beneath it what that word rests on."""
    document = _without(asdict(evidence), "suite_hash", "judge")
    if evidence.judge is None:
        return document
    judging = _without(document.pop("judge"), *_OPTIONAL_OF_JUDGES)
    calibrated = judging.pop("calibrated")
    return {**document, "judge": "calibrated" if calibrated else "uncalibrated", "judging": judging}


_OPTIONAL_OF_JUDGES = ("agreement", "ceiling", "flip_rate", "effective_votes", "correction")


def _plugin(plugin: Plugin) -> str | dict[str, Any]:
    return {"name": plugin.name, **plugin.params} if plugin.params else plugin.name


def _calibrated(key: str, found: QueryRouter | Cascade | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {key: _without(asdict(found), "embedding", "saving", "task")}


def _provenance(provenance: Provenance) -> dict[str, Any]:
    return {key: value for key, value in asdict(provenance).items() if value not in (None, (), {})}


def _without(document: dict[str, Any], *optional: str) -> dict[str, Any]:
    """The document without those optional keys that hold nothing."""
    return {k: v for k, v in document.items() if k not in optional or v is not None}


def rounded(value: Any) -> Any:
    """Plain values whose figures have six significant digits; one that is no number is None."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def _from_file(file: RoutingMapFile) -> RoutingMap:
    quality = file.quality
    rule = QualityRule(
        threshold=_threshold(quality.threshold),
        evidence=quality.evidence,
        confidence=quality.confidence,
        margin=quality.margin,
        min_coverage=quality.min_coverage,
        min_labels=quality.min_labels,
    )
    provenance = file.provenance.model_dump()
    return RoutingMap(
        reference=file.reference,
        rule=rule,
        tasks=tuple(_task_route(name, task) for name, task in file.tasks.items()),
        savings=Savings(
            reference_usd_per_1k=file.savings.reference_usd_per_1k,
            routed_usd_per_1k=file.savings.routed_usd_per_1k,
            saved_usd_per_1k=_interval(file.savings.saved_usd_per_1k),
            saved_share=_interval(file.savings.saved_share),
            reason=file.savings.reason,
        ),
        matches={
            name: _read_match(task.match)
            for name, task in file.tasks.items()
            if task.match is not None
        },
        checks={
            name: tuple(_check(check) for check in task.checks)
            for name, task in file.tasks.items()
            if task.checks
        },
        provenance=Provenance(**{**provenance, "sources": tuple(provenance["sources"])}),
        notes=tuple(file.notes),
        query_router=_read_calibrated(QueryRouter, file.query_router),
        cascade=_read_calibrated(Cascade, file.cascade),
        recogniser=read_recogniser(file.recogniser),
    )


def _read_match(file: MatchFile) -> Match:
    written: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in file.model_dump().items()
    }
    return Match(**written)


def _read_calibrated(
    kind: Callable[..., T], file: QueryRouterFile | CascadeFile | None
) -> T | None:
    if file is None:
        return None
    values = file.model_dump()
    bounds = {name: Interval(**value) for name, value in values.items() if isinstance(value, dict)}
    return kind(**{**values, **bounds})


def _check(written: str | CheckFile) -> Plugin:
    if isinstance(written, str):
        return Plugin(written)
    return Plugin(written.name, written.model_extra or {})


def _task_route(name: str, task: TaskFile) -> TaskRoute:
    bar = QualityThreshold(task.quality_threshold or 0.0)
    return TaskRoute(
        task=name,
        route=task.route,
        fallbacks=tuple(task.fallbacks),
        verdict=task.verdict,
        reason=task.reason,
        quality_threshold=task.quality_threshold,
        threshold_rule=bar if task.threshold is None else _threshold(task.threshold),
        weight=task.weight,
        evidence=_task_evidence(task.evidence),
        rejected=tuple(Rejected(**item.model_dump()) for item in task.rejected),
        limits=TaskLimits() if task.limits is None else _read_limits(task.limits),
    )


def _task_evidence(file: EvidenceFile) -> TaskEvidence:
    known = file.model_dump(exclude={"judge", "judging"})
    return TaskEvidence(**known, judge=_judge(file.judging, file.judge == "calibrated"))


def _judge(file: JudgingFile | None, calibrated: bool) -> JudgeEvidence | None:
    if file is None:
        return None
    read = {
        "judges": tuple(file.judges),
        "agreement": _interval(file.agreement),
        "ceiling": _interval(file.ceiling),
    }
    return JudgeEvidence(**{**file.model_dump(), **read}, calibrated=calibrated)


def _read_limits(file: LimitsFile) -> TaskLimits:
    return TaskLimits(**{**file.model_dump(), "excluded": tuple(file.excluded)})


def _threshold(written: float | RelativeThresholdFile) -> QualityThreshold:
    if isinstance(written, float | int):
        return QualityThreshold(written)
    if written.of_best is not None:
        return QualityThreshold(written.of_best, "best")
    return QualityThreshold(written.of_reference or 0.0, "reference")


def _interval(written: IntervalFile | None) -> Interval | None:
    return None if written is None else Interval(**written.model_dump())

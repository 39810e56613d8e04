"""Calibration → the JSON of `llmroute calibrate --json`: versioned, all figures out-of-fold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llmroute.report.calibration.reliability import read_reliability
from llmroute.report.calibration.tasks import read_tasks
from llmroute.report.calibration.words import straight_share
from llmroute.shipping import direct_threshold

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.by_task import TaskFigures
    from llmroute.calibration.reliability import Reliability
    from llmroute.calibration.threshold import OperatingPoint
    from llmroute.records import Interval

SCHEMA = "llmroute/calibration/1"
POINT_KEYS = (
    "threshold",
    "strong_share",
    "quality",
    "quality_loss",
    "cost_usd_per_1k",
    "saving",
    "pgr",
)


def calibration_to_dict(calibration: Calibration) -> dict[str, Any]:
    """Plain values; a figure that is not known, or not defined, is null."""
    proof, pair = calibration.proof, calibration.pair
    summary = proof.summary
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "policy": calibration.wish.policy,
        "router": calibration.router,
        "chosen_by": calibration.wish.router,
        "shipped": calibration.shipped,
        "reason": proof.shipping.reason,
        "weak": pair.weak,
        "strong": pair.strong,
        "task": calibration.wish.task,
        "n": summary.n,
        "n_groups": summary.n_groups,
        "target": {"kind": calibration.wish.target.kind, "value": calibration.wish.target.value},
        **_point(calibration.point),
        "unmet": calibration.unmet,
        "apgr": _bounds(summary.apgr),
        "cpt50": _bounds(summary.cpt50),
        "cpt80": _bounds(summary.cpt80),
        "aiq": _bounds(summary.aiq),
        "aiq_lift": _bounds(summary.aiq_lift),
        "dollar_lift": _bounds(summary.dollar_lift),
        "knee_share": summary.knee_share,
        "over_random": _bounds(proof.shipping.over_random),
        "over_task_map": _bounds(proof.shipping.over_task_map),
        "always_weak": {"quality": _bounds(summary.weak_quality)},
        "always_strong": {"quality": _bounds(summary.strong_quality)},
        "controls": {name: {"apgr": _bounds(apgr)} for name, apgr in proof.controls.items()},
        "routers": [
            {"router": name, "apgr": _bounds(apgr)} for name, apgr in proof.routers.items()
        ],
        "neighbours": [_point(near) for near in getattr(calibration.point, "neighbours", ())],
        "certificate": _certificate(calibration.point),
        "routellm_compat": None if proof.compat is None else asdict(proof.compat),
        "tasks": [_task(one) for one in read_tasks(calibration)],
        "reliability": _reliability(read_reliability(calibration)),
        "seed": calibration.wish.seed,
        **_answers(calibration),
    }
    plain: dict[str, Any] = _known(document)
    return plain


def _answers(calibration: Calibration) -> dict[str, Any]:
    """What only a cascade has: at equal dollars, and what goes straight to the strong model."""
    answers, proof = calibration.answers, calibration.proof
    if answers is None:
        return {}
    return {
        "escalator": answers.escalator.name,
        "n_without_answer": answers.n_without_answer,
        "apgr_at_equal_usd": {name: _bounds(figure) for name, figure in proof.dollars.items()},
        "over_at_equal_usd": {
            name: _bounds(gain) for name, gain in getattr(proof.shipping, "over_usd", {}).items()
        },
        "price_ratio": answers.price_ratio,
        "break_even_price_ratio": answers.break_even_ratio,
        "router_ships": answers.router_ships,
        "direct": {
            "share": straight_share(calibration),
            "threshold": direct_threshold(calibration),
        },
    }


def calibration_to_json(calibration: Calibration) -> str:
    """The same as text, with a final newline."""
    document = calibration_to_dict(calibration)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _point(point: OperatingPoint | None) -> dict[str, Any]:
    if point is None:
        return dict.fromkeys(POINT_KEYS)
    figures = {name: getattr(point, name) for name in POINT_KEYS[1:]}
    return {"threshold": point.threshold} | {name: _bounds(f) for name, f in figures.items()}


def _task(task: TaskFigures) -> dict[str, Any]:
    """The intervals of a task of few prompts bound nothing: `few` says so."""
    names = ("strong_share", "quality", "quality_loss", "cost_usd_per_1k", "pgr")
    return {
        "task": task.task,
        "n": task.n,
        "n_groups": task.n_groups,
        "few": task.is_small,
        **{name: _bounds(getattr(task, name)) for name in names},
        "always_weak": {
            "quality": _bounds(task.weak_quality),
            "cost_usd_per_1k": task.weak_usd_per_1k,
        },
        "always_strong": {
            "quality": _bounds(task.strong_quality),
            "cost_usd_per_1k": task.strong_usd_per_1k,
        },
    }


def _reliability(found: Reliability | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def _certificate(point: OperatingPoint | None) -> dict[str, Any] | None:
    return None if point is None or point.certificate is None else asdict(point.certificate)


def _bounds(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else asdict(interval)


def _known(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_known(item) for item in value]
    return value

"""SeveralCalibration → its story as text and its figures as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from llmroute.report.amounts import quality_text, share_text, usd_text
from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from llmroute.calibrating_several import SeveralCalibration
    from llmroute.records import Interval

SCHEMA = "llmroute/calibration-several/1"


def several_story(calibration: SeveralCalibration) -> tuple[str, ...]:
    """What a manager reads, a paragraph a line."""
    point, summary = calibration.point, calibration.summary
    best = one_line(summary.best_single, 60)
    saving = point.saving.value
    spent = f"{share_text(abs(saving))} {'cheaper' if saving >= 0 else 'dearer'}"
    singles = ", ".join(one_line(name, 60) for name in summary.single_hull)
    verdict = _verdict(calibration)
    chosen = (
        f"Choosing among {len(calibration.candidates.names)} candidates per query costs"
        f" {usd_text(point.cost_usd_per_1k.value)} per 1,000 requests, {spent} than {best} alone,"
        f" the best of them, at quality {quality_text(point.quality.value)} (loss"
        f" {_numbers(point.quality_loss)})."
    )
    proof = (
        f"{verdict} At equal cost its quality is {_numbers(summary.lift)} above the best mix of"
        " single models, averaged over all costs; that of a static choice a task is"
        f" {_numbers(calibration.task_map_lift)} above it."
    )
    areas = (
        f"AIQ {_numbers(summary.aiq)}; of the single models {_numbers(summary.aiq_single_hull)}"
        f" ({singles}); with perfect foresight {summary.oracle_aiq:.3f}."
    )
    basis = (
        "All figures but the static choice's are of prompts no predictor had seen. Nothing is"
        " written: a router of several candidates is measured here, not saved."
    )
    return chosen, proof, areas, basis


def _verdict(calibration: SeveralCalibration) -> str:
    if not calibration.beats_singles:
        return "Choosing per query does not surely beat a mix of single models: do not run it."
    if not calibration.beats_task_map:
        return (
            "Choosing per query does not surely beat the static task map, which needs no model at"
            " all: keep the map."
        )
    return "Choosing per query surely beats every mix of single models, and the static task map."


def share_rows(calibration: SeveralCalibration) -> tuple[tuple[str, str, str, str], ...]:
    """Candidate, share of the queries, its own quality and cost of 1,000 requests."""
    candidates, shares = calibration.candidates, calibration.point.shares
    quality = candidates.scores.mean(axis=0)
    cost = 1000 * candidates.costs_usd.mean(axis=0)
    rows = sorted(zip(candidates.names, quality, cost, strict=True), key=lambda row: row[2])
    return tuple(
        (name, share_text(shares[name]), quality_text(float(one)), usd_text(float(usd)))
        for name, one, usd in rows
    )


def several_to_json(calibration: SeveralCalibration) -> str:
    """The figures, indented, with a final newline."""
    point = asdict(calibration.point)
    target = calibration.wish.target
    document = {
        "schema": SCHEMA,
        "candidates": list(calibration.candidates.names),
        "task": calibration.wish.task,
        "n": len(calibration.candidates.ids),
        "beats_singles": calibration.beats_singles,
        "beats_task_map": calibration.beats_task_map,
        "target": {"kind": target.kind, "value": target.value},
        "lambda": point.pop("lambda_"),
        **point,
        **asdict(calibration.summary),
        "controls": {"task_map": {"lift": asdict(calibration.task_map_lift)}},
        "seed": calibration.wish.seed,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _numbers(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from llmroute.report.calibration.tasks import build_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.calibrating import Calibration


def test_each_task_stands_beside_what_the_map_alone_would_do(calibration: Calibration) -> None:
    view = build_tasks(calibration)
    assert view is not None
    assert view.table is not None
    assert [row[0] for row in view.table.rows] == ["school", "shop", "yard"]
    pair, point = calibration.pair, calibration.point
    assert point is not None
    rows = np.array([query.task == "shop" for query in pair.queries])
    strong = (calibration.scores >= point.threshold)[rows]
    quality = np.where(strong, pair.strong_scores[rows], pair.weak_scores[rows]).mean()
    shop = view.table.rows[1]
    assert shop[1] == f"{rows.sum()}"
    assert shop[2] == f"{strong.mean():.0%}"
    assert shop[3].startswith(f"{pair.weak_scores[rows].mean():.2f} (")
    assert shop[5].startswith(f"{quality:.2f} (")
    assert shop[9] == f"large: {pair.strong_scores[rows].mean():.2f}, $2.00"
    assert "†" not in "".join(shop)


def test_a_task_of_few_prompts_has_no_interval_and_a_dagger(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    rows = make_rows(tasks=("much",))
    for row in rows[:8]:
        row["task"] = "rare"
    found = make_calibration(rows)
    view = build_tasks(found)
    assert view is not None
    assert view.table is not None
    rare = view.table.rows[1]
    assert (rare[0], rare[1]) == ("rare", "8 †")
    assert not any("to" in cell for cell in rare[2:9])
    assert "fewer than 20 distinct prompts (1 of 2)" in view.note


def test_one_task_is_a_sentence_and_not_a_table_of_one_row(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    found = make_calibration(make_rows(tasks=("only",)))
    view = build_tasks(found)
    assert view is not None
    assert view.table is None
    assert view.note.startswith("All 160 prompts are of one task, only: the figures above")
    assert "The static map alone: large: 0.95, $2.00." in view.note


def test_the_quality_of_a_third_candidate_is_the_maps_own_evidence(
    make_calibration: Callable[..., Calibration], make_rows: Callable[..., Any]
) -> None:
    rows = make_rows(tasks=("only",))
    for row in rows:
        row["models"]["third"] = {"score": 1.0, "cost_usd": 0.0005}
    found = make_calibration(rows, weak="small", strong="large")
    view = build_tasks(found)
    assert view is not None
    assert "The static map alone: third: 1.00, $0.50." in view.note


def test_without_a_threshold_nothing_is_said_of_tasks(calibration: Calibration) -> None:
    found = replace(calibration, point=None)
    assert build_tasks(found) is None

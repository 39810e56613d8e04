from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.records import JudgeEvidence, Provenance, QualityRule
from llmroute.report.bench.banners import raise_banners

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def banners(run: Run) -> tuple[str, ...]:
    return raise_banners(run[0], run[1])


def test_a_sound_run_raises_none(run_of: Callable[..., Run], cell: Cell) -> None:
    assert banners(run_of([cell], reference="small")) == ()


def test_a_judge_without_peoples_labels_is_named_with_its_tasks(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    judged = JudgeEvidence(("gpt",), "helpfulness", False, "no labels", 0)
    (said,) = banners(run_of([replace(cell, judge=judged)], reference="small"))
    assert said.startswith("No people's labels correct the judge on classification:")
    trusted = replace(judged, calibrated=True)
    assert banners(run_of([replace(cell, judge=trusted)], reference="small")) == ()


def test_more_than_two_calls_in_a_hundred_without_a_score_are_a_warning(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    one_of_50 = replace(cell, failures={"timed_out": 1}, n_scored=49)
    two_of_50 = replace(cell, failures={"timed_out": 1, "not_scored": 1}, n_scored=48)
    assert banners(run_of([one_of_50], reference="small")) == ()
    (said,) = banners(run_of([two_of_50], reference="small"))
    assert said.startswith(
        "4% of the calls carry no score (2 of 50; the most frequent reason: not scored, 1)."
    )


def test_what_a_race_did_not_ask_is_no_failure(run_of: Callable[..., Run], cell: Cell) -> None:
    raced = replace(cell, failures={"not_asked": 30}, n_scored=20, n_answered=20)
    assert banners(run_of([raced], reference="small")) == ()


def test_a_suite_on_which_a_perfect_score_shows_nothing_is_too_small(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    """Likely: 0.05^(1/n) must reach 0.85 - 0.05, so n >= ln 0.05 / ln 0.80 = 13.4."""
    assert banners(run_of([replace(cell, n_samples=14)], reference="small")) == ()
    (said,) = banners(run_of([replace(cell, n_samples=13)], reference="small"))
    assert said.endswith("on classification (13 of 14 for a bar of 0.85).")
    comparison, routing_map, _ = run_of([replace(cell, n_samples=13)], reference="small")
    naive = replace(comparison, rule=QualityRule(evidence="mean"))
    assert raise_banners(naive, routing_map) == ()


def test_answers_much_older_than_the_run_are_a_warning(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    def dated(oldest: str) -> tuple[str, ...]:
        source = Provenance(started="2026-03-14T09:00:00Z", oldest_answer=oldest)
        return banners(run_of([cell], reference="small", provenance=source))

    assert dated("2026-02-20T09:00:00Z") == ()
    (said,) = dated("2026-01-01T09:00:00Z")
    assert said.startswith("The oldest answers were 72 days old when the run began")
    assert dated("no date") == ()

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.records import Outcome, Outcomes
from llmroute.report.bench.samples import MAX_TEXT_CHARS
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def test_the_route_carries_its_price_and_what_it_saves(small_run: Run) -> None:
    task = build_view(*small_run).tasks[0]
    assert (task.route, task.symbol, task.verdict) == ("small", "≈", "likely")
    assert (task.cost.text, task.reference_cost.text, task.saved.text) == ("$0.12", "$2.50", "95%")
    assert (task.quality.text, task.quality.interval) == ("0.92", "0.83–0.97")


def test_rejected_candidates_start_with_the_cheaper_ones(small_run: Run) -> None:
    rejected = build_view(*small_run).tasks[0].rejected
    assert [(item.candidate, item.is_cheaper, item.times) for item in rejected] == [
        ("tiny", True, "6.0× cheaper"),
        ("large", False, "21× dearer"),
    ]


def test_candidates_run_from_cheap_to_dear_with_the_unpriced_last(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    costs = {"dear": 2.0, "unknown": None, "free": 0.0, "cheap": 0.1}
    cells = [replace(cell, candidate=name, cost_usd_per_1k=cost) for name, cost in costs.items()]
    view = build_view(*run_of(cells, reference="dear"))
    assert view.candidates == ("free", "cheap", "dear", "unknown")
    assert [item.candidate for item in view.tasks[0].unpriced] == ["unknown"]


def test_an_unknown_price_is_a_dash_and_a_free_one_is_not(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [
        replace(cell, candidate="free", cost_usd_per_1k=0.0),
        replace(cell, candidate="unknown", cost_usd_per_1k=None),
    ]
    task = build_view(*run_of(cells, reference="free")).tasks[0]
    assert [item.cost.text for item in task.cells] == ["$0", "–"]


def test_failures_are_listed_with_the_commonest_first(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    broken = replace(cell, failures={"not_scored": 1, "timed_out": 3, "connection": 0})
    view = build_view(*run_of([broken], reference="small"))
    assert view.tasks[0].cells[0].failures == (("timed out", 3), ("not scored", 1))


def test_an_answer_passes_at_the_bar_of_its_task(small_run: Run) -> None:
    sample = build_view(*small_run).samples.shown[0]
    assert sample.results == ("below", "pass", "failed")
    assert [answer.candidate for answer in sample.answers] == ["tiny", "small", "large"]


def test_a_candidate_that_was_not_asked_is_absent_not_failed(small_run: Run) -> None:
    comparison, routing_map, outcomes = small_run
    fewer = replace(outcomes, rows=outcomes.rows[:1])
    sample = build_view(comparison, routing_map, fewer).samples.shown[0]
    assert sample.results == ("below", "absent", "absent")


def test_a_cut_takes_samples_from_every_task_and_counts_the_rest(real_run: Run) -> None:
    samples = build_view(*real_run, max_samples=12).samples
    assert (len(samples.shown), samples.n_total) == (12, 300)
    assert len({sample.task for sample in samples.shown}) == 6


def test_the_byte_budget_limits_the_samples(real_run: Run) -> None:
    everything = build_view(*real_run).samples
    fewer = build_view(*real_run, max_sample_bytes=100_000).samples
    assert 0 < len(fewer.shown) < len(everything.shown) == 300


def test_a_long_output_is_cut_and_its_loss_counted(small_run: Run) -> None:
    comparison, routing_map, outcomes = small_run
    long = replace(outcomes.rows[0], output="x" * (MAX_TEXT_CHARS + 7), prediction=None)
    samples = build_view(comparison, routing_map, Outcomes((long,), outcomes.prompts)).samples
    answer = samples.shown[0].answers[0]
    assert (len(answer.output or ""), answer.cut_chars) == (MAX_TEXT_CHARS, 7)
    assert samples.n_cut_texts == 1


def test_repeats_of_one_sample_are_shown_together_and_judged_by_their_mean(
    small_run: Run,
) -> None:
    comparison, routing_map, _outcomes = small_run
    rows = tuple(
        Outcome("classification", "q1", "small", repeat, score, None, True, "x")
        for repeat, score in ((1, 1.0), (0, 0.5))
    )
    sample = build_view(comparison, routing_map, Outcomes(rows, {})).samples.shown[0]
    assert [answer.repeat for answer in sample.answers] == [0, 1]
    assert sample.results == ("absent", "below", "absent")
    assert sample.prompt is None


def test_all_traffic_weighs_tasks_by_their_share(run_of: Callable[..., Run], cell: Cell) -> None:
    cells = [
        replace(cell, task="a", candidate="one", quality=1.0, cost_usd_per_1k=1.0),
        replace(cell, task="b", candidate="one", quality=0.6, cost_usd_per_1k=5.0),
    ]
    view = build_view(*run_of(cells, reference="one", weights={"a": 3.0, "b": 1.0}))
    point = view.overall[0]
    assert (round(point.quality, 9), point.cost_usd_per_1k) == (0.9, 2.0)


def test_a_candidate_without_a_price_on_one_task_has_no_overall_point(real_run: Run) -> None:
    names = [point.name for point in build_view(*real_run).overall]
    assert "local-qwen" not in names
    assert names[-1] == "this routing map"


def test_the_same_records_give_the_same_view(real_run: Run) -> None:
    assert build_view(*real_run) == build_view(*real_run)


def test_the_map_file_is_shown_when_it_is_given(small_run: Run) -> None:
    assert build_view(*small_run, map_yaml="version: 1\n").map_yaml == "version: 1\n"
    assert "route: small" in build_view(*small_run).map_yaml


def test_a_race_says_what_it_asked_spent_and_risked() -> None:
    from llmroute.records import Provenance
    from llmroute.report.bench.provenance import _strategy

    facts = {
        "risk": 0.05, "calls": 46, "grid_calls": 120, "spent_usd": 0.0041, "grid_usd": 0.0444,
    }  # fmt: skip
    said = _strategy(Provenance(strategy="race", race=facts))
    assert said.startswith("race: 46 of the grid's 120 calls, $0.0041 of about $0.044;")
    assert "at most 5% a task" in said
    assert _strategy(Provenance()) == "grid"

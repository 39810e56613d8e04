from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.records import Interval, QualityRule, Savings
from llmroute.report.bench.story import tell_headline
from llmroute.report.verdicts import rule_sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


def test_savings_are_told_with_both_prices(small_run: Run) -> None:
    headline = tell_headline(*small_run[:2])
    assert headline.sentence == (
        "Routing by task costs $0.12 per 1,000 requests instead of $2.50: "
        "95% less than sending everything to large, "
        "and the route that changes is at most 0.02 below its bar at 95% confidence."
    )
    assert headline.details == ("Clearing the bar is likely on 1 task.",)


def test_a_dearer_map_says_that_the_bar_costs_more(small_run: Run) -> None:
    comparison, routing_map, _ = small_run
    dearer = Savings(1.0, 1.5, Interval(-0.5, -0.6, -0.4), Interval(-0.5, -0.6, -0.4))
    headline = tell_headline(comparison, replace(routing_map, savings=dearer))
    assert headline.sentence == (
        "Meeting the bar costs 50% more than large alone: "
        "$1.50 per 1,000 requests instead of $1.00."
    )
    assert headline.tone == "bad"


def test_a_map_without_a_price_says_that_savings_are_unknown_and_why(small_run: Run) -> None:
    comparison, routing_map, _ = small_run
    unpriced = Savings(None, 0.12, None, None, "large has no price")
    headline = tell_headline(comparison, replace(routing_map, savings=unpriced))
    assert headline.sentence == (
        "The one task can leave large; what that saves is unknown: large has no price."
    )


def test_nothing_that_clears_keeps_all_traffic_on_the_reference(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    cells = [replace(cell, task=task, verdict="fails") for task in ("a", "b")]
    headline = tell_headline(*run_of(cells, reference="small")[:2])
    assert headline.sentence == (
        "No candidate qualifies on any of 2 tasks, so all traffic stays on small."
    )


def test_candidates_that_clear_but_have_no_price_are_mentioned(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    unpriced = [replace(cell, cost_usd_per_1k=None)]
    headline = tell_headline(*run_of(unpriced, reference="small")[:2])
    assert headline.sentence == (
        "No priced candidate qualifies on the one task, so all traffic stays on small; "
        "1 result would, but for a price."
    )


def test_a_run_without_answers_names_the_commonest_failure(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    dead = replace(cell, verdict="fails", n_answered=0, n_scored=0, quality=None,
                   failures={"unauthorized": 49, "timed_out": 1})  # fmt: skip
    headline = tell_headline(*run_of([dead], reference="small")[:2])
    assert headline.sentence == (
        "No call was answered (unauthorized: 49 calls), so all traffic stays on small."
    )


def test_a_run_without_tasks_says_so(run_of: Callable[..., Run]) -> None:
    headline = tell_headline(*run_of([], reference="small")[:2])
    assert headline.sentence == "There is nothing to compare: the run holds no task."


def test_keeping_the_reference_everywhere_is_an_answer(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    same = Savings(0.12, 0.12, Interval(0, 0, 0), Interval(0, 0, 0))
    headline = tell_headline(*run_of([cell], reference="small", savings=same)[:2])
    assert headline.sentence == "Keep small for everything: nothing cheaper clears the bar."


def test_a_map_of_fallbacks_says_on_how_many_tasks_nobody_qualifies(
    run_of: Callable[..., Run], cell: Cell
) -> None:
    same = Savings(0.12, 0.12, Interval(0, 0, 0), Interval(0, 0, 0))
    cells = [replace(cell, task="a", verdict="fails"), replace(cell, task="b")]
    headline = tell_headline(*run_of(cells, reference="small", savings=same)[:2])
    assert headline.sentence == (
        "All traffic stays on small: on 1 of 2 tasks no candidate qualifies."
    )


def test_the_naive_rule_is_labelled_as_such(small_run: Run) -> None:
    comparison, routing_map, _ = small_run
    naive = replace(routing_map, rule=QualityRule(evidence="mean"))
    assert "naive rule" in tell_headline(comparison, naive).details[-1]
    assert "without further evidence" in rule_sentence(naive.rule)

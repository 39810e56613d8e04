"""Tokens and dollars: by our count, and as others state them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.records import Outcome, Outcomes, Price, Usage
from llmroute.report.bench.accounts import AccountView, view_accounts
from llmroute.report.bench.html import render_html
from llmroute.report.bench.view import build_view

if TYPE_CHECKING:
    from llmroute.records import Comparison, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]

PRICE = Price(1.0, 5.0)


COUNTED = Usage(1000, 200)


def answer(usage: Usage = COUNTED, stated: float | None = None) -> Outcome:
    return Outcome("t", "s", "m", 0, 1.0, answered=True, usage=usage, recorded_cost_usd=stated)


def account(*rows: Outcome, price: Price | None = PRICE) -> AccountView:
    return view_accounts(rows, {"m": price} if price else {}, ("m", "never asked"))[0]


def test_counted_dollars_are_tokens_times_price_whatever_was_stated() -> None:
    view = account(answer(), answer(stated=0.005))
    assert view.counted.value == pytest.approx(0.004)  # 2 × (1,000 × $1 + 200 × $5) a million
    assert (view.stated.value, view.n_stated) == (0.005, 1)
    assert (view.input_tokens.text, view.output_tokens.text) == ("2,000", "400")


def test_the_gap_is_over_the_answers_that_have_both() -> None:
    assert account(answer(), answer(stated=0.0025)).gap == "<$0.001 more (25%)"
    assert account(answer(stated=0.001)).gap == "$0.0010 less (50%)"
    assert account(answer(stated=0.002)).gap == "alike"
    assert account(answer()).gap == ""
    assert account(answer(stated=0.0025), price=None).gap == ""


def test_an_unknown_cost_is_a_dash_and_counted_not_zero() -> None:
    view = account(answer(), answer(Usage()), price=None)
    assert (view.counted.text, view.stated.text) == ("–", "–")
    assert (view.n_unpriced, view.n_uncounted) == (2, 1)
    free = account(answer(), price=Price(0.0, 0.0))
    assert (free.counted.text, free.n_unpriced) == ("$0", 0)


def test_cached_and_reasoning_tokens_are_told_where_they_were_counted() -> None:
    view = account(answer(Usage(1000, 200, 250, 80)))
    assert (view.cached_share.text, view.reasoning_tokens.text) == ("25%", "80")
    assert account(answer()).cached_share.text == "–"


def test_failures_and_those_never_asked_have_no_line() -> None:
    assert view_accounts([Outcome("t", "s", "m", 0, None, "timed_out")], {}, ("m",)) == ()


def test_the_page_says_that_there_is_nothing_to_account_for(small_run: Run) -> None:
    comparison, routing_map, outcomes = small_run
    assert 'aria-label="Tokens and dollars' in render_html(build_view(*small_run))
    empty = build_view(comparison, routing_map, Outcomes(outcomes.rows[2:]))
    assert "There is no answer to account for." in render_html(empty)

from __future__ import annotations

from llmroute.records import Interval, Savings, Spending, Volume
from llmroute.report.bench.money import view_money

SAVED = Savings(2.5, 0.5, Interval(2.0, 1.6, 2.5), Interval(0.8, 0.7, 0.9))


def test_the_saving_is_carried_over_to_the_stated_volume() -> None:
    money = view_money(SAVED, Volume(1_200_000, "month"), None)
    assert (money.volume, money.period) == ("1,200,000 requests a month", "month")
    assert (money.paid, money.routed, money.saved) == ("$3,000", "$600", "$2,400")
    assert money.saved_interval == "$1,920 to $3,000"


def test_the_bench_is_repaid_by_what_a_request_saves() -> None:
    """$4 + $1 spent; $0.002 saved a request, between 0.0016 and 0.0025."""
    money = view_money(SAVED, Volume(40_000, "day"), Spending(4.0, 1.0, 0))
    assert (money.answers, money.judges, money.spent) == ("$4.00", "$1.00", "$5.00")
    assert (money.break_even, money.break_even_interval) == ("2,500", "2,000 to 3,125")
    assert money.break_even_time == "2 hours"
    assert money.sentence == (
        "At 40,000 requests a day that is $80.00 ($64.00 to $100) a day, and the $5.00 of the "
        "bench are repaid after 2,500 requests."
    )


def test_a_saving_that_may_be_none_is_perhaps_never_repaid() -> None:
    doubtful = Savings(2.5, 2.0, Interval(0.5, -0.1, 1.0), Interval(0.2, -0.04, 0.4))
    money = view_money(doubtful, None, Spending(1.0, 0.0, 0))
    assert money.break_even_interval == "1,000 to perhaps never"
    assert money.sentence == ""


def test_without_a_saving_or_with_unknown_costs_nothing_is_said_to_be_repaid() -> None:
    dearer = Savings(1.0, 2.0, Interval(-1.0, -1.1, -0.9), Interval(-1.0, -1.1, -0.9))
    assert view_money(dearer, None, Spending(1.0, 0.0, 0)).break_even == ""
    assert view_money(SAVED, None, Spending(1.0, 0.0, 3)).break_even == ""
    assert view_money(SAVED, None, None).spent == "–"


def test_an_unknown_saving_is_a_dash_at_any_volume() -> None:
    unknown = Savings(None, None, None, None, "large has no price")
    money = view_money(unknown, Volume(1000, "month"), None)
    assert (money.saved, money.paid, money.sentence) == ("–", "–", "")


def test_costs_of_which_none_is_known_are_not_zero() -> None:
    money = view_money(SAVED, Volume(1000, "month"), Spending(None, 0.0, 12))
    assert (money.answers, money.spent, money.n_unknown) == ("–", "–", 12)
    assert money.break_even == ""


def test_a_map_that_saves_nothing_says_nothing_of_money_a_month() -> None:
    same = Savings(2.5, 2.5, Interval(0.0, 0.0, 0.0), Interval(0.0, 0.0, 0.0))
    assert view_money(same, Volume(1000, "month"), None).sentence == ""

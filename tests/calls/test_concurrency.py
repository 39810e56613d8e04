from __future__ import annotations

import pytest

from llmroute.calls.concurrency import AdaptiveLimit


def play_round(limit: AdaptiveLimit, now_s: float = 0.0) -> int:
    """As many answers as the limit stands at, all places taken; the limit afterwards."""
    places = limit.limit
    limit.sent(places)
    for _ in range(places):
        limit.answered(now_s)
    return limit.limit


def test_it_begins_at_twenty_and_doubles_each_clean_round_up_to_its_cap() -> None:
    limit = AdaptiveLimit(256)
    assert limit.limit == 20
    assert [play_round(limit) for _ in range(5)] == [40, 80, 160, 256, 256]


def test_a_small_cap_is_kept_from_the_first() -> None:
    limit = AdaptiveLimit(3)
    assert limit.limit == 3
    assert play_round(limit) == 3


def test_a_refusal_takes_a_fifth_and_growth_is_five_per_cent_from_then_on() -> None:
    limit = AdaptiveLimit(1000, start=100)
    limit.refused(0.0, 0.0)
    assert limit.limit == 80
    assert [play_round(limit, 15.0) for _ in range(4)] == [84, 88, 92, 96]


def test_of_one_episode_only_the_first_refusal_counts() -> None:
    limit = AdaptiveLimit(1000, start=100)
    for now_s in (0.0, 1.0, 14.9):
        limit.refused(now_s, 0.0)
    assert limit.limit == 80
    limit.refused(15.0, 0.0)
    assert limit.limit == 64


def test_a_long_retry_after_makes_a_long_episode() -> None:
    limit = AdaptiveLimit(1000, start=100)
    limit.refused(0.0, 60.0)
    limit.refused(59.0, 60.0)
    assert limit.limit == 80
    assert play_round(limit, 59.0) == 80
    assert play_round(limit, 60.0) == 84


def test_refusals_do_not_press_it_below_its_floor() -> None:
    limit = AdaptiveLimit(100)
    for episode in range(20):
        limit.refused(episode * 20.0, 0.0)
    assert limit.limit == 10
    lower = AdaptiveLimit(100, floor=1)
    for episode in range(20):
        lower.refused(episode * 20.0, 0.0)
    assert lower.limit == 1


def test_a_failing_server_holds_growth_up_and_takes_nothing() -> None:
    limit = AdaptiveLimit(256)
    limit.sent(20)
    for _ in range(19):
        limit.answered(0.0)
    limit.faltered()
    limit.answered(0.0)
    assert limit.limit == 20
    assert play_round(limit) == 40


def test_answers_below_the_limit_say_nothing_of_what_is_borne() -> None:
    limit = AdaptiveLimit(256)
    for _ in range(100):
        limit.sent(5)
        limit.answered(0.0)
    assert limit.limit == 20


def test_once_clearly_above_where_it_was_refused_it_doubles_again() -> None:
    limit = AdaptiveLimit(1000)
    limit.refused(0.0, 0.0)
    rounds = [play_round(limit, 20.0) for _ in range(11)]
    assert rounds == [17, 18, 19, 20, 21, 22, 23, 24, 48, 96, 192]


def test_changes_are_told_with_their_time() -> None:
    told: list[tuple[float, int]] = []
    limit = AdaptiveLimit(50, on_change=lambda at_s, now: told.append((at_s, now)))
    play_round(limit, 1.0)
    limit.refused(2.0, 0.0)
    limit.refused(3.0, 0.0)
    assert told == [(1.0, 40), (2.0, 32)]


@pytest.mark.parametrize("cap", [1, 9, 10, 11])
def test_floor_and_start_never_exceed_the_cap(cap: int) -> None:
    limit = AdaptiveLimit(cap)
    limit.refused(0.0, 0.0)
    assert 1 <= limit.limit <= cap

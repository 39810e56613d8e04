from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute import errors
from llmroute.calls.retry import RetryRule
from llmroute.errors import CallError, RateLimited, ServerFailed


@dataclass
class Drawn:
    value: float

    def random(self) -> float:
        return self.value


RETRIED = [
    errors.RateLimited,
    errors.TimedOut,
    errors.ConnectionFailed,
    errors.ServerFailed,
    errors.MalformedAnswer,
]
NEVER = [
    errors.Unauthorized,
    errors.NotFound,
    errors.BadRequest,
    errors.ContextTooLong,
    errors.ContentRefused,
    errors.NotRecorded,
    errors.BudgetSpent,
]


def test_every_kind_of_call_error_has_a_rule_here() -> None:
    assert set(RETRIED) | set(NEVER) == set(CallError.__subclasses__())


@pytest.mark.parametrize("error", RETRIED)
def test_what_may_pass_is_tried_again(error: type[CallError]) -> None:
    delay_s = RetryRule().delay_s(error("x"), attempts=1, max_attempts=4, rng=Drawn(0.5))
    assert delay_s == 0.25


@pytest.mark.parametrize("error", NEVER)
def test_what_stays_as_it_is_is_not_tried_again(error: type[CallError]) -> None:
    failure = error("x", retry_after_s=1.0)
    assert RetryRule().delay_s(failure, attempts=1, max_attempts=4, rng=Drawn(0.5)) is None


@pytest.mark.parametrize(
    ("attempts", "delay_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (99, 30.0)]
)
def test_the_longest_wait_doubles_up_to_a_cap(attempts: int, delay_s: float) -> None:
    longest = RetryRule().delay_s(
        ServerFailed("x"), attempts=attempts, max_attempts=100, rng=Drawn(1.0)
    )
    assert longest == delay_s


def test_the_last_attempt_is_the_last() -> None:
    rule = RetryRule()
    assert rule.delay_s(ServerFailed("x"), attempts=4, max_attempts=4, rng=Drawn(0.5)) is None
    assert rule.delay_s(ServerFailed("x"), attempts=1, max_attempts=1, rng=Drawn(0.5)) is None


@given(st.floats(0, 600), st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_retry_after_is_never_undercut_and_little_exceeded(
    wait_s: float, attempts: int, drawn: float
) -> None:
    error = RateLimited("x", retry_after_s=wait_s)
    delay_s = RetryRule().delay_s(error, attempts=attempts, max_attempts=10, rng=Drawn(drawn))
    assert delay_s is not None
    assert wait_s <= delay_s <= wait_s + 0.5


def test_a_rest_of_hours_is_not_waited_for() -> None:
    error = RateLimited("x", retry_after_s=86_400.0)
    assert RetryRule().delay_s(error, attempts=1, max_attempts=4, rng=Drawn(0.5)) is None

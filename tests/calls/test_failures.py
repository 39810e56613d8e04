from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.calls.failures import (
    Refusal,
    call_error,
    excerpt,
    read_refusal,
    read_retry_after_s,
)


@given(st.integers(300, 599), st.text(max_size=60))
def test_any_error_body_is_a_refusal_with_an_error_of_its_own(status: int, body: str) -> None:
    error = call_error(read_refusal(status, body), where="https://api.example.com/v1")
    assert error.status == status
    assert error.fix
    assert str(error).startswith("https://api.example.com/v1: HTTP ")


@given(st.text())
def test_an_excerpt_is_one_short_line_without_control_characters(text: str) -> None:
    line = excerpt(text, 40)
    assert len(line) <= 41
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line)
    assert "\u202e" not in line


@given(st.text(max_size=20))
def test_retry_after_is_finite_and_not_negative_or_absent(value: str) -> None:
    wait_s = read_retry_after_s({"retry-after": value}, 0.0)
    assert wait_s is None or (math.isfinite(wait_s) and wait_s >= 0)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after_in_each_form(headers: dict[str, str], wait_s: float | None) -> None:
    assert read_retry_after_s(headers, now_s=100.0) == wait_s


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(400, "prompt is too long: 210000 tokens > 200000 maximum"), "context_too_long"),
        (Refusal(400, "Input is too long for requested model."), "context_too_long"),
        (Refusal(400, "max_tokens must be positive"), "bad_request"),
        (Refusal(403, "Your input was flagged", "403"), "content_refused"),
        (Refusal(400, "filtered due to the prompt", "content_filter"), "content_refused"),
        (Refusal(402, "Insufficient credits"), "unauthorized"),
        (Refusal(400, "Your credit balance is too low"), "unauthorized"),
        (Refusal(405, "Method Not Allowed"), "not_found"),
        (Refusal(400, "no such model", "model_not_found"), "not_found"),
        (Refusal(418, "teapot"), "bad_request"),
        (Refusal(524, "a timeout occurred"), "server_error"),
    ],
)
def test_what_providers_say_has_a_kind(refusal: Refusal, kind: str) -> None:
    assert call_error(refusal, where="here").kind == kind

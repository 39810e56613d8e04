from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.calls.redact import redact, redact_values, secrets_in

SECRET = "my+very/secret=value"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_masked_in_every_form(form: str) -> None:
    assert redact(f"said {form}!", [SECRET]).rstrip("=!").startswith("said [key]")
    assert form.rstrip("=") not in redact(f"said {form}!", [SECRET])


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-AbCdEfGh1234567890",
        "sk-ant-api03-abcdefghijkl",
        "sk-or-v1-0123456789abcdef",
        "gsk_0123456789abcdef",
        "AIzaSyA0123456789abcdefghijklmnop",
        "hf_abcdefghijklmnop",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_ghi",
    ],
)
def test_what_looks_like_a_key_is_masked(key: str) -> None:
    assert redact(f"Incorrect key: {key}.") in ("Incorrect key: [key].", "Incorrect key: [key]")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [key]"),
        ("https://x.test/v1?key=abcdef&a=1", "https://x.test/v1?key=[key]&a=1"),
        ("https://me:hunter2@x.test/v1", "https://[key]@x.test/v1"),
    ],
)
def test_keys_are_masked_where_they_are_carried(text: str, masked: str) -> None:
    assert redact(text) == masked


def test_ordinary_words_stay() -> None:
    text = "HTTP 429: task-specific limit of 10 requests; see https://x.test/docs?page=2"
    assert redact(text) == text


def test_values_too_short_to_be_keys_are_left_alone() -> None:
    assert redact_values("no way", ["no"]) == "no way"


def test_secrets_are_the_values_of_variables_named_like_keys() -> None:
    env = {
        "OPENAI_API_KEY": "value-one",
        "GITHUB_TOKEN": "value-two",
        "AWS_SECRET_ACCESS_KEY": "value-three",
        "KEYBOARD": "qwertyuiop",
        "SHORT_KEY": "abc",
    }
    assert secrets_in(env) == {"value-one", "value-two", "value-three"}


@given(st.text(min_size=8, max_size=40), st.text(), st.text())
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    assert secret not in redact_values(before + secret + after, [secret]).replace("[key]", "")

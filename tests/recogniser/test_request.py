from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.clip import MAX_CHARS
from llmroute.errors import InputError
from llmroute.recogniser.request import Request, has_code, has_json, read_request


def test_the_last_user_turn_is_what_is_asked() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Sum this up."},
        {"role": "assistant", "content": "…"},
    ]
    assert read_request(messages) == Request("Sum this up.", "Be brief.")


def test_content_parts_are_read_for_their_text_alone() -> None:
    parts = [
        {"type": "text", "text": "What is on this picture?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_text", "text": "In one word."},
    ]
    assert read_request([{"role": "user", "content": parts}]).text == (
        "What is on this picture?\nIn one word."
    )


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "Be brief."}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
    ],
)
def test_a_request_without_a_users_text_asks_nothing(messages: list[dict[str, Any]]) -> None:
    assert read_request(messages).text == ""


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (7, "not int"),
        (b"hi", "not bytes"),
        ([{"content": "hi"}], "message 1 has no role"),
        ([{"role": "user", "content": "a"}, "b"], "message 2 has no role"),
        ([{"role": "user", "content": 3}], "the content of message 1"),
        ([{"role": "user", "content": [3]}], "a content part of message 1"),
    ],
)
def test_a_malformed_request_says_what_is_wrong(request_: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_request(request_)


def test_of_a_long_text_only_its_ends_are_read() -> None:
    request = Request("start " + "x" * 1_000_000 + " finish")
    assert len(request.read) == MAX_CHARS
    assert request.read.startswith("start ")
    assert request.read.endswith(" finish")


@given(st.text(st.characters(codec=None)))
def test_whatever_is_read_can_be_written_as_utf_8(text: str) -> None:
    Request(text + "\ud800").read.encode()


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n```",
        "Fix:\ndef f(x):\n    return x\nimport os",
        "const a = 1;\nlet b = 2;",
        "SELECT a FROM t\nSELECT b FROM t",
        "<div>\n<p>hello</p>",
    ],
)
def test_code_is_seen(text: str) -> None:
    assert has_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "How many eggs are left?",
        "for the team: please\nreturn this; it is broken, said Ann.",
        '```json\n{"a": 1}\n```',
        "From: Ann\nTo: Ben\nimport of goods, as agreed.\nDear Ben,",
        "a | b\n1 | 2",
    ],
)
def test_prose_is_no_code(text: str) -> None:
    assert not has_code(text)


def test_json_is_seen_where_it_has_some_size() -> None:
    assert has_json('Here: {"name": "Ann", "age": 3}. Thanks')
    assert not has_json("see [1], and {x} in the template")

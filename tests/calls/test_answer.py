from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llmroute.calls.answer import read_answer, read_usage
from llmroute.errors import CallError
from llmroute.records import Completion, Usage

NAMES = st.sampled_from(
    [
        "choices",
        "message",
        "content",
        "finish_reason",
        "usage",
        "error",
        "code",
        "refusal",
        "model",
        "cost",
        "text",
        "prompt_tokens",
        "completion_tokens",
        "prompt_tokens_details",
        "cached_tokens",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


def read(body: bytes) -> Completion | CallError:
    try:
        return read_answer(body, key="k", where="here", latency_s=0.1)
    except CallError as error:
        return error


@given(JSON | st.builds(lambda message: {"choices": [{"message": message}]}, JSON))
def test_any_json_is_a_completion_or_a_call_error(value: Any) -> None:
    result = read(json.dumps(value).encode())
    if isinstance(result, Completion):
        assert isinstance(result.output, str)
    else:
        assert result.where == "here"


@given(st.binary(max_size=200))
def test_any_bytes_are_no_answer(body: bytes) -> None:
    assert getattr(read(body), "kind", None) == "malformed_answer"


def test_nesting_deeper_than_the_stack_is_malformed() -> None:
    assert getattr(read(b"[" * 200_000), "kind", None) == "malformed_answer"


@given(JSON)
def test_counts_are_whole_and_not_negative_or_unknown(value: Any) -> None:
    usage = read_usage(value)
    for count in (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens):
        assert count is None or (type(count) is int and count >= 0)


def test_true_is_not_one_token() -> None:
    assert read_usage({"prompt_tokens": True, "completion_tokens": 2.0}) == Usage(None, 2)


def test_deepseeks_cache_hits_are_cached_tokens() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8}
    assert read_usage(usage) == Usage(9, 1, 8)

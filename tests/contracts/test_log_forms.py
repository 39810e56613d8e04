"""Every log form knows its own entries, leaves others, and keeps the entry for named fields."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.errors import LogFormatError
from llmroute.logs import LOG_FORMS, LogForm

SAMPLES: dict[str, dict[str, Any]] = {
    "litellm": {"request_id": "r", "spend": 0.1, "model": "m", "call_type": "acompletion"},
    "llmroute": {"model": "m", "prompt": "p"},
    "openai": {"custom_id": "c", "body": {"model": "m", "messages": []}},
}


@pytest.fixture(params=LOG_FORMS.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def form(name: str) -> LogForm:
    built: LogForm = LOG_FORMS.build(name, {})
    return built


def test_it_is_described_by_its_name(name: str, form: LogForm) -> None:
    assert form.described.startswith(f"{name}: ")


def test_it_recognises_its_own_entries_only(name: str, form: LogForm) -> None:
    assert [other for other, entry in SAMPLES.items() if form.recognises(entry)] == [name]
    assert not form.recognises({})
    assert not form.recognises({"id": "1", "task": "t", "models": {}})


def test_it_says_where_and_which_model_and_keeps_the_entry(name: str, form: LogForm) -> None:
    entry = {**SAMPLES[name], "arm": "control"}
    found = form.read(entry, "log:3")
    assert (found.where, found.models, found.raw) == ("log:3", ("m",), entry)


def test_what_is_missing_is_none_and_not_zero(name: str, form: LogForm) -> None:
    found = form.read(SAMPLES[name], "log:3")
    counts = (found.usage.input_tokens, found.usage.output_tokens, found.latency_s, found.time_s)
    assert counts == (None, None, None, None)


ANSWERED: dict[str, dict[str, Any]] = {
    "litellm": {"response": '{"choices": [{"message": {"content": "Four."}}]}'},
    "llmroute": {"answer": "Four."},
    "openai": {"response": {"body": {"choices": [{"message": {"content": "Four."}}]}}},
}


def test_the_answers_text_is_found_where_it_is_kept(name: str, form: LogForm) -> None:
    assert form.answer({**SAMPLES[name], **ANSWERED[name]}) == "Four."
    assert form.answer(SAMPLES[name]) is None
    assert form.answer({**SAMPLES[name], "response": "{}", "answer": 3}) is None


@pytest.mark.parametrize("field", ["prompt_tokens", "completion_tokens"])
def test_negative_tokens_are_refused_with_their_place(name: str, form: LogForm, field: str) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, field: -5}
    entry = {**SAMPLES[name], **usage}
    if name == "openai":
        entry = {**SAMPLES[name], "response": {"status_code": 200, "body": {"usage": usage}}}
    with pytest.raises(LogFormatError, match="-5, not a whole number") as caught:
        form.read(entry, "log:3")
    assert caught.value.where == "log:3"

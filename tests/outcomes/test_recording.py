from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.errors import LogFormatError
from llmroute.outcomes import read_recording, write_recording
from llmroute.outcomes.recording import recorded_answers
from llmroute.records import Call, Candidate, Completion, Price, Usage

MINIMAL = {"sample_id": "q1", "candidate": "m", "output": "4"}


@pytest.fixture
def read(tmp_path):
    def read(*lines):
        path = tmp_path / "r.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return read_recording(path)

    return read


def test_three_fields_are_enough_and_stand_for_any_suite(read):
    assert read(MINIMAL) == {("", "q1", "m", 0): Completion("", "4")}


def test_every_field_is_read(read):
    full = {
        **MINIMAL,
        "suite": "gsm",
        "repeat": 2,
        "input_tokens": 12,
        "output_tokens": 3,
        "cached_input_tokens": 4,
        "reasoning_tokens": 1,
        "cost_usd": 0.002,
        "latency_s": 0.25,
        "busy_s": 0.5,
        "finish_reason": "stop",
        "model_returned": "m-1",
        "note": "passed over",
    }
    assert read(full) == {
        ("gsm", "q1", "m", 2): Completion(
            "", "4", Usage(12, 3, 4, 1), "stop", 0.25, 0.5, 0.002, "m-1"
        )
    }


def test_nulls_are_what_was_not_said(read):
    line = {**MINIMAL, "suite": None, "repeat": None, "input_tokens": None, "cost_usd": None}
    assert read(line) == read(MINIMAL)


def test_an_answer_of_null_was_not_answered(read):
    assert read({**MINIMAL, "output": None}) == {}


@pytest.mark.parametrize("name", ["sample_id", "candidate", "output"])
def test_a_line_without_what_it_needs_is_refused(read, name):
    line = {key: value for key, value in MINIMAL.items() if key != name}
    with pytest.raises(LogFormatError, match=rf"r\.jsonl:2: '{name}' is missing"):
        read({**MINIMAL, "sample_id": "q0"}, line)


@pytest.mark.parametrize(
    ("name", "value"),
    [("output", 4), ("repeat", -1), ("latency_s", "1 s"), ("cost_usd", float("nan"))],
)
def test_a_value_of_a_wrong_kind_is_refused_by_name(read, name, value):
    with pytest.raises(LogFormatError, match=rf"r\.jsonl:1: '{name}' is "):
        read({**MINIMAL, name: value})


def test_the_same_answer_twice_counts_once(read):
    assert len(read(MINIMAL, MINIMAL)) == 1


def test_two_answers_to_one_call_name_both_lines(read):
    with pytest.raises(LogFormatError, match=r"r\.jsonl:2: another answer .*r\.jsonl:1"):
        read(MINIMAL, {**MINIMAL, "output": "5"})


def test_samples_that_ask_the_same_each_get_the_answer_at_its_price():
    candidate = Candidate("m", "openai/m", price=Price(1.0, 5.0))
    one, twin, other = (
        Call(key, "s", "t", sample_id, candidate, (), "", {})
        for key, sample_id in (("k", "a"), ("k", "b"), ("unanswered", "c"))
    )
    answer = Completion("k", "4", Usage(1000, 200))
    recorded = recorded_answers([one, twin, other], {"k": answer})
    assert list(recorded) == [("s", "a", "m", 0), ("s", "b", "m", 0)]
    assert {found.recorded_cost_usd for found in recorded.values()} == {0.002}


def test_a_recording_is_written_in_the_order_of_its_keys(tmp_path):
    answers = {("s", name, "m", 0): Completion("k", name, created_s=1.0) for name in "ba"}
    write_recording(tmp_path / "r.jsonl", answers)
    assert (tmp_path / "r.jsonl").read_text() == (
        '{"suite": "s", "sample_id": "a", "candidate": "m", "repeat": 0, "output": "a", '
        '"input_tokens": null, "output_tokens": null, "cost_usd": null, "latency_s": null, '
        '"finish_reason": null}\n'
        '{"suite": "s", "sample_id": "b", "candidate": "m", "repeat": 0, "output": "b", '
        '"input_tokens": null, "output_tokens": null, "cost_usd": null, "latency_s": null, '
        '"finish_reason": null}\n'
    )


TEXT = st.text(st.characters(codec=None), max_size=6)
NAMES = st.text(st.characters(codec=None), min_size=1, max_size=6)
COUNTS = st.none() | st.integers(0, 2**53)
AMOUNTS = st.none() | st.floats(0, 1e9)
ANSWERS = st.builds(
    Completion,
    key=st.just(""),
    output=TEXT,
    usage=st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS),
    finish_reason=st.none() | TEXT,
    latency_s=AMOUNTS,
    busy_s=AMOUNTS,
    recorded_cost_usd=AMOUNTS,
    model_returned=st.none() | TEXT,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("recordings")


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.tuples(TEXT, NAMES, NAMES, st.integers(0, 9)), ANSWERS, max_size=3),
    st.sampled_from(["r.jsonl", "r.jsonl.gz"]),
)
def test_every_recording_survives_the_file(folder, answers, name):
    write_recording(folder / name, answers)
    assert read_recording(folder / name) == answers

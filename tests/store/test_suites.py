from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.errors import StoreError
from llmroute.records import (
    Criterion,
    Example,
    JudgeUse,
    Level,
    Match,
    Message,
    Plugin,
    QualityThreshold,
    Rubric,
    Sample,
    Suite,
)
from llmroute.store import StoreReader, StoreWriter, suite_hash
from llmroute.store.suites import suite_from_json, suite_hash_and_text, suite_to_json

TEXT = st.text(st.characters(codec=None), max_size=8)
WORDS = st.lists(TEXT, max_size=2).map(tuple)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PARAMS = st.dictionaries(TEXT, JSON, max_size=2)
PLUGINS = st.lists(st.builds(Plugin, TEXT, PARAMS, FLOATS), max_size=2).map(tuple)
MESSAGES = st.lists(st.builds(Message, TEXT, TEXT), min_size=1, max_size=2).map(tuple)
SAMPLES = st.builds(
    Sample,
    id=TEXT,
    input=TEXT | MESSAGES,
    target=JSON,
    fields=PARAMS,
    tags=WORDS,
    difficulty=st.none() | TEXT,
    weight=FLOATS,
    group=st.none() | TEXT,
)
LEVELS = st.lists(st.builds(Level, TEXT, FLOATS, TEXT), min_size=2, max_size=3).map(tuple)
CRITERIA = st.lists(st.builds(Criterion, TEXT, TEXT, LEVELS), max_size=2).map(tuple)
RUBRICS = st.builds(Rubric, TEXT, CRITERIA, TEXT, fields=WORDS)
SUITES = st.builds(
    Suite,
    name=TEXT,
    task=TEXT,
    samples=st.lists(SAMPLES, max_size=2).map(tuple),
    description=TEXT,
    system=st.none() | TEXT,
    prompt=TEXT,
    examples=st.lists(st.builds(Example, TEXT, TEXT), max_size=2).map(tuple),
    labels=WORDS,
    metrics=PLUGINS,
    judge=st.none() | st.builds(JudgeUse, RUBRICS, WORDS, PARAMS),
    extract=PLUGINS,
    checks=PLUGINS,
    quality_threshold=st.none()
    | st.builds(QualityThreshold, FLOATS, st.sampled_from([None, "reference", "best"])),
    weight=FLOATS,
    match=st.builds(Match, WORDS, WORDS, WORDS, WORDS),
    max_tokens=st.none() | st.integers(),
)

SMALL = Suite("gsm", "math", (Sample("q1", "2 + 2?", "4"),), metrics=(Plugin("numeric"),))


@settings(max_examples=150, deadline=None)
@given(SUITES)
def test_every_suite_survives_json(suite):
    back = suite_from_json(json.loads(suite_hash_and_text(suite)[1]))
    assert back == suite
    assert suite_hash_and_text(back)[1] == suite_hash_and_text(suite)[1]


def test_a_suite_survives_the_store(store_path):
    with StoreWriter.open(store_path) as writer:
        name = writer.put_suite(replace(SMALL, path=Path("suites/gsm.yaml")))
        assert writer.put_suite(SMALL) == name
    with StoreReader.open(store_path) as reader:
        assert reader.suite(name) == SMALL
        assert reader.suite("00" * 32) is None
        assert reader.stats().suites == 1


def test_where_a_suite_was_read_from_is_no_part_of_its_hash():
    assert suite_hash(replace(SMALL, path=Path("a.yaml"))) == suite_hash(SMALL)


@pytest.mark.parametrize(
    "changed",
    [
        replace(SMALL, prompt="Answer: {{ input }}"),
        replace(SMALL, samples=(Sample("q1", "2 + 2?", "5"),)),
        replace(SMALL, samples=(Sample("q1", "2 + 2?", 4),)),
        replace(SMALL, metrics=(Plugin("numeric", {"tolerance": 0.1}),)),
        replace(SMALL, max_tokens=64),
    ],
)
def test_any_change_of_content_changes_the_hash(changed):
    assert suite_hash(changed) != suite_hash(SMALL)


def test_the_hash_of_a_suite_stays_the_same_over_versions():
    assert suite_to_json(SMALL) == {
        "name": "gsm",
        "task": "math",
        "samples": [{"id": "q1", "input": "2 + 2?", "target": "4"}],
        "metrics": [{"name": "numeric"}],
    }
    assert suite_hash(SMALL) == ("c18d89091a2ce5b521673da5b67ba76a28302caf2e5c15cd5a89873526e567fb")


def test_a_suite_of_a_later_version_says_so():
    with pytest.raises(StoreError, match="written by another version"):
        suite_from_json({**suite_to_json(SMALL), "temperature_of_the_sun": 5772})

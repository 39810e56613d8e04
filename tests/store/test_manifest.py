from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from llmroute.errors import StoreError
from llmroute.records import Candidate, Limits, Price
from llmroute.store import (
    RunManifest,
    StoreReader,
    StoreWriter,
    candidate_from_json,
    candidate_to_json,
    installed_versions,
    new_run_id,
    utc_text,
)

CANDIDATE = Candidate(
    name="haiku",
    model="anthropic/claude-haiku-4-5",
    params={"temperature": 0, "max_tokens": 512},
    price=Price(1.0, 5.0, 0.1, source="override"),
    limits=Limits(rpm=1000, timeout_s=30.0),
    api_base="http://127.0.0.1:8000/v1",
    adapter="direct",
    tags=("fast", "eu"),
)

MANIFEST = RunManifest(
    run_id="20261122T074501-3f9a2c",
    started="2026-11-22T07:45:01Z",
    config={"seed": 0, "quality": {"threshold": 0.85}},
    suites={"gsm": "ab" * 32},
    candidates={"haiku": candidate_to_json(CANDIDATE)},
    endpoints={"haiku": "http://127.0.0.1:8000/v1"},
    versions={"llmroute": "1.0"},
    prices={"litellm": {"date": "2026-11-01"}},
    seed=7,
    repeats=3,
    strategy="race",
    selection={"limit": 20},
)


def test_a_manifest_survives_json():
    assert RunManifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_a_candidate_survives_the_manifest():
    assert candidate_from_json("haiku", candidate_to_json(CANDIDATE)) == CANDIDATE
    assert RunManifest.from_json(MANIFEST.to_json()).candidate_records == (CANDIDATE,)


def test_an_unpriced_candidate_stays_unpriced():
    plain = Candidate("m", "openai/m")
    assert candidate_from_json("m", json.loads(json.dumps(candidate_to_json(plain)))) == plain


def test_a_manifest_holds_no_key_wherever_it_was_put():
    candidate = Candidate(
        "m",
        "openai/m",
        params={"extra_headers": {"Authorization": "Bearer sk-canary"}, "api_key": "sk-canary"},
        api_key="sk-canary",
        api_base="https://user:sk-canary@models.example/v1?api_key=sk-canary",
        recording=Path("/home/canary/answers.jsonl"),
    )
    manifest = RunManifest(
        "id",
        "2026-11-22T07:45:01Z",
        config={"candidates": [{"model": "m", "api_key": "sk-canary", "auth_token": "canary"}]},
        candidates={"m": candidate_to_json(candidate)},
    )
    assert "canary" not in manifest.to_json()
    assert manifest.candidates["m"]["api_base"] == "https://models.example/v1"


@pytest.mark.parametrize("text", ["", "[1]", '{"started": "x"}', '{"hue": 1}', "null"])
def test_a_manifest_of_another_version_says_so(text):
    with pytest.raises(StoreError, match="manifest cannot be read"):
        RunManifest.from_json(text)


def test_run_ids_sort_by_time_in_any_zone():
    early = datetime(2026, 11, 22, 8, 45, 1, tzinfo=timezone(timedelta(hours=1)))
    late = datetime(2026, 11, 22, 7, 45, 2, tzinfo=UTC)
    assert new_run_id(early, {}).startswith("20261122T074501-")
    assert new_run_id(early, {}) < new_run_id(late, {})


def test_two_runs_of_one_second_have_two_ids():
    moment = datetime(2026, 11, 22, 7, 45, 1, tzinfo=UTC)
    assert new_run_id(moment, {}) != new_run_id(moment + timedelta(milliseconds=1), {})


def test_versions_are_read_without_importing_anything():
    before = set(sys.modules)
    versions = installed_versions()
    assert {"python", "llmroute", "litellm"} <= versions.keys()
    assert "litellm" not in set(sys.modules) - before


def test_the_last_run_is_the_one_started_last(store_path):
    moments = [datetime(2026, 11, 22, 7, second, tzinfo=UTC) for second in (3, 1, 2)]
    with StoreWriter.open(store_path) as writer:
        for moment in moments:
            writer.start_run(RunManifest(new_run_id(moment, {}), utc_text(moment)))
    with StoreReader.open(store_path) as reader:
        assert [run.started[11:16] for run in reader.runs()] == ["07:01", "07:02", "07:03"]
        assert reader.last_run() == reader.runs()[-1]


def test_a_run_says_how_and_when_it_ended(store_path):
    with StoreWriter.open(store_path) as writer:
        writer.start_run(MANIFEST)
        with StoreReader.open(store_path) as reader:
            assert reader.last_run() == MANIFEST
        writer.finish_run(MANIFEST.run_id, "budget_spent", "2026-11-22T07:46:00Z")
    with StoreReader.open(store_path) as reader:
        run = reader.run(MANIFEST.run_id)
    assert (run.state, run.finished) == ("budget_spent", "2026-11-22T07:46:00Z")
    assert run.candidates == MANIFEST.candidates


def test_a_store_without_runs_has_no_last_one(store_path):
    StoreWriter.open(store_path).close()
    with StoreReader.open(store_path) as reader:
        assert reader.last_run() is None
        assert reader.run("20261122T074501-3f9a2c") is None


def test_the_last_of_two_runs_of_one_second_is_the_one_started_last(store_path):
    with StoreWriter.open(store_path) as writer:
        for run_id in ("20261122T074501-ffffff", "20261122T074501-000000"):
            writer.start_run(RunManifest(run_id, "2026-11-22T07:45:01Z"))
        writer.finish_run("20261122T074501-ffffff", "finished", "2026-11-22T07:45:02Z")
    with StoreReader.open(store_path) as reader:
        assert reader.last_run().run_id == "20261122T074501-000000"
        assert [run.run_id[-6:] for run in reader.runs()] == ["ffffff", "000000"]

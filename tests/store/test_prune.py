from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from llmroute.errors import StoreError
from llmroute.records import Completion, Failure, Score
from llmroute.store import Removed, RunManifest, StoreReader, StoreWriter

NOTHING = Removed(answers=0, failures=0, attempts=0, scores=0, requests=0, suites=0, runs=0)


@pytest.fixture
def filled(store_path, make_call):
    """Answers a and b to one prompt and c to another, a failed d; two runs."""
    calls = {name: make_call(name, "one") for name in "ab"}
    calls |= {"c": make_call("c", "two", "openai/other"), "d": make_call("d", "three")}
    with StoreWriter.open(store_path) as writer:
        for name in "abc":
            call = calls[name]
            writer.put_answer(call, Completion(call.key, name, finish_reason=f"why {name}"))
            writer.put_scores([(call.key, "exact", Score(1.0))])
        failure = Failure(calls["d"].key, "server_error", "down", 500)
        writer.put_attempt(calls["d"], failure)
        writer.put_failure(calls["d"], failure)
        for number in (1, 2):
            writer.start_run(RunManifest(f"run{number}", f"2026-11-2{number}T00:00:00Z"))
    return calls


def words(path):
    with closing(sqlite3.connect(path)) as connection:
        return {text for (text,) in connection.execute("SELECT text FROM words")}


def test_pruned_calls_go_with_all_that_only_they_used(store_path, filled):
    keys = [filled["c"].key, filled["d"].key]
    with StoreWriter.open(store_path) as writer:
        removed = writer.prune(keys, ["run1"])
    assert removed == Removed(
        answers=1, failures=1, attempts=1, scores=1, requests=1, suites=0, runs=1
    )
    with StoreReader.open(store_path) as reader:
        assert reader.answered(call.key for call in filled.values()) == {
            filled["a"].key,
            filled["b"].key,
        }
        assert reader.messages(filled["c"].messages_digest) is None
        assert reader.messages(filled["a"].messages_digest) is not None
        assert [run.run_id for run in reader.runs()] == ["run2"]
        assert reader.damage() == ()
    assert words(store_path) == {"openai/m", "exact", "why a", "why b"}


def test_a_prompt_another_answer_shares_stays(store_path, filled):
    with StoreWriter.open(store_path) as writer:
        assert writer.prune([filled["a"].key]).requests == 0
    with StoreReader.open(store_path) as reader:
        assert next(reader.completions([filled["b"].key])).output == "b"


def test_a_rehearsal_counts_and_deletes_nothing(store_path, filled):
    keys = [call.key for call in filled.values()]
    with StoreWriter.open(store_path) as writer:
        rehearsed = writer.prune(keys, ["run1", "run2"], rehearse=True)
        with StoreReader.open(store_path) as reader:
            assert reader.stats().answers == 3
            assert len(reader.runs()) == 2
        assert writer.prune(keys, ["run1", "run2"]) == rehearsed
    with StoreReader.open(store_path) as reader:
        assert reader.stats().answers == 0


def test_unknown_keys_and_runs_are_nothing_to_delete(store_path, filled, make_call):
    with StoreWriter.open(store_path) as writer:
        assert writer.prune([make_call("stranger").key], ["run9"], ["feed"]) == NOTHING
        assert not NOTHING


def test_pruned_answers_can_be_stored_anew_by_the_same_writer(store_path, filled):
    call = filled["c"]
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "old", finish_reason="why c"))
        writer.prune([call.key])
        writer.put_answer(call, Completion(call.key, "new", finish_reason="why c"))
    with StoreReader.open(store_path) as reader:
        (answer,) = reader.completions([call.key])
        assert (answer.output, answer.finish_reason) == ("new", "why c")
        assert reader.stats().answers_by_model == {"openai/m": 2, "openai/other": 1}


def test_the_room_of_what_was_deleted_is_given_back(store_path, make_call):
    calls = [make_call(str(n), f"prompt {n}") for n in range(400)]
    with StoreWriter.open(store_path) as writer:
        for call in calls:
            writer.put_answer(call, Completion(call.key, "x" * 2000))
    before = store_path.stat().st_size
    with StoreWriter.open(store_path) as writer:
        writer.prune([call.key for call in calls[:360]])
    assert store_path.stat().st_size < before / 4


def test_a_prune_that_fails_deletes_nothing(store_path, filled):
    with StoreWriter.open(store_path) as writer:
        writer._connection.execute(
            "CREATE TRIGGER no BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        with pytest.raises(StoreError, match="no"):
            writer.prune([call.key for call in filled.values()], ["run1"])
        with StoreReader.open(store_path) as reader:
            assert reader.stats().answers == 3

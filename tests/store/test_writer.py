from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from llmroute.errors import StoreError
from llmroute.records import Completion, Failure, Score, Usage
from llmroute.store import StoreReader, StoreWriter
from llmroute.store.writer import FLUSH_ROWS


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def failure(call, kind="timed_out", **fields):
    return Failure(call.key, kind, "no answer within 120 s", **fields)


def test_a_stored_answer_comes_back_as_it_was(store_path, make_call):
    call = make_call("a")
    answer = Completion(
        call.key,
        "four",
        Usage(12, 3, 4, 1),
        finish_reason="stop",
        latency_s=0.25,
        busy_s=0.5,
        recorded_cost_usd=0.002,
        model_returned="m-2026-11",
        attempts=2,
        created_s=1795333501.25,
    )
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, answer)
    with StoreReader.open(store_path) as reader:
        assert list(reader.completions([call.key])) == [answer]


def test_what_an_endpoint_did_not_say_stays_unsaid(store_path, make_call):
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, ""))
    with StoreReader.open(store_path) as reader:
        assert list(reader.completions([call.key])) == [Completion(call.key, "")]


def test_hostile_output_survives_the_disk(store_path, make_call):
    call = make_call("a")
    output = "nul \0, half a pair \ud800, ESC \x1b[2J, '); DROP TABLE answers; --"
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, output, finish_reason="\udfff"))
    with StoreReader.open(store_path) as reader:
        (back,) = reader.completions([call.key])
    assert (back.output, back.finish_reason) == (output, "\udfff")


def test_a_token_count_beyond_64_bits_counts_as_not_said(store_path, make_call):
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "x", Usage(10**30, 5)))
    with StoreReader.open(store_path) as reader:
        assert next(reader.completions([call.key])).usage == Usage(None, 5)


def test_a_prompt_is_stored_once_however_many_candidates_answer_it(store_path, make_call):
    calls = [make_call("a", "2 + 2?"), make_call("b", "2 + 2?"), make_call("c", "3 + 3?")]
    with StoreWriter.open(store_path) as writer:
        for call in calls:
            writer.put_answer(call, Completion(call.key, "4"))
    with StoreReader.open(store_path) as reader:
        assert reader.stats().requests == 2
        assert reader.messages(calls[0].messages_digest) == calls[1].messages


def test_an_answer_replaces_the_failure_before_it(store_path, make_call):
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_failure(call, failure(call))
        writer.flush()
        writer.put_answer(call, Completion(call.key, "late"))
    with StoreReader.open(store_path) as reader:
        assert reader.failures([call.key]) == {}
        assert reader.answered([call.key]) == {call.key}


def test_a_failure_never_displaces_an_answer(store_path, make_call):
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "paid for"))
        writer.put_failure(call, failure(call))
    with StoreReader.open(store_path) as reader:
        assert reader.failures([call.key]) == {}
        assert next(reader.completions([call.key])).output == "paid for"


def test_the_last_failure_stands_and_every_attempt_is_kept(store_path, make_call):
    call = make_call("a")
    first = failure(call, "rate_limited", status=429, created_s=1.0)
    last = failure(call, "server_error", status=503, latency_s=0.5, attempts=2, created_s=2.0)
    with StoreWriter.open(store_path) as writer:
        for one in (first, last):
            writer.put_attempt(call, one)
            writer.put_failure(call, one)
    with StoreReader.open(store_path) as reader:
        assert reader.failures([call.key]) == {call.key: last}
        attempts = [(one.kind, one.status, one.created_s) for one in reader.attempts([call.key])]
    assert attempts == [("rate_limited", 429, 1.0), ("server_error", 503, 2.0)]


def test_asking_again_replaces_the_answer_and_drops_its_scores(store_path, make_call):
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "old"))
        writer.put_scores([(call.key, "exact", Score(1.0, "old"))])
        writer.put_answer(call, Completion(call.key, "new"))
    with StoreReader.open(store_path) as reader:
        assert next(reader.completions([call.key])).output == "new"
        assert reader.scores([(call.key, "exact")]) == {}


def test_scores_come_back_with_prediction_parts_and_reason(store_path, make_call):
    call = make_call("a")
    scores = {
        (call.key, "exact"): Score(1.0, "the whole output"),
        (call.key, "rouge"): Score(0.5, "1", {"rouge_l": 0.5, "exact": 0.0}),
        (call.key, "judge"): Score(None, None, reason="not_scored: no verdict"),
    }
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "the whole output"))
        writer.put_scores([(key, scorer, score) for (key, scorer), score in scores.items()])
    with StoreReader.open(store_path) as reader:
        assert reader.scores(scores) == scores
        assert reader.scores([(call.key, "rouge")]).keys() == {(call.key, "rouge")}


def test_scoring_again_replaces_the_score(store_path, make_call):
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "x"))
        writer.put_scores([(call.key, "e", Score(0.0)), (call.key, "e", Score(1.0))])
    with StoreReader.open(store_path) as reader:
        assert reader.scores([(call.key, "e")]) == {(call.key, "e"): Score(1.0)}


def test_a_score_without_its_answer_is_not_kept(store_path, make_call):
    with StoreWriter.open(store_path) as writer:
        writer.put_scores([(make_call("a").key, "exact", Score(1.0))])
    with StoreReader.open(store_path) as reader:
        assert reader.stats().scores == 0


def test_a_full_buffer_is_flushed_by_itself(store_path, make_call):
    with StoreWriter.open(store_path, clock=Clock()) as writer:
        for number in range(FLUSH_ROWS - 1):
            call = make_call(str(number))
            writer.put_answer(call, Completion(call.key, "x"))
        assert writer.unflushed == FLUSH_ROWS - 1
        last = make_call("last")
        writer.put_answer(last, Completion(last.key, "x"))
        assert writer.unflushed == 0
        with StoreReader.open(store_path) as reader:
            assert reader.answered([last.key]) == {last.key}


def test_a_put_fifty_milliseconds_after_the_last_flush_flushes(store_path, make_call):
    clock = Clock()
    call = make_call("a")
    with StoreWriter.open(store_path, clock=clock) as writer:
        writer.put_answer(call, Completion(call.key, "x"))
        assert writer.unflushed == 1
        clock.now_s = 0.05
        writer.put_failure(make_call("b"), failure(make_call("b")))
        assert writer.unflushed == 0


def test_a_failed_flush_writes_nothing_and_can_be_repeated(store_path, make_call):
    calls = [make_call(str(number), f"prompt {number}") for number in range(100)]
    with StoreWriter.open(store_path, clock=Clock()) as writer:
        pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
        writer._connection.execute(f"PRAGMA max_page_count={pages + 2}")
        for call in calls:
            writer.put_answer(call, Completion(call.key, "x" * 1000))
        with pytest.raises(StoreError, match="full") as caught:
            writer.flush()
        assert "Free some disk space" in str(caught.value)
        assert writer.unflushed == 100
        with StoreReader.open(store_path) as reader:
            assert reader.stats().answers == 0
        writer._connection.execute("PRAGMA max_page_count=100000")
        writer.flush()
        with StoreReader.open(store_path) as reader:
            assert reader.answered([call.key for call in calls]) == {call.key for call in calls}
            assert reader.stats().requests == 100


def test_one_record_of_a_wrong_type_does_not_cost_the_others(store_path, make_call):
    good, bad = make_call("good"), make_call("bad")
    with StoreWriter.open(store_path, clock=Clock()) as writer:
        writer.put_answer(bad, replace(Completion(bad.key, "x"), finish_reason=["stop"]))
        writer.put_answer(good, Completion(good.key, "x"))
        with pytest.raises(ExceptionGroup):
            writer.flush()
        assert writer.unflushed == 0
    with StoreReader.open(store_path) as reader:
        assert reader.answered([good.key, bad.key]) == {good.key}


def test_putting_and_flushing_from_two_threads_loses_nothing(store_path, make_call):
    calls = [make_call(str(number)) for number in range(2000)]
    done = threading.Event()
    with StoreWriter.open(store_path) as writer:

        def flush():
            while not done.is_set():
                writer.flush()

        flusher = threading.Thread(target=flush)
        flusher.start()
        for call in calls:
            writer.put_answer(call, Completion(call.key, "x"))
        done.set()
        flusher.join()
    with StoreReader.open(store_path) as reader:
        assert reader.stats().answers == 2000


def test_the_store_is_readable_by_its_owner_only(store_path, make_call):
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "x"))
        writer.flush()
        modes = {file.name: file.stat().st_mode & 0o777 for file in store_path.parent.iterdir()}
    assert modes.keys() >= {"store.db", "store.db-wal", "store.db.lock"}
    assert set(modes.values()) == {0o600}


def test_five_thousand_answers_take_less_than_two_megabytes(store_path, make_call):
    with StoreWriter.open(store_path) as writer:
        for number in range(5000):
            call = make_call(str(number), f"What is {number} + {number}? " + "x" * 80)
            writer.put_answer(call, Completion(call.key, "y" * 60, Usage(30, 2), "stop", 0.051))
    assert store_path.stat().st_size < 2_000_000


def test_a_folder_that_may_not_be_written_to_is_named(open_folder, unprivileged):
    with unprivileged(), pytest.raises(StoreError) as caught:
        StoreWriter.open(open_folder / "deeper" / "store.db")
    assert "Permission denied" in str(caught.value)
    assert "write access" in str(caught.value)
    assert list(open_folder.iterdir()) == []


def test_another_programs_database_is_left_alone(store_path):
    with closing(sqlite3.connect(store_path)) as other:
        other.execute("CREATE TABLE notes (text)")
    before = store_path.read_bytes()
    with pytest.raises(StoreError, match="not a store of llmroute's"):
        StoreWriter.open(store_path)
    assert store_path.read_bytes() == before


def test_a_file_that_is_no_database_is_named_and_left_alone(store_path):
    store_path.write_text("dear diary, " * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        StoreWriter.open(store_path)
    assert str(store_path) in str(caught.value)
    assert store_path.read_text() == "dear diary, " * 100

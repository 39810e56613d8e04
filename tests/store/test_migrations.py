"""A store of every version there has been opens in this one.

For a new version: append its script to `MIGRATIONS`, and its builder to `BUILDERS`. A builder is
plain SQL, frozen as that version wrote it; it must not use the code of today.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing

import pytest

from llmroute.records import Completion, Failure, Message, Score, Usage
from llmroute.store import StoreReader, StoreWriter, salvage_store, verify_store
from llmroute.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

KEYS = {name: name * 64 for name in "abc"}
"""a is answered and scored, b failed, c is answered without scores."""
PROMPT = (Message("system", "Be brief."), Message("user", "naïve?"))

V1 = """
CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE requests (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, messages TEXT NOT NULL
);
CREATE TABLE calls (key BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE answers (
    call INTEGER PRIMARY KEY, request INTEGER NOT NULL, model INTEGER NOT NULL,
    repeat INTEGER NOT NULL, output TEXT NOT NULL, input_tokens INTEGER, output_tokens INTEGER,
    cached_input_tokens INTEGER, reasoning_tokens INTEGER, finish_reason INTEGER, latency_s REAL,
    busy_s REAL, recorded_cost_usd REAL, model_returned INTEGER, attempts INTEGER NOT NULL,
    created_s REAL NOT NULL
);
CREATE TABLE failures (
    call INTEGER PRIMARY KEY, kind INTEGER NOT NULL, message TEXT NOT NULL, status INTEGER,
    latency_s REAL, attempts INTEGER NOT NULL, created_s REAL NOT NULL
);
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, call INTEGER NOT NULL, kind INTEGER NOT NULL, status INTEGER,
    latency_s REAL, created_s REAL NOT NULL
);
CREATE TABLE scores (
    call INTEGER NOT NULL, scorer INTEGER NOT NULL, value REAL, prediction, parts TEXT,
    reason TEXT, PRIMARY KEY (call, scorer)
) WITHOUT ROWID;
CREATE TABLE suites (hash TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT, state TEXT NOT NULL,
    manifest TEXT NOT NULL
);
INSERT INTO words VALUES (1, 'openai/m'), (2, 'stop'), (3, 'm-2026-11'), (4, 'server_error'),
    (5, 'exact');
INSERT INTO requests VALUES (1, x'01', '[["system","Be brief."],["user","naïve?"]]');
INSERT INTO answers VALUES
    (1, 1, 1, 0, 'yes', 30, 2, 10, 1, 2, 0.5, NULL, NULL, 3, 2, 1795333501.25),
    (3, 1, 1, 1, x'62726f6b656e20eda080', NULL, NULL, NULL, NULL, NULL, NULL, 0.1, 0.002, NULL, 1,
     1795333502.0);
INSERT INTO failures VALUES (2, 4, 'down', 503, 0.25, 1, 1795333503.0);
INSERT INTO attempts VALUES (1, 2, 4, 503, 0.25, 1795333503.0);
INSERT INTO scores VALUES (1, 5, 1.0, 1, '{"exact":1.0}', NULL);
"""
MANIFEST = {
    "run_id": "20261122T074501-c2f3ee",
    "started": "2026-11-22T07:45:01Z",
    "state": "running",
    "suites": {"colours": "feed"},
    "candidates": {
        "m": {"model": "openai/m", "price": {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0}}
    },
    "endpoints": {"m": "http://127.0.0.1:8000/v1"},
}
SUITE = {"name": "colours", "task": "colours", "samples": [{"id": "s1", "input": "naïve?"}]}


def build_v1(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(V1)
        keys = [(bytes.fromhex(key), n) for n, key in enumerate(KEYS.values(), 1)]
        connection.executemany("INSERT INTO calls VALUES (?, ?)", keys)
        content = zlib.compress(json.dumps(SUITE).encode())
        connection.execute("INSERT INTO suites VALUES ('feed', ?)", (content,))
        run = (MANIFEST["run_id"], MANIFEST["started"], "2026-11-22T07:46:00Z", "finished")
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", (*run, json.dumps(MANIFEST)))
        connection.execute(f"PRAGMA application_id={0x6C6C6D72}")
        connection.execute("PRAGMA user_version=1")


BUILDERS = {1: build_v1}


@pytest.fixture(params=sorted(BUILDERS))
def old_store(request, store_path):
    BUILDERS[request.param](store_path)
    return store_path


def check_contents(path):
    with StoreReader.open(path) as reader:
        answers = {answer.key: answer for answer in reader.completions(KEYS.values())}
        assert answers == {
            KEYS["a"]: Completion(
                KEYS["a"],
                "yes",
                Usage(30, 2, 10, 1),
                "stop",
                0.5,
                model_returned="m-2026-11",
                attempts=2,
                created_s=1795333501.25,
            ),
            KEYS["c"]: Completion(
                KEYS["c"],
                "broken \ud800",
                busy_s=0.1,
                recorded_cost_usd=0.002,
                created_s=1795333502.0,
            ),
        }
        failure = Failure(KEYS["b"], "server_error", "down", 503, 0.25, 1, 1795333503.0)
        assert reader.failures(KEYS.values()) == {KEYS["b"]: failure}
        assert [one.status for one in reader.attempts(KEYS.values())] == [503]
        wanted = (KEYS["a"], "exact")
        assert reader.scores([wanted]) == {wanted: Score(1.0, "yes", {"exact": 1.0})}
        run = reader.last_run()
        assert (run.run_id, run.state) == ("20261122T074501-c2f3ee", "finished")
        assert run.candidate_records[0].price.output_usd_per_mtok == 2.0
        assert reader.suite("feed").samples[0].input == "naïve?"


def test_every_version_there_has_been_has_a_builder():
    assert sorted(BUILDERS) == list(range(1, SCHEMA_VERSION + 1))


def test_the_first_version_is_frozen():
    def tables(script):
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(script)
            names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master") if n]
            return {n: connection.execute(f"PRAGMA table_xinfo({n})").fetchall() for n in names}

    assert tables(V1) == tables(MIGRATIONS[0])
    assert APPLICATION_ID == 0x6C6C6D72


def test_an_old_store_is_read_whole(old_store):
    check_contents(old_store)


def test_an_old_store_takes_new_answers_and_keeps_a_copy_of_itself(old_store, make_call):
    before = old_store.read_bytes()
    new = make_call("new")
    with StoreWriter.open(old_store) as writer:
        version = int.from_bytes(before[60:64], "big")
        assert (writer.backup is None) == (version == SCHEMA_VERSION)
        if writer.backup is not None:
            assert writer.backup.name == f"store.db.v{version}.bak"
            check_contents(writer.backup)
        writer.put_answer(new, Completion(new.key, "x"))
    check_contents(old_store)
    with StoreReader.open(old_store) as reader:
        assert reader.answered([new.key]) == {new.key}


def test_an_old_store_is_verified_as_it_is_and_salvaged_into_this_version(old_store, tmp_path):
    before = old_store.read_bytes()
    assert verify_store(old_store).problems == ()
    salvage_store(old_store, tmp_path / "saved.db")
    assert old_store.read_bytes() == before
    check_contents(tmp_path / "saved.db")

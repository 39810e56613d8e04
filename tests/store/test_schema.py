from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from llmroute.errors import StoreTooNew
from llmroute.records import Completion
from llmroute.store import StoreReader, StoreWriter
from llmroute.store.schema import MIGRATIONS, SCHEMA_VERSION, bring_up_to_date, read_version

ADD_COLUMN = "ALTER TABLE runs ADD COLUMN note TEXT;"


@pytest.fixture
def answered(store_path, make_call):
    """A store of this version with one answer, and its call."""
    call = make_call("a")
    with StoreWriter.open(store_path) as writer:
        writer.put_answer(call, Completion(call.key, "x"))
    return call


def connect(path):
    return closing(sqlite3.connect(path, isolation_level=None))


def test_a_new_store_has_this_version(store_path):
    StoreWriter.open(store_path).close()
    with connect(store_path) as connection:
        assert read_version(connection, store_path) == SCHEMA_VERSION


def test_a_newer_store_is_refused_by_writer_and_reader_and_left_alone(store_path, answered):
    with connect(store_path) as connection:
        connection.execute("PRAGMA user_version=99")
    before = store_path.read_bytes()
    for opener in (StoreWriter, StoreReader):
        with pytest.raises(StoreTooNew, match="version 99") as caught:
            opener.open(store_path)
        assert "Upgrade llmroute" in str(caught.value)
        assert caught.value.exit_code == 2
    assert store_path.read_bytes() == before


def test_an_older_store_is_migrated_and_a_copy_kept(store_path, answered):
    with connect(store_path) as connection:
        backup = bring_up_to_date(connection, store_path, (*MIGRATIONS, ADD_COLUMN))
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
        assert connection.execute("SELECT note FROM runs").fetchall() == []
    assert backup == store_path.with_name(f"store.db.v{SCHEMA_VERSION}.bak")
    assert backup.stat().st_mode & 0o777 == 0o600
    with StoreReader.open(backup) as reader:
        assert reader.answered([answered.key]) == {answered.key}


def test_a_migration_that_fails_half_way_leaves_the_store_as_it_was(store_path, answered):
    broken = ADD_COLUMN + "INSERT INTO nowhere VALUES (1);"
    with connect(store_path) as connection:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            bring_up_to_date(connection, store_path, (*MIGRATIONS, broken))
        assert read_version(connection, store_path) == SCHEMA_VERSION
        columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
    assert "note" not in columns
    with StoreReader.open(store_path) as reader:
        assert reader.answered([answered.key]) == {answered.key}


def test_an_up_to_date_store_gets_no_copy(store_path, answered):
    with StoreWriter.open(store_path) as writer:
        assert writer.backup is None
    assert sorted(file.name for file in store_path.parent.iterdir()) == [
        "store.db",
        "store.db.lock",
    ]

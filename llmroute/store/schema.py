"""The store's tables, and how a store of an older version becomes one of this version.

The texts lie in tables that only ever grow at the end, which keeps their pages full; what is looked
up by content hash is a narrow table of its own (`calls`). With the 32-byte keys inside the rows, or
as the row's primary key, 100,000 answers took 25 and 47 % more room beyond their text. Words that
repeat (models, finish reasons, failure kinds, scorers) are stored once and referred to by number.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from llmroute.errors import StoreError, StoreTooNew

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID = 0x6C6C6D72
"""What makes an SQLite file ours: "llmr"."""

_V1 = """
CREATE TABLE words (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,   -- Call.messages_digest, 32 bytes
    messages TEXT NOT NULL         -- JSON: [[role, content], ...]
);
CREATE TABLE calls (               -- every call that was ever answered or failed
    key BLOB PRIMARY KEY,          -- Call.key, 32 bytes
    id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE answers (
    call INTEGER PRIMARY KEY,
    request INTEGER NOT NULL,      -- requests.id
    model INTEGER NOT NULL,        -- words.id: the model that was asked
    repeat INTEGER NOT NULL,
    output TEXT NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cached_input_tokens INTEGER,
    reasoning_tokens INTEGER,
    finish_reason INTEGER,         -- words.id
    latency_s REAL,
    busy_s REAL,
    recorded_cost_usd REAL,
    model_returned INTEGER,        -- words.id
    attempts INTEGER NOT NULL,
    created_s REAL NOT NULL        -- Unix time
);
CREATE TABLE failures (            -- the last failure of each call that has no answer
    call INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,         -- words.id
    message TEXT NOT NULL,
    status INTEGER,
    latency_s REAL,
    attempts INTEGER NOT NULL,
    created_s REAL NOT NULL
);
CREATE TABLE attempts (            -- every attempt that failed, retried or not
    id INTEGER PRIMARY KEY,
    call INTEGER NOT NULL,
    kind INTEGER NOT NULL,         -- words.id
    status INTEGER,
    latency_s REAL,
    created_s REAL NOT NULL
);
CREATE TABLE scores (
    call INTEGER NOT NULL,
    scorer INTEGER NOT NULL,       -- words.id: the scorer's key
    value REAL,
    prediction,                    -- text; 1: the whole output
    parts TEXT,                    -- JSON: metric -> value
    reason TEXT,
    PRIMARY KEY (call, scorer)
) WITHOUT ROWID;
CREATE TABLE suites (
    hash TEXT PRIMARY KEY,
    content BLOB NOT NULL          -- JSON, zlib
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY,           -- sorts by start
    started TEXT NOT NULL,         -- UTC, ISO 8601
    finished TEXT,
    state TEXT NOT NULL,
    manifest TEXT NOT NULL         -- JSON
);
"""

MIGRATIONS: tuple[str, ...] = (_V1,)
"""The n-th script brings a store from version n to n + 1; version 0 is an empty file."""

SCHEMA_VERSION = len(MIGRATIONS)

PAGE_BYTES = 8192
"""8 KiB keeps long answers in fuller pages than SQLite's 4 (20 % over the text against 26 %)."""


def read_version(connection: sqlite3.Connection, path: Path, newest: int = SCHEMA_VERSION) -> int:
    """The schema version of an open store, 0 for an empty file.

    Raises:
        StoreTooNew: a later llmroute wrote it.
        StoreError: it is an SQLite database of some other program.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application != APPLICATION_ID and not (is_empty and version == 0):
        raise StoreError(
            "this SQLite database is not a store of llmroute's",
            where=str(path),
            fix="Choose another path for the store; this file was left as it is.",
        )
    if version > newest:
        raise StoreTooNew(
            f"the store has version {version}, and this llmroute knows {newest} at most",
            where=str(path),
            fix="Upgrade llmroute (pip install -U llmroute), or choose another store.",
        )
    return version


def bring_up_to_date(
    connection: sqlite3.Connection, path: Path, migrations: tuple[str, ...] = MIGRATIONS
) -> Path | None:
    """Run the migrations a store lacks, each whole or not at all.

    Returns:
        The copy that was made of an older store first; None where nothing had to be kept.
    """
    version = read_version(connection, path, len(migrations))
    if version == len(migrations):
        return None
    backup = _back_up(connection, path, version) if version else None
    for number in range(version, len(migrations)):
        stamp = f"PRAGMA application_id={APPLICATION_ID};PRAGMA user_version={number + 1};"
        try:
            connection.executescript(f"BEGIN IMMEDIATE;{migrations[number]}{stamp}COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return backup


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    backup = path.with_name(f"{path.name}.v{version}.bak")
    backup.touch(mode=0o600)
    with closing(sqlite3.connect(backup)) as copy:
        connection.backup(copy)
    return backup

"""A store file, whole or damaged → what of it can be read, and a new store of just that.

SQLite stops at the first damaged page it meets. Here every table is read in ranges that are halved
until only the rows on damaged pages are left out.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from json import loads
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llmroute.errors import ConfigError, StoreError
from llmroute.store import schema
from llmroute.store.faults import store_faults
from llmroute.store.manifest import RunManifest
from llmroute.store.reader import open_read_only
from llmroute.store.suites import suite_from_json
from llmroute.store.writer import StoreWriter

STEP = 512
"""Rows read by one statement."""
GIVE_UP = 4096
"""Unreadable rows in a row, where the table's end is unknown, after which it counts as reached."""
FINDINGS = 20
"""Of SQLite's own findings, how many are listed."""

_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TableHealth:
    """What of a table can be read."""

    name: str
    readable: int
    lost: int | None
    """Rows on damaged pages; None: some, and how many cannot be told."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is wrong with a store, and what can be saved of it."""

    problems: tuple[str, ...]
    """Empty where all is well."""
    tables: tuple[TableHealth, ...]
    """Empty where not even the list of tables can be read."""

    @property
    def answers(self) -> int:
        """Answers that can be saved, with their keys."""
        return next((table.readable for table in self.tables if table.name == "answers"), 0)


def verify_store(path: Path | str) -> Health:
    """What is wrong with the store, which stays as it is: it is opened for reading only.

    Raises:
        StoreError: there is none, or it is another program's.
        StoreTooNew: a later llmroute wrote it.
    """
    path = _existing(path)
    try:
        with _readable(path) as connection, store_faults(path, "read"):
            schema.read_version(connection, path)
            problems = [*_cut_short(path), *_integrity(connection)]
            tables = tuple(_count(table) for table in _tables(connection))
            problems += _contents(connection) if not problems else []
    except StoreError as error:
        if not _is_damage(error):
            raise
        return Health((error.what,), ())
    return Health(tuple(problems), tables)


def salvage_store(path: Path | str, target: Path | str) -> Health:
    """Copy every row that can be read into a new store at `target`; returns what is wrong with it.

    Answers, failures and scores whose key is lost are left out: nobody could ask for them.

    Raises:
        ConfigError: `target` exists.
        StoreError: nothing can be read, or the new store cannot be written.
    """
    path, target = _existing(path), Path(target).absolute()
    if target.exists():
        raise ConfigError(
            "this file exists already",
            where=str(target),
            fix="Name a new file: what is saved goes into a store of its own.",
        )
    health = verify_store(path)
    with _readable(path) as source, store_faults(target, "written to"):
        version = schema.read_version(source, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute(f"PRAGMA page_size={schema.PAGE_BYTES}")
            schema.bring_up_to_date(copy, target, schema.MIGRATIONS[:version])
            copy.execute("BEGIN")
            for table in _tables(source):
                _copy(table, copy)
            copy.execute("COMMIT")
    StoreWriter.open(target, command="llmroute store verify").close()
    return health


class _Table:
    """A table that is read around its damaged pages."""

    def __init__(
        self, connection: sqlite3.Connection, name: str, ranged: str, wanted: Callable[[_Row], bool]
    ) -> None:
        self.name = name
        self.lost = 0
        self.has_known_end = True
        self._sql = connection
        self._ranged = ranged
        self._wanted = wanted
        self._streak = 0

    def rows(self) -> Iterator[_Row]:
        """Every readable row that is wanted; `lost` counts the others as it goes."""
        end = self._end()
        for start in range(1, end + 1, STEP):
            if not self.has_known_end and self._streak >= GIVE_UP:
                return
            yield from filter(self._wanted, self._between(start, min(start + STEP - 1, end)))

    def _between(self, first: int, last: int) -> Iterator[_Row]:
        try:
            found = self._read(first, last)
        except sqlite3.DatabaseError:
            if first == last:
                self.lost += 1
                self._streak += 1
                return
            middle = (first + last) // 2
            yield from self._between(first, middle)
            yield from self._between(middle + 1, last)
        else:
            self._streak = 0 if found else self._streak
            yield from found

    def _read(self, first: int, last: int) -> list[_Row]:
        return self._sql.execute(
            f"SELECT * FROM {self.name} WHERE {self._ranged} BETWEEN ? AND ?",  # noqa: S608
            (first, last),
        ).fetchall()

    def _end(self) -> int:
        try:
            (last,) = self._sql.execute(f"SELECT max({self._ranged}) FROM {self.name}").fetchone()  # noqa: S608
        except sqlite3.DatabaseError:
            self.has_known_end = False
            (pages,) = self._sql.execute("PRAGMA page_count").fetchone()
            return int(pages) * schema.PAGE_BYTES // 16
        return last or 0


class _Keys(_Table):
    """The table of keys, which are spread evenly: its ranges are of their first two bytes."""

    def _end(self) -> int:
        return 1 << 16

    def _read(self, first: int, last: int) -> list[_Row]:
        low, high = (first - 1).to_bytes(2, "big"), (last - 1).to_bytes(2, "big") + b"\xff" * 31
        return self._sql.execute(
            "SELECT * FROM calls WHERE key BETWEEN ? AND ?", (low, high)
        ).fetchall()


@contextmanager
def _readable(path: Path) -> Iterator[sqlite3.Connection]:
    """The store, or a copy filled up with zeros: SQLite reads nothing of a file that was cut."""
    if not _cut_short(path):
        with closing(open_read_only(path)) as connection:
            yield connection
        return
    with TemporaryDirectory(prefix="llmroute-") as folder:
        copy = Path(folder) / path.name
        for name in (path.name, f"{path.name}-wal"):
            if path.with_name(name).is_file():
                shutil.copyfile(path.with_name(name), copy.with_name(name))
        os.truncate(copy, _stated_bytes(path))
        with closing(open_read_only(copy)) as connection:
            yield connection


def _cut_short(path: Path) -> list[str]:
    size, stated = path.stat().st_size, _stated_bytes(path)
    if size >= stated:
        return []
    return [f"the file ends after {size:,} of {stated:,} bytes"]


def _stated_bytes(path: Path) -> int:
    """The size a database file states; see "The Database Header" of SQLite's file format."""
    with path.open("rb") as stream:
        header = stream.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        return 0
    page_bytes = int.from_bytes(header[16:18], "big")
    return (65536 if page_bytes == 1 else page_bytes) * int.from_bytes(header[28:32], "big")


def _tables(connection: sqlite3.Connection) -> Iterator[_Table]:
    """The store's tables, each read before the next is: what has no key is not wanted."""
    known: set[int] = set()

    def is_key(row: _Row) -> bool:
        known.add(row[1])
        return True

    yield _Keys(connection, "calls", "key", is_key)
    for name in ("words", "requests"):
        yield _Table(connection, name, "id", bool)
    for name, key in (("answers", 0), ("failures", 0), ("scores", 0), ("attempts", 1)):
        ranged = "id" if name == "attempts" else "call"
        yield _Table(connection, name, ranged, lambda row, at=key: row[at] in known)  # type: ignore[misc]
    for name in ("suites", "runs"):
        yield _Table(connection, name, "rowid", bool)


def _count(table: _Table) -> TableHealth:
    readable = sum(1 for _ in table.rows())
    return TableHealth(table.name, readable, table.lost if table.has_known_end else None)


def _copy(table: _Table, target: sqlite3.Connection) -> None:
    width = len(target.execute(f"PRAGMA table_info({table.name})").fetchall())
    marks = ",".join("?" * width)
    target.executemany(f"INSERT OR IGNORE INTO {table.name} VALUES ({marks})", table.rows())  # noqa: S608


def _integrity(connection: sqlite3.Connection) -> Iterator[str]:
    try:
        found = connection.execute(f"PRAGMA integrity_check({FINDINGS})").fetchall()
    except sqlite3.DatabaseError as error:
        yield str(error)
        return
    yield from (line for (text,) in found if text != "ok" for line in text.split("\n"))


def _contents(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds in order, and is not: runs, suites and references of ours."""
    problems = [
        *_unreadable(connection, "runs", "id, manifest", RunManifest.from_json),
        *_unreadable(connection, "suites", "hash, content", _read_suite),
    ]
    (number,) = connection.execute(_KEYLESS).fetchone()
    return [*problems, f"answers: {number:,} have lost their key"] if number else problems


def _unreadable(
    connection: sqlite3.Connection, table: str, columns: str, read: Callable[[Any], Any]
) -> Iterator[str]:
    for name, content in connection.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608
        try:
            read(content)
        except (StoreError, zlib.error, ValueError, TypeError) as error:
            yield f"{table}: {str(name)[:15]} cannot be read: {error}"


def _read_suite(content: bytes) -> Any:
    return suite_from_json(loads(zlib.decompress(content)))


def _existing(path: Path | str) -> Path:
    path = Path(path).absolute()
    if path.is_file():
        return path
    raise StoreError(
        "this is a folder, not a store" if path.is_dir() else "there is no store here",
        where=str(path),
        fix="Run 'llmroute bench' first, or name the folder it ran in.",
    )


def _is_damage(error: StoreError) -> bool:
    cause = error.__cause__
    name = getattr(cause, "sqlite_errorname", None) or ""
    return isinstance(cause, sqlite3.DatabaseError) and name.startswith(_DAMAGE)


_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR")
_KEYLESS = "SELECT count(*) FROM answers WHERE call NOT IN (SELECT id FROM calls)"

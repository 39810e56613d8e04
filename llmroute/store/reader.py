"""The store → what is already known. Any number of readers, beside the one writer."""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import dataclass, replace
from itertools import islice
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmroute.errors import StoreError
from llmroute.store import rows, schema
from llmroute.store.faults import store_faults
from llmroute.store.manifest import RunManifest
from llmroute.store.rows import from_stored
from llmroute.store.suites import suite_from_json
from llmroute.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from llmroute.records import Completion, Failure, Message, Score, Suite

CHUNK = 500
"""Keys looked up by one statement."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What a store holds, in numbers."""

    answers: int
    failures: int
    """Calls without an answer."""
    attempts: int
    """Failed attempts, of calls that were answered later too."""
    requests: int
    scores: int
    suites: int
    runs: int
    size_bytes: int
    """The database and its write-ahead log."""
    answers_by_model: dict[str, int]


class StoreReader:
    """A store opened for reading; made by `StoreReader.open`, for one thread.

    It sees what has been flushed, also while a bench is writing.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """The store at `path`; one of an older version is migrated first, keeping a copy.

        Raises:
            StoreError: there is none, it is damaged, or another program's.
            StoreTooNew: a later llmroute wrote it.
            StoreBusy: it has to be migrated while a bench holds it.
        """
        path = Path(path).absolute()
        if not path.is_file():
            raise StoreError(
                "there is no store here",
                where=str(path),
                fix="Run 'llmroute bench' first, or name the folder it ran in.",
            )
        if cls._is_outdated(path):
            StoreWriter.open(path, command="llmroute (migration)").close()
        return cls(path, open_read_only(path))

    @staticmethod
    def _is_outdated(path: Path) -> bool:
        connection = open_read_only(path)
        try:
            with store_faults(path, "read"):
                return schema.read_version(connection, path) < schema.SCHEMA_VERSION
        finally:
            connection.close()

    def answered(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that have an answer."""
        found = self._by_key("SELECT c.key FROM calls c JOIN answers a ON a.call = c.id", keys)
        return {key for (key,) in found}

    def completions(self, keys: Iterable[str]) -> Iterator[Completion]:
        """The answers there are, in no particular order, a few hundred in memory at a time."""
        return map(rows.read_answer, self._by_key(rows.SELECT_ANSWERS, keys))

    def answers(self, keys: Iterable[str]) -> dict[str, Completion]:
        """key → answer, for those of the keys that have one, all in memory."""
        return {answer.key: answer for answer in self.completions(keys)}

    def failures(self, keys: Iterable[str]) -> dict[str, Failure]:
        """key → why there is no answer, for calls that failed and were not answered since."""
        failures = map(rows.read_failure, self._by_key(rows.SELECT_FAILURES, keys))
        return {failure.key: failure for failure in failures}

    def attempts(self, keys: Iterable[str]) -> Iterator[Failure]:
        """Every failed attempt of the calls, in the order they were made; without messages."""
        wanted = set(keys)
        found = ((key.hex(), *rest) for key, *rest in self._rows(rows.SELECT_ATTEMPTS))
        return (rows.read_failure(row) for row in found if row[0] in wanted)

    def scored(self, wanted: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of the (answer key, scorer key) pairs that have a value.

        What could not be scored is not among them: a checker may have been down, or a machine busy.
        """
        pairs = set(wanted)
        statement = (
            "SELECT c.key, w.text FROM calls c JOIN scores s ON s.call = c.id "
            "JOIN words w ON w.id = s.scorer AND s.value IS NOT NULL"
        )
        found = self._by_key(statement, {key for key, _ in pairs})
        return {(key, from_stored(scorer)) for key, scorer in found} & pairs

    def scores(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Score]:
        """(answer key, scorer key) → score, for those of the wanted pairs that were scored."""
        pairs = set(wanted)
        found = map(rows.read_score, self._by_key(rows.SELECT_SCORES, {key for key, _ in pairs}))
        return {pair: score for pair, score in found if pair in pairs}

    def messages(self, digest: str) -> tuple[Message, ...] | None:
        """The request whose `Call.messages_digest` this is, or None."""
        query = self._rows(
            "SELECT messages FROM requests WHERE digest = ?", (rows.key_blob(digest),)
        )
        found = next(query, None)
        return rows.read_messages(found[0]) if found else None

    def suite(self, content_hash: str) -> Suite | None:
        """The suite of this content hash, or None."""
        found = next(self._rows("SELECT content FROM suites WHERE hash = ?", (content_hash,)), None)
        if found is None:
            return None
        try:
            return suite_from_json(loads(zlib.decompress(found[0])))
        except (zlib.error, ValueError) as error:
            raise StoreError(
                f"the stored suite {content_hash[:12]} is damaged: {error}",
                where=str(self.path),
                fix="Run the bench again with its suite files: it stores them anew.",
            ) from error

    def runs(self) -> tuple[RunManifest, ...]:
        """All runs, the oldest first."""
        return tuple(
            replace(RunManifest.from_json(manifest), state=state, finished=finished)
            for manifest, state, finished in self._rows(f"{_RUNS} ORDER BY started, rowid")
        )

    def run(self, run_id: str) -> RunManifest | None:
        """The run of this id, or None."""
        return self._run(f"{_RUNS} WHERE id = ?", (run_id,))

    def last_run(self) -> RunManifest | None:
        """The run that was started last, or None where there was none."""
        return self._run(f"{_RUNS} ORDER BY started DESC, rowid DESC LIMIT 1", ())

    def stats(self) -> StoreStats:
        """How much of everything there is."""
        counts = next(self._rows(_COUNTS))
        by_model = self._rows(
            "SELECT w.text, count(*) FROM answers a JOIN words w ON w.id = a.model"
            " GROUP BY w.text ORDER BY w.text"
        )
        models = {rows.from_stored(model): number for model, number in by_model}
        numbers = dict(zip(_COUNTED, counts, strict=True))
        return StoreStats(**numbers, size_bytes=_size_bytes(self.path), answers_by_model=models)

    def damage(self) -> tuple[str, ...]:
        """What SQLite finds broken in the file, page by page; empty where all is well."""
        try:
            found = [row[0] for row in self._rows("PRAGMA integrity_check")]
        except StoreError as error:
            return (error.what,)
        return () if found == ["ok"] else tuple(found)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, statement: str, values: tuple[Any, ...]) -> RunManifest | None:
        found = next(self._rows(statement, values), None)
        if found is None:
            return None
        manifest, state, finished = found
        return replace(RunManifest.from_json(manifest), state=state, finished=finished)

    def _by_key(self, statement: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """Rows of a statement over `calls c`, for each of the keys that is there.

        The key in a row is the caller's own text: 100,000 copies would take 11 MB.
        """
        remaining = iter(dict.fromkeys(keys))
        while chunk := {rows.key_blob(key): key for key in islice(remaining, CHUNK)}:
            marks = ",".join("?" * len(chunk))
            for blob, *rest in self._rows(f"{statement} WHERE c.key IN ({marks})", chunk):
                yield chunk[blob], *rest

    def _rows(self, statement: str, values: Iterable[Any] = ()) -> Iterator[tuple[Any, ...]]:
        with store_faults(self.path, "read"):
            yield from self._connection.execute(statement, tuple(values))


_COUNTED = ("answers", "failures", "attempts", "requests", "scores", "suites", "runs")
_COUNTS = """SELECT (SELECT count(*) FROM answers), (SELECT count(*) FROM failures),
    (SELECT count(*) FROM attempts), (SELECT count(*) FROM requests),
    (SELECT count(*) FROM scores), (SELECT count(*) FROM suites), (SELECT count(*) FROM runs)"""
# Both ids and starts are of one second; rows are in the order they were put in.
_RUNS = "SELECT manifest, state, finished FROM runs"


def open_read_only(path: Path) -> sqlite3.Connection:
    """A read-only connection.

    In a folder that nobody may write to, SQLite cannot make the files beside a WAL database that
    even a reader needs; without a log there the database file is all there is.
    """
    with store_faults(path, "read"):
        try:
            return _probed(f"{path.as_uri()}?mode=ro")
        except sqlite3.OperationalError:
            if _wal(path).exists():
                raise
            return _probed(f"{path.as_uri()}?immutable=1")


def _probed(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA mmap_size=0")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, _wal(path)) if file.is_file())

"""Answers, failures, scores and runs → the store. One writer at a time, one connection.

What `put_*` takes is kept in memory until it is flushed: by itself every `FLUSH_ROWS` records or
`FLUSH_S` seconds, looked at on each put, or by `flush`. What has been flushed outlives the process,
however that ends. A flush is one transaction: all of it is there, or none, and then it is still
in memory and can be flushed again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmroute.store import schema
from llmroute.store.faults import store_faults
from llmroute.store.lock import RunLock, hold_lock
from llmroute.store.prune import Removed, remove
from llmroute.store.suites import suite_hash_and_text
from llmroute.store.tables import Tables

if TYPE_CHECKING:
    from types import TracebackType

    from llmroute.records import Call, Completion, Failure, Score, Suite
    from llmroute.store.manifest import RunManifest, RunState

FLUSH_ROWS = 256
FLUSH_S = 0.05

_Write = tuple[Callable[..., None], tuple[Any, ...]]
_WRONG_TYPE = (
    TypeError,
    ValueError,
    OverflowError,
    AttributeError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.IntegrityError,
)


class StoreWriter:
    """The open store; made by `StoreWriter.open`, closed by `close` or at the end of a `with`.

    `put_*` and `flush` may be called from different threads.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lock: RunLock,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.backup: Path | None = None
        """The copy of an older store that opening it has made."""
        self._connection = connection
        self._tables = Tables(connection)
        self._lock = lock
        self._clock = clock
        self._buffer: list[_Write] = []
        self._buffer_guard = threading.Lock()
        self._flush_guard = threading.Lock()
        self._flushed_s = clock()

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        command: str = "llmroute",
        wait_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """The store at `path`, made where there is none, brought up to date where it is older.

        Args:
            path: the database file.
            command: what is running, shown to whoever finds the store busy.
            wait_s: how long to wait for another bench to finish.
            clock: seconds that only grow.

        Raises:
            StoreBusy: another process writes to it.
            StoreTooNew: a later llmroute wrote it.
            StoreError: it cannot be made or opened, or is damaged.
        """
        path = Path(path).absolute()
        with store_faults(path, "opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = hold_lock(path, command=command, started_s=time.time(), wait_s=wait_s)
            try:
                connection = _connect(path)
            except BaseException:
                lock.release()
                raise
        writer = cls(path, connection, lock, clock)
        try:
            writer._prepare()
        except BaseException:
            writer._release()
            raise
        return writer

    def put_answer(self, call: Call, completion: Completion) -> None:
        """Keep an answer, in place of an earlier answer to the same call and of its scores."""
        self._put(self._tables.write_answer, call, completion)

    def put_failure(self, call: Call, failure: Failure) -> None:
        """Keep why a call has no answer; one that has an answer keeps it."""
        self._put(self._tables.write_failure, call.key, failure)

    def put_attempt(self, call: Call, failure: Failure) -> None:
        """Keep one failed attempt, whatever becomes of the call."""
        self._put(self._tables.write_attempt, call.key, failure)

    def put_scores(self, scores: Iterable[tuple[str, str, Score]]) -> None:
        """Keep scores: (answer key, scorer key, score). Without the answer there is no score."""
        for key, scorer, score in scores:
            self._put(self._tables.write_score, key, scorer, score)

    def put_suite(self, suite: Suite) -> str:
        """Keep a suite's content and return its hash."""
        name, text = suite_hash_and_text(suite)
        self._put(self._tables.write_suite, name, text)
        return name

    def start_run(self, manifest: RunManifest) -> str:
        """Keep a run's manifest, at once, and return its id."""
        self._put(self._tables.write_run, manifest)
        self.flush()
        return manifest.run_id

    def finish_run(self, run_id: str, state: RunState, finished: str) -> None:
        """Say how a run ended and when (UTC, ISO 8601), at once, and all it has put before."""
        self._put(self._tables.write_end, run_id, state, finished)
        self.flush()

    def prune(
        self,
        calls: Iterable[str],
        runs: Iterable[str] = (),
        suites: Collection[str] = (),
        *,
        rehearse: bool = False,
    ) -> Removed:
        """Delete calls with all that is known of them, and runs, and give their room back.

        Args:
            calls: keys.
            runs: ids.
            suites: hashes of suites no remaining run names.
            rehearse: only count what would go.

        Raises:
            StoreError: nothing was deleted, or all of it but its room is still taken.
        """
        self.flush()
        with store_faults(self.path, "written to"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                removed = remove(self._connection, calls, runs, suites)
                self._connection.execute("ROLLBACK" if rehearse else "COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._tables.forget()
            if not rehearse:
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return removed

    @property
    def unflushed(self) -> int:
        """How many records are in memory only."""
        return len(self._buffer)

    def flush(self) -> None:
        """Commit what is in memory.

        Raises:
            StoreError: nothing of it was written; it is still in memory.
            ExceptionGroup: some records are of a wrong type, which is a bug of the caller's; all
                others were committed.
        """
        with self._flush_guard:
            with self._buffer_guard:
                taken, self._buffer = self._buffer, []
            self._flushed_s = self._clock()
            try:
                refused = self._commit(taken) if taken else []
            except BaseException:
                with self._buffer_guard:
                    self._buffer = taken + self._buffer
                raise
        if refused:
            raise ExceptionGroup("records no store can hold; all others were kept", refused)

    def close(self) -> None:
        """Flush, close and let the next bench in; the store is let go even where flushing fails."""
        try:
            self.flush()
        finally:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- buffer and transaction -------------------------------------------------------------------

    def _put(self, write: Callable[..., None], *record: Any) -> None:
        with self._buffer_guard:
            self._buffer.append((write, record))
            is_due = len(self._buffer) >= FLUSH_ROWS
        if is_due or self._clock() - self._flushed_s >= FLUSH_S:
            self.flush()

    def _commit(self, taken: list[_Write]) -> list[Exception]:
        """Write all in one transaction; a record of a wrong type must not keep out the others."""
        refused: list[Exception] = []
        with store_faults(self.path, "written to"):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                for write, record in taken:
                    try:
                        write(*record)
                    except _WRONG_TYPE as error:
                        refused.append(error)
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        return refused

    def _roll_back(self) -> None:
        # On a full disk SQLite has rolled back by itself.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._tables.forget()

    def _prepare(self) -> None:
        with store_faults(self.path, "opened"):
            self.backup = schema.bring_up_to_date(self._connection, self.path)

    def _release(self) -> None:
        try:
            self._connection.close()
        finally:
            self._lock.release()


def _connect(path: Path) -> sqlite3.Connection:
    # Made here first, because SQLite would give it the umask's mode; '-wal' takes after it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        # The store's pages are never mapped into memory, and nobody else writes: SQLite before
        # 3.51.3 can corrupt a WAL that two connections write and checkpoint at once.
        connection.execute(f"PRAGMA page_size={schema.PAGE_BYTES}")
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA mmap_size=0")
        schema.read_version(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        # NORMAL outlives every death of the process; only the machine's may cost the last commits.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA journal_size_limit={16 << 20}")
    except BaseException:
        connection.close()
        raise
    return connection

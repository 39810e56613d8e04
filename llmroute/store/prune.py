"""Calls and runs nobody needs any more → gone, with all that only they used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.store import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable


@dataclass(frozen=True, slots=True)
class Removed:
    """How much of each there was to remove."""

    answers: int
    failures: int
    attempts: int
    scores: int
    requests: int
    suites: int
    runs: int

    def __bool__(self) -> bool:
        return any((self.answers, self.failures, self.attempts, self.suites, self.runs))


def remove(
    connection: sqlite3.Connection,
    calls: Iterable[str],
    runs: Iterable[str],
    suites: Collection[str],
) -> Removed:
    """Delete the calls' answers, failures and scores, the runs, and what is left without a use.

    Runs inside the transaction of whoever calls it.

    Args:
        connection: an open store.
        calls: keys.
        runs: ids.
        suites: hashes of suites no remaining run names.
    """
    _mark(connection, calls)
    delete = connection.execute
    return Removed(
        scores=delete("DELETE FROM scores WHERE call IN doomed").rowcount,
        answers=delete("DELETE FROM answers WHERE call IN doomed").rowcount,
        failures=delete("DELETE FROM failures WHERE call IN doomed").rowcount,
        attempts=delete("DELETE FROM attempts WHERE call IN doomed").rowcount,
        runs=sum(delete("DELETE FROM runs WHERE id = ?", (run,)).rowcount for run in runs),
        suites=sum(delete("DELETE FROM suites WHERE hash = ?", (one,)).rowcount for one in suites),
        requests=_sweep(connection),
    )


def _mark(connection: sqlite3.Connection, calls: Iterable[str]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (call INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM doomed")
    connection.executemany(
        "INSERT OR IGNORE INTO doomed SELECT id FROM calls WHERE key = ?",
        ((rows.key_blob(key),) for key in calls),
    )


def _sweep(connection: sqlite3.Connection) -> int:
    """Delete keys, requests and words that nothing refers to any more; how many requests."""
    connection.execute("DELETE FROM calls WHERE id IN doomed")
    found = connection.execute(
        "DELETE FROM requests WHERE id NOT IN (SELECT request FROM answers)"
    ).rowcount
    used = " UNION ".join(
        f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608 - names of ours
        for table, column in rows.WORD_COLUMNS
    )
    connection.execute(f"DELETE FROM words WHERE id NOT IN ({used})")  # noqa: S608
    return found

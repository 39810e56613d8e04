"""The program that runs queries: one JSON request a line on stdin → one JSON reply a line.

llmroute sends it as text to a process of its own and never imports it for its own use: a query can
be hostile in ways no limit of SQLite's sees. Common table expressions that each name the one before
twice took 20 GB while SQLite only *prepared* them (seen with 3.40); here the kernel stops that.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MEMORY_BYTES = 256 << 20
CPU_S = 3.0
"""Of one request: far more than `MAX_STEPS` take but for steps that are made to be slow."""
MAX_STEPS = 5_000_000
"""Instructions of SQLite's virtual machine: some tenths of a second."""
STEPS_A_LOOK = 10_000
MAX_ROWS = 1_000
MAX_SQL_CHARACTERS = 20_000
MAX_STORED_ROWS = 10_000
REFUSED_FUNCTIONS = frozenset(
    {"fts3_tokenizer", "load_extension", "random", "randomblob", "sqlite_log"}
)
"""What reaches out, and what gives another result each time."""
LIMITS = {
    "SQLITE_LIMIT_LENGTH": 100_000,
    "SQLITE_LIMIT_SQL_LENGTH": MAX_SQL_CHARACTERS * 4,
    "SQLITE_LIMIT_COLUMN": 100,
    "SQLITE_LIMIT_EXPR_DEPTH": 100,
    "SQLITE_LIMIT_COMPOUND_SELECT": 50,
    "SQLITE_LIMIT_VDBE_OP": 50_000,
    "SQLITE_LIMIT_ATTACHED": 0,
    "SQLITE_LIMIT_LIKE_PATTERN_LENGTH": 200,
    "SQLITE_LIMIT_VARIABLE_NUMBER": 0,
    "SQLITE_LIMIT_TRIGGER_DEPTH": 1,
}


class DatabaseFault(ValueError):
    """The database itself cannot be made: a fault of the suite, not of the query."""


def main() -> None:
    """Answer requests until there are no more."""
    bound_memory()
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(json.dumps(timed(request)) + "\n")
        sys.stdout.flush()


def bound_memory() -> None:
    """Where the system has such limits; elsewhere SQLite's own are all there is."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def timed(request: Mapping[str, Any]) -> dict[str, Any]:
    """The reply; a request that takes longer than `CPU_S` ends the process by SIGPROF."""
    import signal

    timer = getattr(signal, "setitimer", None)
    if timer is not None:
        timer(signal.ITIMER_PROF, CPU_S)
    try:
        return answer(request)
    finally:
        if timer is not None:
            timer(signal.ITIMER_PROF, 0)


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """{"rows": …}, {"error": why the query gives none} or {"fault": why there is no database}.

    >>> answer({"tables": "CREATE TABLE t(a)", "rows": {"t": [[1]]}, "query": "SELECT a FROM t"})
    {'rows': [[1]]}
    """
    try:
        connection = make_database(
            request["tables"], request["rows"], bool(request.get("reversed"))
        )
    except (DatabaseFault, sqlite3.Error, MemoryError, OverflowError, ValueError) as error:
        return {"fault": str(error) or type(error).__name__}
    try:
        return {"rows": run(connection, request["query"])}
    except MemoryError:
        return {"error": "it takes more memory than it may"}
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return {"error": str(error) or type(error).__name__}
    finally:
        connection.close()


# -- the database ---------------------------------------------------------------------------------


def make_database(
    tables: str, rows: Mapping[str, Sequence[Sequence[Any]]], reverse: bool
) -> sqlite3.Connection:
    """A database in memory.

    Args:
        tables: CREATE TABLE, INDEX and VIEW statements.
        rows: table → its rows.
        reverse: store them last to first; no right query can tell.

    Raises:
        DatabaseFault: a statement is another one, or a table has too many rows.
        sqlite3.Error: a statement or a row does not fit.
    """
    if sum(map(len, rows.values())) > MAX_STORED_ROWS:
        raise DatabaseFault(f"more than {MAX_STORED_ROWS} rows")
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA foreign_keys=OFF")  # rows come in any order
    connection.set_authorizer(may_create)
    connection.executescript(tables)
    connection.set_authorizer(None)
    for table, content in rows.items():
        fill(connection, table, reversed(content) if reverse else content)
    return connection


CREATING = frozenset(
    {
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_UPDATE,
    }
)


def may_create(action: int, one: str | None, *_: str | None) -> int:
    """The authorizer while tables are made: nothing is attached, set or loaded."""
    if action not in CREATING:
        return sqlite3.SQLITE_DENY
    if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE):
        return (
            sqlite3.SQLITE_OK if one in ("sqlite_master", "sqlite_schema") else sqlite3.SQLITE_DENY
        )
    return sqlite3.SQLITE_OK


def fill(connection: sqlite3.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows into a table that is there."""
    name = table.replace('"', '""')
    for row in rows:
        marks = ",".join("?" * len(row))
        connection.execute(f'INSERT INTO "{name}" VALUES ({marks})', tuple(row))  # noqa: S608 - quoted


# -- the query ------------------------------------------------------------------------------------


def run(connection: sqlite3.Connection, query: str) -> list[list[Any]]:
    """The query's rows.

    Raises:
        ValueError: it is too long, or gives too many rows.
        sqlite3.Error: it does not run, wants to change something, or runs too long.
    """
    if len(query) > MAX_SQL_CHARACTERS:
        raise ValueError(f"longer than {MAX_SQL_CHARACTERS} characters")
    if "\0" in query:
        raise ValueError("holds a NUL character")
    for name, value in LIMITS.items():
        connection.setlimit(getattr(sqlite3, name), value)
    looks = iter(range(MAX_STEPS // STEPS_A_LOOK))
    connection.set_progress_handler(lambda: next(looks, None) is None, STEPS_A_LOOK)
    connection.set_authorizer(may_read)
    cursor = connection.execute(query)
    if cursor.description is None:
        raise ValueError("it is no query")
    rows = cursor.fetchmany(MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise ValueError(f"more than {MAX_ROWS} rows")
    return [[{"bytes": v.hex()} if isinstance(v, bytes) else v for v in row] for row in rows]


def may_read(action: int, _: str | None, function: str | None, *__: str | None) -> int:
    """The authorizer of queries: reading and calling functions, and nothing else."""
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and str(function).lower() not in REFUSED_FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


if __name__ == "__main__":
    main()

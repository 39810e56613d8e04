"""Tables, rows and a query → its result, from a process of its own that the kernel bounds."""

from __future__ import annotations

import atexit
import json
import signal
import subprocess
import sys
import threading
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from llmroute.metrics import Unscorable

Rows = tuple[tuple[Any, ...], ...]
"""A result: values are None, int, float, str or bytes."""


class QueryError(ValueError):
    """The query gives no result, and why."""


class DatabaseError(ValueError):
    """There is no such database: a fault of the suite."""


@lru_cache(maxsize=4096)  # each sample's reference is asked for again with every answer
def query_rows(tables: str, rows_json: str, query: str, *, reverse: bool = False) -> Rows:
    """The query's result in a database in memory that nothing can be written to.

    Args:
        tables: CREATE TABLE, INDEX and VIEW statements.
        rows_json: {table: [[value, …], …]} as JSON.
        query: one SELECT, VALUES or WITH; hostile.
        reverse: the rows are stored last to first.

    Raises:
        QueryError: the query does not run, is refused, or takes too much.
        DatabaseError: the tables cannot be made, or the rows do not fit them.
        Unscorable: the process that runs queries was ended from outside.

    >>> query_rows("CREATE TABLE t(a)", '{"t": [[1], [2]]}', "SELECT sum(a), 'x' FROM t")
    ((3, 'x'),)
    """
    request = {"tables": tables, "rows": json.loads(rows_json), "query": query, "reversed": reverse}
    reply = _worker().ask(json.dumps(request))
    if "fault" in reply:
        raise DatabaseError(reply["fault"])
    if "error" in reply:
        raise QueryError(reply["error"])
    return tuple(tuple(map(_value, row)) for row in reply["rows"])


def _value(value: Any) -> Any:
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


class _Worker:
    """The process; started when it is first asked, and again where a query has ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._guard = threading.Lock()
        atexit.register(self.close)

    def ask(self, request: str) -> dict[str, Any]:
        """The reply to one request.

        Raises:
            Unscorable: the process was ended from outside.
        """
        with self._guard:
            process = self._process or self._start()
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            assert process.stdout is not None  # noqa: S101 - the same
            try:
                process.stdin.write(request + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            if line:
                reply: dict[str, Any] = json.loads(line)
                return reply
            return self._ended(process)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        program = Path(__file__).with_name("sqlite_worker.py").read_text(encoding="utf-8")
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is meant for llmroute
        )
        return self._process

    def _ended(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        self.close()
        if process.returncode == -getattr(signal, "SIGPROF", 0):
            return {"error": "it takes longer than it may"}
        raise Unscorable(f"the process that runs queries ended with {process.returncode}")


@cache
def _worker() -> _Worker:
    return _Worker()

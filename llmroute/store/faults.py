"""SQLite's errors → `StoreError`, saying what is damaged and what can be done."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmroute.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def store_faults(path: Path, doing: str) -> Iterator[None]:
    """Turns SQLite and file errors of the block into `StoreError`.

    Args:
        path: the store.
        doing: "read" or "written to", for the message.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error, path, doing) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"the store cannot be {doing}: {reason}",
            where=str(path),
            fix=_FILE_FIXES.get(error.errno or 0, _REFUSED),
        ) from error


def store_error(error: sqlite3.Error, path: Path, doing: str) -> StoreError:
    """One SQLite error in our words; the second half of the code says more than its text."""
    code: str = getattr(error, "sqlite_errorname", None) or ""
    fix = next((fix for start, fix in _FIXES.items() if code.startswith(start)), _UNEXPECTED)
    what = f"the store cannot be {doing}: {error}"
    return StoreError(f"{what} ({code})" if code else what, where=str(path), fix=fix)


_FULL = (
    "Everything committed before is safe. Free some disk space and run the same command again: "
    "it goes on from there."
)
_REFUSED = "Give this user write access to the file and its folder, or choose another store."
_DAMAGED = (
    "The file is damaged. `llmroute store verify` says what can be saved, and its "
    "`--salvage FILE` copies that into a new store; keep the old file and its '-wal' until then."
)
_HELD = "Another program holds the file. Close it (an SQLite browser?) and run again."
_UNEXPECTED = "Run again; if it stays, move the file away: a new store is made."
_NO_FOLDER = "A part of this path is a file, not a folder: choose another path for the store."
_FILE_FIXES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EISDIR: "This is a folder: name a file for the store, such as .llmroute/store.db.",
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
_FIXES = {
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR": _FULL,
    "SQLITE_READONLY": _REFUSED,
    "SQLITE_CANTOPEN": _REFUSED,
    "SQLITE_PERM": _REFUSED,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_BUSY": _HELD,
    "SQLITE_LOCKED": _HELD,
    "SQLITE_PROTOCOL": _HELD,
}

"""The run lock: one bench at a time writes to a store.

The operating system holds the lock (`flock`), so it is gone when its process is, however that
ended; what the file says is for the message only.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmroute.errors import StoreBusy

if TYPE_CHECKING:
    from pathlib import Path

_POLL_S = 0.1
_LOCKED_BYTE = 1 << 30
"""Windows locks bytes, and nobody may read those: this one lies far behind the text."""


@dataclass(frozen=True, slots=True)
class RunLock:
    """A held lock; `release` gives it up."""

    handle: int

    def release(self) -> None:
        """Let the next bench in. The file stays: removing it would race with its next holder."""
        os.ftruncate(self.handle, 0)
        os.close(self.handle)


def lock_path(store: Path) -> Path:
    """Where the lock of a store lies."""
    return store.with_name(f"{store.name}.lock")


def hold_lock(store: Path, *, command: str, started_s: float, wait_s: float = 0.0) -> RunLock:
    """The store's lock, held by this process until released or dead.

    Args:
        store: the database file, which need not exist.
        command: what is running, shown to whoever finds the store busy.
        started_s: Unix time at which it started.
        wait_s: how long to wait for a holder to finish.

    Raises:
        StoreBusy: another process has held it all the while.
        OSError: the lock file cannot be made.
    """
    handle = os.open(lock_path(store), os.O_RDWR | os.O_CREAT, 0o600)
    give_up_s = time.monotonic() + wait_s
    while not _try_lock(handle):
        if time.monotonic() >= give_up_s:
            try:
                raise _busy(store, handle, started_s)
            finally:
                os.close(handle)
        time.sleep(_POLL_S)
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, _holder_json(command, started_s))
    return RunLock(handle)


def _holder_json(command: str, started_s: float) -> bytes:
    holder = {"pid": os.getpid(), "started_s": started_s, "command": command}
    return json.dumps(holder).encode()


def _busy(store: Path, handle: int, now_s: float) -> StoreBusy:
    fix = "Wait for it to finish, or stop it; this command then goes on from what it stored."
    return StoreBusy(f"the store is in use by {_holder(handle, now_s)}", where=str(store), fix=fix)


def _holder(handle: int, now_s: float) -> str:
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        holder = json.loads(os.read(handle, 4096))
        age_s = max(0.0, now_s - float(holder["started_s"]))
        return f"process {int(holder['pid'])} ({holder['command']}), started {_age(age_s)} ago"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # caught between taking the lock and writing its name


def _age(seconds: float) -> str:
    """A duration as a person says it.

    >>> _age(42.7), _age(600), _age(86_400)
    ('42 s', '10 min', '24.0 h')
    """
    if seconds < 120:
        return f"{int(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

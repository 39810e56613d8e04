"""A look at what a sandbox leaves behind."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

PR_SET_CHILD_SUBREAPER = 36


def children() -> set[str]:
    """Processes whose parent is this one: with a subreaper, all that anything here has left."""
    found: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has ended since
            found.update((thread / "children").read_text().split())
    return found


@pytest.fixture(name="children")
def children_function() -> Callable[[], set[str]]:
    """`children`, for tests."""
    return children


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails where a process outlives the test; orphans come to this one, so none is overlooked."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = children()
    yield
    for _ in range(500):
        reap(children() - before)
        if not children() - before:
            return
        time.sleep(0.01)
    pytest.fail(f"still running: {children() - before}")


def reap(pids: set[str]) -> None:
    for pid in pids:
        try:
            os.waitpid(int(pid), os.WNOHANG)
        except ChildProcessError:
            continue

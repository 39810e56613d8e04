"""Whether generated code may be run in this process: no, unless somebody holds `given` open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_guard = threading.Lock()
_holders = 0


def is_given() -> bool:
    """Whether code may be run now."""
    return _holders > 0


@contextmanager
def given() -> Iterator[None]:
    """Allow it within; only `code_execution` does, after it has tried the sandbox."""
    global _holders
    with _guard:
        _holders += 1
    try:
        yield
    finally:
        with _guard:
            _holders -= 1

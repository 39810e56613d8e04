"""Work that waits for sandboxes → done a few at a time: each sandbox is a processor's worth."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = min(8, os.cpu_count() or 1)


def open_pool() -> ThreadPoolExecutor:
    """Threads that start sandboxes and wait for them; the caller's to shut down."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sandbox")

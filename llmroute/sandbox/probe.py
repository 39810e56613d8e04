"""The preflight's code inside the sandbox: tries to get out, and says by which ways it got.

llmroute never imports this; it sends the text.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

SEEN = {"/dev", "/python", "/tmp"}  # noqa: S108 - the sandbox's own
KNOWN_VARIABLES = {"PYTHONHOME", "PYTHONHASHSEED", "MALLOC_ARENA_MAX", "PWD", "LC_CTYPE"}


def escapes(canary: str, port: int, memory_bytes: int) -> list[str]:
    """The ways out, each by what it would mean; empty in a sandbox that holds.

    Args:
        canary: a file outside that everybody may read.
        port: where llmroute listens on loopback.
        memory_bytes: more than the sandbox may have.
    """
    attempts: dict[str, Callable[[], object]] = {
        "reads files outside": lambda: Path(canary).read_text(),
        "reads /etc/passwd": lambda: Path("/etc/passwd").read_text(),
        "sees the processes outside": lambda: any(Path("/proc").iterdir()),
        "sees other folders": lambda: _must({str(one) for one in Path("/").iterdir()} - SEEN),
        "sees the environment": lambda: _must(os.environ.keys() - KNOWN_VARIABLES),
        "writes to its root": lambda: Path("/written").write_text("x"),
        "writes to its library": lambda: Path("/python/lib/written").write_text("x"),
        "writes to /dev": lambda: Path("/dev/written").write_text("x"),
        "opens sockets": socket.socket,
        "reaches the network": lambda: socket.create_connection(("127.0.0.1", port), 1),
        "starts processes": os.fork,
        "sends signals": lambda: os.kill(1, 0),
        "is root": lambda: _must(os.geteuid() == 0),
        "becomes root": lambda: os.setuid(0),
        "leaves its root": lambda: os.chroot("/tmp"),  # noqa: S108 - the sandbox's own
        "takes more memory than it may": lambda: bytearray(memory_bytes),
    }
    ways = [way for way, attempt in attempts.items() if _works(attempt)]
    thread = threading.Thread(target=ways.sort)
    thread.start()  # raises where the limit of processes is counted over all of the user's
    thread.join()
    return ways


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, MemoryError, LookupError):
        return False
    return True


def _must(found: object) -> None:
    if not found:
        raise LookupError

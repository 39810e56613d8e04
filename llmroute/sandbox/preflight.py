"""This machine's sandbox → nothing, where it holds; else why it cannot be used."""

from __future__ import annotations

import secrets
import socket
import tempfile
from functools import cache
from pathlib import Path

from llmroute.errors import InputError
from llmroute.sandbox.process import Bounds
from llmroute.sandbox.python import Replies, evaluate_inside

_UBUNTU = (
    "Where user namespaces are refused (containers; Ubuntu 23.10 and later restrict them by "
    "AppArmor), allow them for bwrap with an AppArmor profile, or run "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in Docker, start the container with "
    "--security-opt seccomp=unconfined --cap-add SYS_ADMIN, or leave these suites out with --suite."
)


@cache
def check_sandbox() -> None:
    """Nothing, after code inside has tried to get out and could not; once a process.

    Raises:
        InputError: bubblewrap is missing, fails, or lets something through.
    """
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        secret = secrets.token_hex(16)
        canary = _canary(Path(folder), secret)
        port = server.getsockname()[1]
        bounds = Bounds()
        call = f"escapes({str(canary)!r}, {port}, {2 * bounds.memory_bytes})"
        replies = evaluate_inside(_probe(), [[("", call)], [("", repr(secret))]], bounds)
        _judge(replies, secret, _was_reached(server))


def _judge(replies: Replies, secret: str, was_reached: bool) -> None:
    found, heard = replies.said.get((0, 0)), replies.said.get((1, 0))
    if replies.ending != "exited" or found is None or heard is None or heard.value != secret:
        raise InputError(
            "the sandbox for generated code does not start: "
            f"{replies.ran.said or replies.ending}; nothing was run",
            fix=_UBUNTU,
        )
    ways = found.value if isinstance(found.value, list) else [", ".join(found.raised) or "?"]
    if was_reached:
        ways = [*ways, "reaches the network"]
    if ways:
        raise InputError(
            f"the sandbox for generated code does not hold here: code in it {', '.join(ways)}; "
            "nothing was run",
            fix="Use another machine for suites that run code, or leave them out with --suite.",
        )


def _canary(folder: Path, secret: str) -> Path:
    """A file outside that nothing but the sandbox keeps anybody from reading."""
    folder.chmod(0o755)
    canary = folder / "canary"
    canary.write_text(secret)
    canary.chmod(0o644)
    return canary


def _was_reached(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@cache
def _probe() -> str:
    return Path(__file__).with_name("probe.py").read_text(encoding="utf-8")

"""The program inside the sandbox: request on stdin → one JSON reply a check on stdout.

llmroute never imports this; it sends the text. It bounds itself, runs the code under test, and
evaluates what it is asked to. It is told no expected value and gives no verdict: the code shares
its memory and may make it say anything, which is then compared outside like any other answer.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import types
from collections.abc import Callable
from functools import partial
from typing import Any

MAX_REPLY_CHARACTERS = 100_000
BY_TEXT = ("Decimal", "Fraction", "date", "datetime", "time")
"""Types of the standard library that go out as `type: str(value)`."""


class OutOfTimeError(BaseException):
    """A check has used up its share of processor seconds."""


def main() -> None:
    """Read the request, give up every right, run the code, reply to each check."""
    request = json.loads(sys.stdin.buffer.read())
    replies = os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    drop_rights(request["uid"])
    bound(request["bounds"])
    say(replies, {"ready": True})
    reply_to(request, replies)


def reply_to(request: dict[str, Any], replies: int) -> None:
    """Run the code, then every check of each test, whatever the one before it raised; a reply each.

    Code that does not load replies to nothing: its error must not pass for one a test expects.
    """
    share_s = request["bounds"]["check_cpu_s"]
    module = types.ModuleType("answer")
    sys.modules["answer"] = module
    sys.argv = ["answer"]
    if "raised" in timed(share_s, partial(load, request["code"], vars(module))):
        return
    for number, checks in enumerate(request["tests"]):
        names = dict(vars(module))
        for place, (statements, expression) in enumerate(checks):
            reply = timed(share_s, partial(evaluate, statements, expression, names))
            say(replies, {"test": number, "check": place, **reply})


def drop_rights(uid: int | None) -> None:
    """Become a user nobody is, where llmroute runs as root, and never dump core."""
    import ctypes

    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    libc = ctypes.CDLL(None)
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    del sys.modules["ctypes"]


def bound(bounds: dict[str, int]) -> None:
    """Set the kernel's limits, which nothing inside can raise.

    The processor's soft limit ends the code with a signal that says so (SIGXCPU); what ignores it
    is killed a second later.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (bounds["cpu_s"], bounds["cpu_s"] + 1))
    for limit, value in (
        (resource.RLIMIT_AS, bounds["memory_bytes"]),
        (resource.RLIMIT_FSIZE, bounds["file_bytes"]),
        (resource.RLIMIT_NOFILE, bounds["open_files"]),
        (resource.RLIMIT_NPROC, bounds["threads"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full file is an OSError, not the end


def timed(share_s: float, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the work replies, or what it raised; it has `share_s` processor seconds."""
    try:
        signal.signal(signal.SIGPROF, out_of_time)
        signal.setitimer(signal.ITIMER_PROF, share_s)
        try:
            reply = work()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except BaseException as error:  # noqa: BLE001 - whatever the code raises is its answer
        return {"raised": [kind.__name__ for kind in type(error).__mro__]}
    return reply


def out_of_time(*_: object) -> None:
    """The signal handler."""
    raise OutOfTimeError


def load(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run the code as a module."""
    exec(compile(code, "answer", "exec"), names)  # noqa: S102 - what the sandbox is for
    return {}


def evaluate(statements: str, expression: str, names: dict[str, Any]) -> dict[str, Any]:
    """The expression's value after the statements."""
    exec(compile(statements, "test", "exec"), names)  # noqa: S102 - the same
    value = encoded(eval(compile(expression, "test", "eval"), names))  # noqa: S307 - the same
    if len(json.dumps(value)) > MAX_REPLY_CHARACTERS:
        value = {"other": "too large"}
    return {"value": value}


def encoded(value: Any) -> Any:
    """A plain value as JSON; subclasses as what they are derived from."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 53 else {"int": hex(value)}
    if isinstance(value, float):
        return float(value) if abs(value) < float("inf") else {"float": repr(float(value))}
    if isinstance(value, complex):
        return {"complex": [encoded(value.real), encoded(value.imag)]}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[encoded(key), encoded(item)] for key, item in value.items()]}
    for kind in (tuple, frozenset, set):
        if isinstance(value, kind):
            return {kind.__name__: [encoded(item) for item in value]}
    name = type(value).__name__
    return {name: str(value)} if name in BY_TEXT else {"other": name}


def say(replies: int, reply: dict[str, Any]) -> None:
    """One line to whoever asked."""
    line = json.dumps(reply).encode() + b"\n"
    while line:
        line = line[os.write(replies, line) :]


if __name__ == "__main__":
    main()
    os._exit(0)  # what the code left behind (threads, exit handlers) is waited for by nobody

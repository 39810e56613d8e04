"""Request → what a program said in a bubblewrap sandbox, and how it ended.

The whole tree dies with the sandbox's first process: at the wall-clock limit, at the output limit,
or when llmroute itself goes.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from llmroute.sandbox.bubblewrap import sandbox_command
from llmroute.sandbox.root import interpreter_command
from llmroute.sandbox.seccomp import seccomp_filter
from llmroute.sandbox.usage import Usage, children_of, first_process, n_files_in_tmp, usage_below

Ending = Literal["exited", "cpu", "waited", "output", "files", "starved", "killed", "unstarted"]
"""exited: by itself, whatever its status. cpu: its processor seconds were used up. waited: it slept
or blocked until the wall clock ran out. output, files: it wrote more than it may. starved: the wall
clock ran out while it wanted to run, or before it could start: the machine is loaded. killed: by
somebody else, such as the machine's out-of-memory killer. unstarted: bubblewrap failed."""
BLAMELESS: frozenset[Ending] = frozenset({"starved", "killed", "unstarted"})
"""Endings that say nothing about the code: it cannot be scored, which is not a 0."""

_TICK_S = 0.05
_MAX_SAID_BYTES = 4096
_LOWEST_UID, _N_UIDS = 61_184, 4_336  # what systemd hands out to services nobody logs in as


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a sandboxed program may use."""

    cpu_s: int = 2
    """Processor seconds of all its threads: what an endless loop ends by."""
    wall_s: float = 10.0
    """Longer than `cpu_s`, so that a loaded machine has time to give them."""
    check_cpu_s: float = 1.0
    """Processor seconds of one check, so that one endless check leaves the others theirs."""
    memory_bytes: int = 512 << 20
    tmp_bytes: int = 64 << 20
    file_bytes: int = 16 << 20
    """Of one file."""
    files: int = 10_000
    """In /tmp, where an empty file takes no room but the kernel's."""
    open_files: int = 64
    threads: int = 64
    output_bytes: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Ran:
    """One program's end."""

    output: bytes
    """What it wrote, at most `Bounds.output_bytes`."""
    ending: Ending
    cpu_s: float
    """As it was last seen, 20 times a second."""
    said: str
    """The beginning of what bubblewrap and the interpreter complained about."""


def run_inside(program: str, request: Mapping[str, object], bounds: Bounds) -> Ran:
    """Run a program's text with a request on its standard input; it ends within the bounds.

    Args:
        program: Python; sees the standard library alone.
        request: sent as JSON, with `uid` and `bounds` added for the program to bound itself by.
        bounds: what it may use.

    Raises:
        InputError: there is no bubblewrap, or the machine is not one it can be used on.
    """
    uid = _LOWEST_UID + secrets.randbelow(_N_UIDS) if os.geteuid() == 0 else None
    limits = {name: getattr(bounds, name) for name in Bounds.__slots__}
    sent = json.dumps({**request, "uid": uid, "bounds": limits}).encode()
    with _started(program, bounds) as sandbox:
        return _Watch(sandbox, bounds, sent).end()


# -- starting it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sandbox:
    """A running bubblewrap."""

    process: subprocess.Popen[bytes]
    handle: int
    """A pidfd: readable once it has ended."""
    info: int
    """Where bubblewrap says the process id of the sandbox's first process."""


@contextmanager
def _started(program: str, bounds: Bounds) -> Iterator[_Sandbox]:
    filter_fd = _pipe_with(seccomp_filter())
    info, info_end = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - ours; what is hostile is sent to it
            [
                *sandbox_command(bounds.tmp_bytes, filter_fd, info_end),
                *interpreter_command(program),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(filter_fd, info_end),
            env={},
            cwd="/",
            start_new_session=True,  # Ctrl-C is meant for llmroute, not for code that is being run
        )
    except BaseException:
        os.close(info)
        raise
    finally:
        os.close(filter_fd)
        os.close(info_end)
    handle = os.pidfd_open(process.pid)
    try:
        yield _Sandbox(process, handle, info)
    finally:
        _end(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            _close(stream)
        os.close(handle)
        os.close(info)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what still runs: first the sandbox's own first process, and with it all in there.

    It dies with its parent too, but not while it still waits to be set up (bubblewrap 0.8).
    """
    if process.poll() is None:
        for child in children_of(process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.kill()
    process.wait()


def _pipe_with(content: bytes) -> int:
    """The reading end of a pipe that holds a little content."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def _close(stream: Any) -> None:
    with suppress(BrokenPipeError):  # what was still to be sent, nobody wants
        stream.close()


# -- watching it ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Watch:
    """Sends the request, collects the output, and ends the sandbox when a bound is reached."""

    sandbox: _Sandbox
    bounds: Bounds
    sent: bytes
    output: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)
    started_s: float = field(default_factory=time.monotonic)
    ready_s: float | None = None
    """When the program said its first word: it was started, and bounded."""
    first: int | None = None
    """The process id, outside, of the sandbox's first process."""
    usage: Usage | None = None
    """As it was last seen."""

    def end(self) -> Ran:
        """Watch until it ends, or end it."""
        process = self.sandbox.process
        with selectors.DefaultSelector() as selector:
            for stream, events in (
                (process.stdin, selectors.EVENT_WRITE),
                (process.stdout, selectors.EVENT_READ),
                (process.stderr, selectors.EVENT_READ),
            ):
                assert stream is not None  # noqa: S101 - all three are pipes
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, events)
            selector.register(self.sandbox.handle, selectors.EVENT_READ)
            broken = self._watch(selector)
        if broken is None:
            self._read_rest()
            return self._ran(self._why_ended(process.wait()))
        return self._ran(self._why_late() if broken == "starved" else broken)

    def _watch(self, selector: selectors.BaseSelector) -> Ending | None:
        """The bound that was broken, or None where it ended by itself."""
        deadline_s = self.started_s + self.bounds.wall_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            for key, _ in selector.select(min(left_s, _TICK_S)):
                if key.fileobj == self.sandbox.handle:
                    return None
                if not self._serve(key.fileobj):
                    selector.unregister(key.fileobj)
                    _close(key.fileobj)
            if len(self.output) > self.bounds.output_bytes:
                return "output"
            if self.ready_s is not None and self._look() > self.bounds.files:
                return "files"
        return "starved"

    def _look(self) -> int:
        """See what the program uses; the number of its files, 0 where they cannot be counted."""
        if self.first is None:
            self.first = first_process(self.sandbox.info)
        self.usage = usage_below(self.first) or self.usage
        return n_files_in_tmp(self.first)

    def _serve(self, stream: object) -> bool:
        """Move bytes; False where the stream is at its end."""
        process = self.sandbox.process
        if stream is process.stdin:
            return self._send()
        kept, most = (
            (self.output, self.bounds.output_bytes + 1)
            if stream is process.stdout
            else (self.said, _MAX_SAID_BYTES)
        )
        assert stream is process.stdout or stream is process.stderr  # noqa: S101 - registered above
        assert stream is not None  # noqa: S101 - the same
        read = os.read(stream.fileno(), 1 << 16)
        kept += read[: most - len(kept)]
        if stream is process.stdout and read and self.ready_s is None:
            self.ready_s = time.monotonic()
        return bool(read)

    def _send(self) -> bool:
        stdin = self.sandbox.process.stdin
        assert stdin is not None  # noqa: S101 - it is a pipe
        try:
            self.sent = self.sent[os.write(stdin.fileno(), self.sent) :]
        except BrokenPipeError:
            self.sent = b""
        return bool(self.sent)

    def _read_rest(self) -> None:
        """What is still in the pipes: all writers are dead."""
        process = self.sandbox.process
        for stream in (process.stdout, process.stderr):
            assert stream is not None  # noqa: S101 - it is a pipe
            with suppress(BlockingIOError):
                while not stream.closed and self._serve(stream):
                    pass

    def _why_ended(self, status: int) -> Ending:
        """Why the program is no more, by bubblewrap's exit status: 128 + the signal."""
        if self.ready_s is None:
            return "unstarted"
        if status == 128 + signal.SIGXCPU:
            return "cpu"
        if status < 0:
            return "killed"
        if status == 128 + signal.SIGKILL:
            # Whoever ignores the first signal is killed; usage is as old as the last look.
            return "cpu" if self.usage and self.usage.run_s > self.bounds.cpu_s / 2 else "killed"
        return "exited"

    def _why_late(self) -> Ending:
        """Whether the code let the time pass, or never got its share of the processor."""
        if self.ready_s is None or self.usage is None:
            return "starved"
        if self.usage.run_s > self.bounds.cpu_s:
            return "cpu"
        passed_s = time.monotonic() - self.ready_s
        idle_s = passed_s - self.usage.run_s - self.usage.queued_s
        return "waited" if idle_s > passed_s / 2 else "starved"

    def _ran(self, ending: Ending) -> Ran:
        output = bytes(self.output[: self.bounds.output_bytes])
        cpu_s = self.usage.run_s if self.usage else 0.0
        return Ran(output, ending, cpu_s, self.said.decode(errors="replace").strip())

"""Hostile code → what it answers, from a sandbox (bubblewrap) that it cannot leave.

**Off unless a person says so** on the command line (`--allow-code-execution`); no file can.
`code_execution` is that permission: it tries the sandbox out first and refuses where it leaks.

What the code has: the standard library, `Bounds` of processor, memory, threads, files and output,
and an empty /tmp. No network, environment, user, home, project, /proc, signals, second process or
right. The layers, each enough against most of it: namespaces and a read-only root of a few files
(`root`), a filter of system calls (`seccomp`), the kernel's limits and a user nobody is (`inside`),
and a watch that ends the whole tree (`process`).

**The verdict cannot be forged because it is not made inside.** Code shares an interpreter with
whatever asks it, so it can find and change anything there: builtins, frames, file descriptors, a
secret that marks a genuine result. So nothing there is worth finding. The program inside is told
*what to evaluate*, never what is expected; its replies are plain data; the comparison is made
outside (`metrics.python_tests`). A reply passes only by stating the value the test expects.

**What this does not promise.** A hole in the kernel is a way out: it is the machine's kernel, not a
virtual machine's. Processor caches are shared. Code may state what it did not compute, from a table
of answers its author knew, and what has few possible values can be guessed: tests that expect more
than yes and no notice. Linux on x86-64 and AArch64 only, since the filter knows no other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llmroute.sandbox import permission


@contextmanager
def code_execution(*, allowed: bool) -> Iterator[None]:
    """Within it generated code may be run, where a person has allowed it.

    Raises:
        InputError: it is allowed, and the sandbox is not to be had or does not hold.
    """
    if not allowed:
        yield
        return
    from llmroute.sandbox.preflight import check_sandbox

    check_sandbox()
    with permission.given():
        yield

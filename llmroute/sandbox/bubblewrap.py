"""Nothing → the command that starts a sandbox: namespaces, rights, root and environment."""

from __future__ import annotations

import os
import shutil

from llmroute.errors import InputError
from llmroute.sandbox.root import ENVIRONMENT, root_arguments


def find_bubblewrap() -> str:
    """Where `bwrap` is.

    Raises:
        InputError: it is not installed; the message says how to get it.
    """
    found = shutil.which("bwrap")
    if found is None:
        raise InputError(
            "generated code runs only in a sandbox, and bubblewrap is not installed",
            fix="Install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install "
            "bubblewrap; Linux only), or leave the suites that run code out with --suite.",
        )
    return found


def sandbox_command(tmp_bytes: int, filter_fd: int, info_fd: int) -> list[str]:
    """bubblewrap and its arguments, to be followed by the command that runs inside.

    Args:
        tmp_bytes: what fits in /tmp.
        filter_fd: where it reads the filter of system calls.
        info_fd: where it writes the process id of the sandbox's first process.

    Raises:
        InputError: it is not installed, or this Python's files cannot be found.
    """
    return [
        find_bubblewrap(),
        *_namespaces(),
        *("--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"),
        *(word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)),
        *("--seccomp", str(filter_fd), "--info-fd", str(info_fd)),
        *root_arguments(tmp_bytes),
        "--",
    ]


def _namespaces() -> tuple[str, ...]:
    """All of them; for root all but the user namespace.

    In one of its own, root would stay the machine's root, whose processes the kernel does not
    count. Outside it, the program becomes a user nobody is before it reads a word, and keeps no
    capability.
    """
    if os.geteuid() != 0:
        return ("--unshare-all",)
    spaces = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts")
    rights = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    return (*spaces, "--unshare-cgroup-try", *rights)

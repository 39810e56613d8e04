"""Process ids → what the sandbox's programs use, as the kernel shows it in /proc."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


def first_process(info: int) -> int | None:
    """What bubblewrap said on `--info-fd`."""
    try:
        return int(json.loads(os.read(info, 4096))["child-pid"])
    except (OSError, ValueError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a sandbox's threads had of the processor."""

    run_s: float
    queued_s: float
    """How long the thread that waited most for the processor did so while able to run."""


def usage_below(first: int | None) -> Usage | None:
    """The usage of what the sandbox's first process has started; None where it cannot be seen.

    /proc/PID/schedstat: time on the processor, time on its queue, both in ns (kernel
    documentation, scheduler/sched-stats).
    """
    try:
        programs = children_of(first) if first is not None else []
        tasks = [task for one in programs for task in Path(f"/proc/{one}/task").iterdir()]
        spent = [_schedstat(task / "schedstat") for task in tasks]
    except (OSError, ValueError):
        return None
    if not spent:
        return None
    return Usage(sum(run_s for run_s, _ in spent), max(queued_s for _, queued_s in spent))


def children_of(pid: int) -> list[int]:
    """The processes that a process's first thread has started; none where it cannot be seen."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _schedstat(path: Path) -> tuple[float, float]:
    run_ns, queued_ns, _ = path.read_text().split()
    return int(run_ns) / 1e9, int(queued_ns) / 1e9


def n_files_in_tmp(first: int | None) -> int:
    """Files in the /tmp of a sandbox's first process; 0 where they cannot be counted."""
    try:
        tmp = os.statvfs(f"/proc/{first}/root/tmp")
    except OSError:
        return 0
    return tmp.f_files - tmp.f_ffree

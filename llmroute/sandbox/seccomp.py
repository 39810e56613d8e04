"""Machine → the system calls a sandboxed program may not make, as a filter for the kernel.

Namespaces take the outside away; the filter takes away the tools: no second process (so that the
limits of one process are the limits of all of it), no sockets (AF_VSOCK knows no namespace), no
signals, no tracing, no mounts, no keyring, no memory that the address-space limit does not count.
A refused call fails with EPERM, as it does for want of a right.

The filter is a classic BPF program over `struct seccomp_data`: seccomp(2), bpf(4).
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from llmroute.errors import InputError

# x86-64: asm/unistd_64.h; AArch64: asm-generic/unistd.h. None: the machine has no such call.
_NUMBERS: Mapping[str, tuple[int | None, int | None]] = MappingProxyType(
    {
        # another process
        "fork": (57, None),
        "vfork": (58, None),
        # signals and tracing
        "kill": (62, 129),
        "tkill": (200, 130),
        "tgkill": (234, 131),
        "rt_sigqueueinfo": (129, 138),
        "rt_tgsigqueueinfo": (297, 240),
        "pidfd_open": (434, 434),
        "pidfd_getfd": (438, 438),
        "pidfd_send_signal": (424, 424),
        "ptrace": (101, 117),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "process_madvise": (440, 440),
        "kcmp": (312, 272),
        # namespaces and mounts
        "unshare": (272, 97),
        "setns": (308, 268),
        "mount": (165, 40),
        "umount2": (166, 39),
        "pivot_root": (155, 41),
        "chroot": (161, 51),
        "fsopen": (430, 430),
        "fsconfig": (431, 431),
        "fsmount": (432, 432),
        "fspick": (433, 433),
        "move_mount": (429, 429),
        "open_tree": (428, 428),
        "mount_setattr": (442, 442),
        "mknod": (133, None),
        "mknodat": (259, 33),
        "name_to_handle_at": (303, 264),
        "open_by_handle_at": (304, 265),
        # sockets; socketpair, which asyncio needs, reaches nobody else
        "socket": (41, 198),
        "connect": (42, 203),
        "bind": (49, 200),
        "listen": (50, 201),
        # memory and queues beside the address space
        "memfd_create": (319, 279),
        "memfd_secret": (447, 447),
        "shmget": (29, 194),
        "shmat": (30, 196),
        "msgget": (68, 186),
        "semget": (64, 190),
        "mq_open": (240, 180),
        "mlock": (149, 228),
        "mlock2": (325, 284),
        "mlockall": (151, 230),
        # the kernel's keys, programs and clocks
        "add_key": (248, 217),
        "request_key": (249, 218),
        "keyctl": (250, 219),
        "bpf": (321, 280),
        "perf_event_open": (298, 241),
        "userfaultfd": (323, 282),
        "io_uring_setup": (425, 425),
        "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427),
        "fanotify_init": (300, 262),
        "init_module": (175, 105),
        "finit_module": (313, 273),
        "delete_module": (176, 106),
        "kexec_load": (246, 104),
        "kexec_file_load": (320, 294),
        "reboot": (169, 142),
        "swapon": (167, 224),
        "swapoff": (168, 225),
        "acct": (163, 89),
        "quotactl": (179, 60),
        "quotactl_fd": (443, 443),
        "settimeofday": (164, 170),
        "clock_settime": (227, 112),
        "adjtimex": (159, 171),
        "clock_adjtime": (305, 266),
        "sethostname": (170, 161),
        "setdomainname": (171, 162),
        "syslog": (103, 116),
        "iopl": (172, None),
        "ioperm": (173, None),
        "modify_ldt": (154, None),
        "personality": (135, 92),
        "setpriority": (141, 140),
    }
)
REFUSED = tuple(_NUMBERS)
"""The refused calls by name. Also refused: `clone` of anything but a thread, and to become dumpable
again; `clone3`, whose arguments no filter can see, does not exist."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """What differs between the processors the filter knows."""

    column: int
    """In `_NUMBERS`."""
    audit: int
    """AUDIT_ARCH of linux/audit.h."""
    clone: int
    prctl: int


_MACHINES = {
    "x86_64": _Machine(0, 0xC000003E, clone=56, prctl=157),
    "aarch64": _Machine(1, 0xC00000B7, clone=220, prctl=167),
}
_CLONE3 = 435  # on every machine
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
_PR_SET_DUMPABLE = 4

_LOAD, _JUMP_EQUAL, _JUMP_SET, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
# offsets in struct seccomp_data; of the arguments, the lower half
_NUMBER, _ARCH, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24


def seccomp_filter(machine: str | None = None) -> bytes:
    """The filter for a processor, as bubblewrap's `--seccomp` takes it.

    Args:
        machine: as `platform.machine()` says it; None: this one.

    Raises:
        InputError: the numbers of this processor's calls are not known.

    >>> len(seccomp_filter("x86_64")) % 8
    0
    """
    name = machine or platform.machine()
    if name not in _MACHINES:
        raise InputError(
            f"the sandbox for generated code does not know the processor {name!r}",
            fix=f"Run it on one of {', '.join(sorted(_MACHINES))}, or leave its suites out.",
        )
    this = _MACHINES[name]
    numbers = [columns[this.column] for columns in _NUMBERS.values()]
    return b"".join(
        (
            _op(_LOAD, _ARCH),
            _op(_JUMP_EQUAL, this.audit, skip_if=1),
            _op(_RETURN, _KILL),
            _op(_LOAD, _NUMBER),
            _op(_JUMP_AT_LEAST, _X32, skip_unless=1),
            _op(_RETURN, _KILL),
            *(_refuse(number, _EPERM) for number in numbers if number is not None),
            _refuse(_CLONE3, _ENOSYS),
            # clone: a thread, or nothing
            _op(_JUMP_EQUAL, this.clone, skip_unless=4),
            _op(_LOAD, _ARGUMENT_0),
            _op(_JUMP_SET, _CLONE_THREAD, skip_unless=1),
            _op(_RETURN, _ALLOW),
            _op(_RETURN, _FAIL | _EPERM),
            # prctl: not dumpable again, or a crash could hand its memory to the host's core handler
            _op(_JUMP_EQUAL, this.prctl, skip_unless=5),
            _op(_LOAD, _ARGUMENT_0),
            _op(_JUMP_EQUAL, _PR_SET_DUMPABLE, skip_unless=3),
            _op(_LOAD, _ARGUMENT_1),
            _op(_JUMP_EQUAL, 0, skip_if=1),
            _op(_RETURN, _FAIL | _EPERM),
            _op(_RETURN, _ALLOW),
        )
    )


def _op(code: int, value: int, *, skip_if: int = 0, skip_unless: int = 0) -> bytes:
    """One `struct sock_filter`; jumps say how many instructions they pass over."""
    return struct.pack("=HBBI", code, skip_if, skip_unless, value)


def _refuse(number: int, error: int) -> bytes:
    return _op(_JUMP_EQUAL, number, skip_unless=1) + _op(_RETURN, _FAIL | error)

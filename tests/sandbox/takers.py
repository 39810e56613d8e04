"""Code that takes without end, one a function: each returns whether it got more than its share.

Sent into the sandbox as text; never imported here.
"""

import atexit
import contextlib
import ctypes
import mmap
import os
import re
import resource
import signal
import sys
import threading
import time

SHARE = {"threads": 64, "files": 64, "file": 16 << 20, "tmp": 64 << 20}


def _deaf():
    """Hear no alarm but the last."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    for number in (signal.SIGXCPU, signal.SIGPROF, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def cpu__loop():
    while True:
        pass


def cpu__loop_that_hears_no_signal():
    _deaf()
    while True:
        pass


def cpu__pattern():
    return re.match("(a|a)*$", "a" * 60 + "b")


def cpu__large_power():
    return 7 ** (7**12)


def cpu__threads():
    for _ in range(8):
        threading.Thread(target=cpu__loop).start()
    cpu__loop()


def cpu__forks():
    while True:
        with contextlib.suppress(OSError):
            os.fork()


def cpu__prints():
    while True:
        print("x" * 9999)


def cpu__recursion():
    def deeper():
        return deeper()

    sys.setrecursionlimit(10**9)
    return deeper()


def output__replies():
    while True:
        os.write(3, b"x" * 65536)


def files__empty():
    number = 0
    while True:
        os.close(os.open(f"/tmp/{number}", os.O_CREAT))
        number += 1


def files__folders():
    while True:
        os.mkdir("d")
        os.chdir("d")


def files__links():
    number = 0
    while True:
        os.symlink("x", f"/tmp/{number}")
        number += 1


def waited__sleep():
    time.sleep(10**6)


def waited__deadlock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def waited__pipe():
    reading, _ = os.pipe()
    os.read(reading, 1)


def exited__thread_bomb():
    started = 0
    with contextlib.suppress(RuntimeError):
        while True:
            threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
            started += 1
    return started > SHARE["threads"]


def exited__memory():
    return bytearray(10**12)


def exited__memory_piece_by_piece():
    kept = []
    while True:
        kept.append(bytearray(10**6))


def exited__mapped_memory():
    kept = []
    while True:
        kept.append(mmap.mmap(-1, 1 << 26))


def exited__one_large_file():
    written = 0
    with open("/tmp/f", "wb", 0) as file, contextlib.suppress(OSError):
        while True:
            written += file.write(bytes(1 << 20))
    return written > SHARE["file"]


def exited__many_large_files():
    written = 0
    with contextlib.suppress(OSError):
        for number in range(1000):
            with open(f"/tmp/{number}", "wb", 0) as file:
                written += sum(file.write(bytes(1 << 20)) for _ in range(15))
    return written > SHARE["tmp"]


def exited__sparse_file():
    open("/tmp/f", "w").close()
    return os.truncate("/tmp/f", 1 << 40) is None


def exited__open_files():
    kept = []
    with contextlib.suppress(OSError):
        while True:
            kept.append(os.open("/dev/null", 0))
    return len(kept) > SHARE["files"]


def exited__pipes():
    kept = 0
    with contextlib.suppress(OSError):
        while True:
            _, writing = os.pipe()
            os.set_blocking(writing, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    kept += os.write(writing, bytes(1 << 16))
    return kept > SHARE["tmp"]


def exited__at_exit():
    atexit.register(time.sleep, 99)


def exited__thread_left_behind():
    threading.Thread(target=time.sleep, args=(99,)).start()


def exited__input():
    return input()


def exited__crash():
    return ctypes.string_at(0)


def exited__crash_with_a_core():
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
    os.abort()


def exited__calls_of_another_processor():
    return ctypes.CDLL(None).syscall(ctypes.c_long(0x40000039)) >= 0

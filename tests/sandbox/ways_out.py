"""Ways out of a sandbox, one a function: each returns what it got hold of, or fails.

Sent into the sandbox as text, with OUTSIDE filled in; never imported here.
"""

import contextlib
import ctypes
import multiprocessing
import os
import platform
import resource
import socket
import stat
import subprocess
import time
import urllib.request

libc = ctypes.CDLL(None, use_errno=True)
OUTSIDE = globals().get("OUTSIDE", {})


def _syscall(x86_64, aarch64, *args):
    number = x86_64 if platform.machine() == "x86_64" else aarch64
    done = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, args))
    return done if done >= 0 else None


def _opened(paths, mode):
    got = []
    for path in paths:
        with contextlib.suppress(OSError):
            open(path, mode)
            got.append(path)
    return got


# -- network


def tcp():
    return socket.create_connection(("127.0.0.1", OUTSIDE["port"]), 2)


def udp():
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return sender.sendto(b"x", ("127.0.0.1", OUTSIDE["port"]))


def unix_socket():
    client = socket.socket(socket.AF_UNIX)
    client.connect("\0" + OUTSIDE["name"])
    return client


def raw_socket():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


def netlink():
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)


def vsock():
    return socket.socket(socket.AF_VSOCK)


def dns():
    return socket.getaddrinfo("example.com", 80)


def http():
    return urllib.request.urlopen(f"http://127.0.0.1:{OUTSIDE['port']}")


# -- processes


def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid


def vfork():
    return _syscall(58, -1)


def clone():
    return _syscall(56, 220, 17, 0, 0, 0, 0)


def clone3():
    arguments = (ctypes.c_uint64 * 11)()
    arguments[4] = 17
    return _syscall(435, 435, ctypes.addressof(arguments), 88)


def spawn():
    return os.posix_spawn("/python/bin/python3", ["python3"], {})


def run_subprocess():
    return subprocess.run(["/python/bin/python3"], check=False)


def run_multiprocessing():
    process = multiprocessing.Process(target=print)
    process.start()
    return process.pid


def shell():
    return os.execv("/bin/sh", ["sh", "-c", "true"])


# -- other processes


def signal_the_first():
    return os.kill(1, 0) is None


def signal_everybody():
    return os.kill(-1, 9) is None


def signal_a_thread():
    return _syscall(234, 131, 1, 1, 9)


def handle_of_a_process():
    return os.pidfd_open(1)


def ptrace():
    return _syscall(101, 117, 16, 1, 0, 0)


def memory_of_others():
    return _syscall(310, 270, 1, 0, 0, 0, 0, 0)


def proc():
    return os.listdir("/proc")


def proc_of_its_own():
    os.mkdir("/tmp/p")
    return libc.mount(b"proc", b"/tmp/p", b"proc", 0, 0) == 0


# -- files


def host_file():
    return open(OUTSIDE["canary"]).read()


def passwords():
    return open("/etc/passwd").read()


def project():
    return os.listdir(OUTSIDE["project"])


def home():
    return [path for path in ("/root", "/home", "/etc", "/usr") if os.path.exists(path)]


def symlink():
    os.symlink(OUTSIDE["canary"], "/tmp/link")
    return open("/tmp/link").read()


def hard_link():
    os.link(OUTSIDE["canary"], "/tmp/link")
    return open("/tmp/link").read()


def above_the_root():
    os.chdir("/tmp/" + "../" * 40)
    return set(os.listdir(".")) - {"dev", "python", "tmp"}


def file_by_handle():
    handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0\x02" + bytes(20))
    return _syscall(304, 265, os.open("/", 0), ctypes.addressof(handle), 0)


def devices():
    return set(os.listdir("/dev")) - {"null", "urandom"}


def device_of_its_own():
    return os.mknod("/tmp/m", 0o600 | stat.S_IFCHR, os.makedev(1, 1)) is None


def inherited_files():
    got = []
    for descriptor in range(4, 1024):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            got.append(descriptor)
    return got


def read_the_replies():
    return os.read(3, 1)


def write_everywhere():
    folders = [top for top, _, _ in os.walk("/") if not top.startswith("/tmp")]
    return _opened([f"{folder}/x" for folder in folders], "w")


def change_the_interpreter():
    files = [f"{top}/{name}" for top, _, names in os.walk("/python") for name in names[:2]]
    return _opened(files, "r+b")


def installed_packages():
    return [top for top, _, names in os.walk("/python") if top.endswith("-packages") and names]


# -- what is known


def environment():
    known = {"PYTHONHOME", "PYTHONHASHSEED", "MALLOC_ARENA_MAX", "PWD", "LC_CTYPE"}
    return os.environ.keys() - known


def user_name():
    return os.getlogin()


def host_name():
    return socket.gethostname() != "sandbox"


def kernel_keyring():
    return _syscall(250, 219, 0, -3, 0)


def kernel_log():
    return _syscall(103, 116, 3, 0, 0)


# -- rights


def setuid():
    return os.setuid(0) is None


def setgroups():
    return os.setgroups([0]) is None


def user_namespace():
    return libc.unshare(0x10000000) == 0


def mount():
    return libc.mount(b"none", b"/tmp", b"tmpfs", 0, 0) == 0


def unmount():
    return libc.umount2(b"/tmp", 2) == 0


def writable_root():
    return libc.mount(b"none", b"/", b"none", 32, 0) == 0


def chroot():
    return os.chroot("/tmp") is None


def pivot_root():
    return _syscall(155, 41, 0, 0)


def higher_limits():
    return resource.setrlimit(resource.RLIMIT_AS, (-1, -1)) is None


def priority():
    return os.setpriority(0, 0, -10) is None


def clock():
    return time.clock_settime(0, 0) is None


def reboot():
    return libc.reboot(0) == 0


def kernel_programs():
    return _syscall(321, 280, 0, 0, 0)


def io_uring():
    return _syscall(425, 425, 1, ctypes.addressof(ctypes.create_string_buffer(200)))


def performance_counters():
    return _syscall(298, 241, 0, 0, -1, -1, 0)


def dumpable_again():
    return libc.prctl(4, 1, 0, 0, 0) == 0


def new_rights():
    return libc.prctl(39, 0, 0, 0, 0) == 0


# -- memory that nobody counts


def anonymous_file():
    return os.memfd_create("x")


def shared_memory():
    return _syscall(29, 194, 0, 1 << 30, 0o1600)


def message_queue():
    return _syscall(68, 186, 0, 0o1600)


def locked_memory():
    return libc.mlockall(3) == 0

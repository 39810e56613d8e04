"""This Python → the few files a sandboxed program sees: interpreter, standard library, libraries.

Everything is found from the running interpreter, so a system Python, a pyenv, uv or conda one and a
container's all give the same small root:

    /python/bin/python3    the interpreter
    /python/libs/          the shared libraries it and its extension modules load, and the loader
    /python/lib/python3.x  the standard library, without site-packages
    /dev/null, /dev/urandom, and /tmp, the only place that can be written to

No /proc, /etc, /home, /usr or project folder. Started through the loader, which is told where the
libraries are, because the paths that are compiled in do not exist there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from llmroute.errors import InputError

HOME = "/python"
INTERPRETER = f"{HOME}/bin/python3"
LIBRARIES = f"{HOME}/libs"

# Extension modules that bring libraries of their own; one that is not there brings none.
_SHOW_LIBRARIES = """
import importlib
for name in ('_bz2', '_ctypes', '_decimal', '_hashlib', '_lzma', '_sqlite3', '_ssl', '_uuid',
             'math', 'pyexpat', 'zlib'):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
print(open('/proc/self/maps').read())
"""
_DISCOVERY_TIMEOUT_S = 60.0


@cache
def root_arguments(tmp_bytes: int) -> tuple[str, ...]:
    """bubblewrap's arguments that lay the root out.

    Args:
        tmp_bytes: what fits in /tmp.

    Raises:
        InputError: the interpreter's files cannot be found.
    """
    library = _standard_library()
    inside = f"{HOME}/{library.relative_to(sys.base_prefix)}"
    return (
        *_folders(HOME, f"{HOME}/bin", LIBRARIES, *_between(HOME, inside), "/dev"),
        *_bind(_interpreter(), INTERPRETER),
        *_library_arguments(),
        *_bind(library, inside),
        *_hide_packages(library, inside),
        *("--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom"),
        *("--perms", "1777", "--size", str(tmp_bytes), "--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
        *("--remount-ro", "/", "--chdir", "/tmp"),  # noqa: S108 - the same
    )


def interpreter_command(program: str) -> tuple[str, ...]:
    """The command that runs a program's text inside: through the loader, with no site-packages.

    -P: no folder on the path; -B: no bytecode is written.
    """
    loader = f"{LIBRARIES}/{_loader().name}"
    python = (INTERPRETER, "-S", "-s", "-P", "-B", "-X", "utf8", "-c", program)
    return (loader, "--library-path", LIBRARIES, *python)


ENVIRONMENT = {
    "PYTHONHOME": HOME,
    "PYTHONHASHSEED": "0",  # sets of texts come in one order: the same code scores the same
    "MALLOC_ARENA_MAX": "1",  # else each thread reserves 64 MB of the address space
}


def _interpreter() -> Path:
    return Path(os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))


def _standard_library() -> Path:
    library = Path(os.path.realpath(sysconfig.get_path("stdlib")))
    base = Path(os.path.realpath(sys.base_prefix))
    if not library.is_relative_to(base):
        raise _not_found("the standard library")
    return Path(sys.base_prefix) / library.relative_to(base)


@cache
def _libraries() -> tuple[Path, ...]:
    """The shared libraries a fresh interpreter has mapped, real paths, the loader among them."""
    try:
        shown = subprocess.run(  # noqa: S603 - our own interpreter
            [str(_interpreter()), "-S", "-s", "-c", _SHOW_LIBRARIES],
            env={k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"},
            capture_output=True,
            text=True,
            check=True,
            timeout=_DISCOVERY_TIMEOUT_S,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise _not_found("the interpreter's libraries") from error
    mapped = {line.split(maxsplit=5)[5] for line in shown.splitlines() if "/" in line}
    inside = os.path.realpath(_standard_library()) + os.sep
    files = (Path(name) for name in sorted(mapped) if not name.startswith(inside))
    return tuple(file for file in files if ".so" in file.name and file.is_file())


def _loader() -> Path:
    """The program that loads shared libraries: ld-linux-x86-64.so.2, ld-musl-aarch64.so.1, ..."""
    for file in _libraries():
        if file.name.startswith("ld"):
            return file
    raise _not_found("the dynamic loader")


def _library_arguments() -> Iterator[str]:
    """Each library under its own name, and links under the names by which others ask for it."""
    for file in _libraries():
        yield from _bind(file, f"{LIBRARIES}/{file.name}")
        for entry in os.scandir(file.parent):
            if entry.is_symlink() and entry.name != file.name and _leads_to(entry.path, file):
                yield from ("--symlink", file.name, f"{LIBRARIES}/{entry.name}")


def _leads_to(link: str, file: Path) -> bool:
    stem = file.name.partition(".so")[0]
    return Path(link).name.startswith(stem) and os.path.realpath(link) == str(file)


def _hide_packages(library: Path, inside: str) -> Iterator[str]:
    """Installed packages are none of the code's business; Debian calls the folder otherwise."""
    for name in ("site-packages", "dist-packages"):
        if (library / name).is_dir():
            folder = f"{inside}/{name}"
            yield from ("--size", "4096", "--tmpfs", folder, "--remount-ro", folder)


def _between(top: str, folder: str) -> Iterator[str]:
    """The folders between two, which bubblewrap would make for root alone."""
    for parent in reversed(Path(folder).parents):
        if parent.is_relative_to(top) and str(parent) != top:
            yield str(parent)


def _folders(*paths: str) -> Iterator[str]:
    for path in paths:
        yield from ("--perms", "0755", "--dir", path)


def _bind(source: Path, place: str) -> tuple[str, str, str]:
    return ("--ro-bind", str(source), place)


def _not_found(what: str) -> InputError:
    return InputError(
        f"{what} of this Python cannot be found, which the sandbox for generated code needs",
        where=str(_interpreter()),
        fix="Run llmroute with an ordinary CPython installation.",
    )

"""Bytes → a file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from llmroute.errors import OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterator


def atomic_write(path: Path | str, content: str | bytes) -> None:
    """Put `content` (text as UTF-8) where `path` says: the old file or the new one, never a part.

    The folder is made where it is missing; a link is followed, and the mode of a file that is
    replaced is kept.

    Raises:
        OutsideError: the disk is full, the folder is read-only or the path is no place for a file.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_writer(path) as stream:
        stream.write(data)


@contextmanager
def atomic_writer(path: Path | str) -> Iterator[BinaryIO]:
    """A binary stream whose bytes stand at `path` once the block has ended without an error.

    Raises:
        OutsideError: as `atomic_write`.
    """
    shown = Path(path)
    try:
        place = Path(os.path.realpath(path))
        if place.exists() and not place.is_file() and not place.is_dir():
            with place.open("wb") as pipe:  # /dev/stdout or a FIFO: nothing there to be kept whole
                yield pipe
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(place) as stream:
            yield stream
    except OSError as error:
        raise file_error(error, shown) from error


@contextmanager
def _replacing(place: Path) -> Iterator[BinaryIO]:
    _remove_orphans(place)
    token = f"{os.getpid()}-{secrets.token_hex(4)}"
    temporary = place.with_name(f".{place.name[:180]}.{token}.tmp")
    # Opened by number so that the umask gives the mode, as for any file; mkstemp would give 0600.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if place.exists():
            temporary.chmod(place.stat().st_mode & 0o777)
        temporary.replace(place)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(place.parent)


_BINARY: int = getattr(os, "O_BINARY", 0)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with suppress(OSError):  # some file systems refuse it; the file itself is on disk
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_orphans(place: Path) -> None:
    """Temporary files of this target whose process was killed while writing."""
    if os.name != "posix":
        return
    ours = re.compile(re.escape(f".{place.name[:180]}.") + r"(\d{1,9})-[0-9a-f]{8}\.tmp")
    for entry in os.scandir(place.parent):
        match = ours.fullmatch(entry.name)
        if match and not _is_alive(int(match[1])):
            with suppress(OSError):
                Path(entry.path).unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def file_error(error: OSError, path: Path | str) -> OutsideError:
    """The operating system's refusal, as an error that says how to mend it."""
    fix = _FIXES.get(error.errno or 0, "Check the path and the permissions of its folder.")
    return OutsideError(f"cannot write: {error.strerror or error}", where=str(path), fix=fix)


_FULL = "Free some space or choose another folder, then run the same command again."
_REFUSED = "Choose a folder you may write to, or change its permissions."
_FIXES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _REFUSED,
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EISDIR: "This is a folder: name a file.",
    errno.ENOTDIR: "A part of this path is a file, not a folder: choose another path.",
    errno.EEXIST: "A part of this path is a file, not a folder: choose another path.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}

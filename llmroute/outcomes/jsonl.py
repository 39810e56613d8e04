"""JSON lines ⇄ objects, plain or gzipped, whatever wrote them."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from llmroute.errors import LogFormatError
from llmroute.files import atomic_writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_LINE_BYTES = 64 << 20
"""A longer line is no log of prompts; it is refused before it fills the memory."""

_GZIP_MAGIC = b"\x1f\x8b"


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each line that is not blank; gzip is known by its first bytes.

    Raises:
        LogFormatError: the file cannot be read, or a line is no JSON object.
    """
    for number, line in _lines(path):
        if line.isspace():
            continue
        yield number, parse_object(line, f"{path}:{number}")


def write_objects(path: Path, objects: Iterable[Any]) -> None:
    """Write one JSON object a line, gzipped where the name ends in `.gz`.

    Equal objects give equal bytes.

    Raises:
        OutsideError: the file cannot be written; the one that was there stays.
    """
    with atomic_writer(path) as stream:
        if path.suffix != ".gz":
            stream.writelines(map(_line, objects))
            return
        # No name and no time in the header: they would differ from run to run.
        with gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed:
            packed.writelines(map(_line, objects))


def _line(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair: only its escape can be written
        return json.dumps(value).encode() + b"\n"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with open_bytes(path) as stream:
        yield from numbered_lines(stream, str(path))


def numbered_lines(stream: IO[bytes], where: str) -> Iterator[tuple[int, bytes]]:
    """(line number, line) of a stream, as the lines come, without a byte-order mark.

    Raises:
        LogFormatError: a line is longer than any log's.
    """
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise LogFormatError(
                f"the line is longer than {MAX_LINE_BYTES >> 20} MiB",
                where=f"{where}:{number}",
                fix="Write one JSON object a line; is this one JSON array over the whole file?",
            )
        yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked where they are gzipped.

    Raises:
        LogFormatError: it cannot be read, or is damaged.
    """
    with _reading(path), _open(path) as stream:
        yield stream


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as stream:
        is_gzip = stream.read(2) == _GZIP_MAGIC
        stream.seek(0)
        if not is_gzip:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream, mode="rb") as unpacked:
            yield cast("IO[bytes]", unpacked)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise LogFormatError(
            f"the compressed file is damaged or ends early: {error}",
            where=str(path),
            fix="Copy or write it again.",
        ) from error
    except OSError as error:
        raise LogFormatError(
            f"cannot read the file: {error.strerror or error}",
            where=str(path),
            fix="Check the path and its permissions.",
        ) from error


def parse_object(line: bytes, where: str) -> dict[str, Any]:
    """The JSON object on a line.

    Raises:
        LogFormatError: it is none.
    """
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise LogFormatError(
            "the JSON is nested too deeply", where=where, fix="Remove the line."
        ) from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, numbers of 5,000 digits
        raise _unreadable(line, where, error) from error
    if not isinstance(value, dict):
        raise LogFormatError(
            f"the line holds {_noun(value)}, not a JSON object",
            where=where,
            fix='Write one object a line: {"id": ..., ...}.',
        )
    return value


def _unreadable(line: bytes, where: str, error: ValueError) -> LogFormatError:
    if isinstance(error, UnicodeDecodeError):
        return LogFormatError("the text is not UTF-8", where=where, fix="Save it as UTF-8.")
    if not line.endswith(b"\n"):
        return LogFormatError(
            "the last line ends in the middle: whatever wrote the file was stopped",
            where=where,
            fix="Remove that line, or write the file again.",
        )
    return LogFormatError(f"not JSON: {error}", where=where, fix="Write one JSON object a line.")


def _noun(value: object) -> str:
    nouns = {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return nouns.get(type(value), "a number")

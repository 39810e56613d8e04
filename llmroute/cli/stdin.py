"""What stands on stdin, or in a file named instead → text and objects, or a message."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MAX_TEXT_BYTES = 64 << 20


def read_text(path: Path) -> str:
    """The whole text of a file, `-` being stdin.

    Raises:
        InputError: it is not UTF-8 text, cannot be read, or is larger than 64 MiB.
    """
    from llmroute.errors import InputError

    if str(path) == "-":
        return _decoded(sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), "stdin")
    try:
        with path.open("rb") as stream:
            return _decoded(stream.read(MAX_TEXT_BYTES + 1), str(path))
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", where=str(path), fix="Check the path."
        ) from error


def read_objects() -> Iterator[tuple[str, dict[str, Any]]]:
    """("stdin:LINE", object) of each line of stdin that is not blank, as the lines come.

    Raises:
        LogFormatError: a line is no JSON object.
    """
    from llmroute.outcomes.jsonl import numbered_lines, parse_object

    stream: IO[bytes] = sys.stdin.buffer
    for number, line in numbered_lines(stream, "stdin"):
        if not line.isspace():
            yield f"stdin:{number}", parse_object(line, f"stdin:{number}")


def _decoded(content: bytes, where: str) -> str:
    from llmroute.errors import InputError

    if len(content) > MAX_TEXT_BYTES:
        raise InputError(f"more than {MAX_TEXT_BYTES >> 20} MiB of text", where=where)
    at = content.find(b"\0")
    if at >= 0:
        raise InputError(
            f"this is binary data, not text (a zero byte at {at:,})",
            where=where,
            fix="Send the prompt as UTF-8 text.",
        )
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the text is not UTF-8 (byte {error.start:,} is 0x{content[error.start]:02x})",
            where=where,
            fix="Save or send it as UTF-8.",
        ) from error

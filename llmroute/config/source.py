"""File → text, and a place in it → the line a message shows."""

from __future__ import annotations

import re
import stat
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from llmroute.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_YAML_BYTES = 10_000_000
MAX_SHOWN_COLUMNS = 100

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SECRET = re.compile(
    r"""(?ix)
    (?:\b|_)(?:api[_-]?key|secret|password|authorization|token)["']?\s*[:=]\s*
    (?P<value>"[^"]*"?|'[^']*'?|[^\s,}\]]+)
    | (?P<bare>\b(?:sk|pk|gsk|xai|hf|AIza)[-_A-Za-z0-9]{16,})
    """
)


class Place(NamedTuple):
    """A character of a file; lines and columns count from 1.

    A tuple, because a large file has hundreds of thousands of them.
    """

    line: int
    column: int

    def within(self, name: str) -> str:
        """`file:line:column`.

        >>> Place(3, 7).within("llmroute.yaml")
        'llmroute.yaml:3:7'
        """
        return f"{name}:{self.line}:{self.column}"


def read_text(
    path: Path, error: type[InputError] = InputError, *, max_bytes: int = MAX_YAML_BYTES
) -> str:
    """The file's text, decoded from UTF-8 with or without a byte-order mark.

    Raises:
        InputError: of the given type, where there is no such file, it is a folder or a device,
            may not be read, is larger than `max_bytes`, or is not UTF-8 text.
    """
    where = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise error("is a folder, not a file", where=where, fix="Name a file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise error("is not a regular file", where=where, fix="Name a file on disk.")
        if status.st_size > max_bytes:
            raise _too_large(status.st_size, max_bytes, where, error)
        raw = path.read_bytes()
    except FileNotFoundError as cause:
        fix = f"Check the path; {neighbours(path)}"
        raise error("there is no such file", where=where, fix=fix) from cause
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or str(cause)
        fix = "Check the path and its permissions."
        raise error(f"cannot be read: {reason}", where=where, fix=fix) from cause
    return decode(raw, where, error)


def decode(raw: bytes, where: str, error: type[InputError] = InputError) -> str:
    """The bytes as text, without a byte-order mark; line ends as they are.

    Raises:
        InputError: of the given type, where the bytes are not UTF-8 text.
    """
    if raw.startswith(_UTF16_MARKS):
        raise error("is UTF-16, not UTF-8", where=where, fix="Save the file as UTF-8.")
    if b"\0" in raw:
        fix = "Name a text file in UTF-8."
        raise error("is a binary file: it contains NUL bytes", where=where, fix=fix)
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as cause:
        before = raw[: cause.start].decode("utf-8", "replace")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        what = f"byte 0x{raw[cause.start]:02x} is not UTF-8 text"
        raise error(what, where=place.within(where), fix="Save the file as UTF-8.") from cause


def neighbours(path: Path, *, limit: int = 10) -> str:
    """A clause that says what lies where `path` was looked for."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    except OSError:
        return f"{folder} cannot be listed."
    names = [name for name in names if not name.startswith(".")]
    if not names:
        return f"{folder} is empty."
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{folder} holds {', '.join(names[:limit])}{more}."


def excerpt(text: str, place: Place) -> str:
    """The line of a place with a caret under its column, safe to print.

    Long lines are cut to a window, characters that cannot be printed are dots, and what looks like
    a key is blotted out.

    >>> print(excerpt("a: 1\\nb: [2", Place(2, 4)))
      2 | b: [2
        |    ^
    """
    line = blot_secrets(_line(text, place.line))
    start = max(0, place.column - 1 - MAX_SHOWN_COLUMNS // 2)
    start = start if len(line) > MAX_SHOWN_COLUMNS else 0
    shown = _printable(line[start : start + MAX_SHOWN_COLUMNS])
    lead, tail = "…" * (start > 0), "…" * (len(line) > start + MAX_SHOWN_COLUMNS)
    before = lead + shown[: place.column - 1 - start]
    number = f"{place.line:>3}"
    return f"{number} | {lead}{shown}{tail}\n{' ' * len(number)} | {' ' * _width(before)}^"


def blot_secrets(line: str) -> str:
    """The line with every value that looks like a key replaced, character for character.

    >>> blot_secrets("{api_key: sk-12, name: a}")
    '{api_key: •••••, name: a}'
    """

    def blot(match: re.Match[str]) -> str:
        secret = match["value"] or match["bare"]
        if secret.strip("\"'").startswith("${"):
            return match[0]
        return match[0][: len(match[0]) - len(secret)] + "•" * len(secret)

    return _SECRET.sub(blot, line)


def _line(text: str, number: int) -> str:
    start = 0
    for _ in range(number - 1):
        end = text.find("\n", start)
        if end < 0:
            return ""
        start = end + 1
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)].rstrip("\r")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " if c == "\t" else "·" for c in text)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _too_large(size: int, limit: int, where: str, error: type[InputError]) -> InputError:
    return error(
        f"is {size / 1e6:.1f} MB, more than the {limit / 1e6:g} MB that are read",
        where=where,
        fix="Move the samples into a JSONL file and name it with 'samples:'.",
    )

"""A log file → its entries, one after the other: JSON lines, a JSON list, or a list under "data".

A list is read piece by piece, so that a log of any length takes the memory of one entry.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from llmroute.errors import LogFormatError
from llmroute.outcomes.jsonl import MAX_LINE_BYTES, open_bytes, read_objects

_PIECE_BYTES = 1 << 20
_SPACE = " \t\r\n"


def read_entries(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file and place in it, object) of each entry.

    Raises:
        LogFormatError: the file cannot be read, is no JSON, or an entry is no object.
    """
    start = _start(path)
    if "\0" in start:
        raise LogFormatError(
            "this is a binary file",
            where=str(path),
            fix="A log is JSON: one object a line, or one list of objects.",
        )
    if start.startswith("["):
        yield from _elements(path)
    elif _is_page(start):
        yield from _page(path)
    else:
        for number, entry in read_objects(path):
            yield f"{path}:{number}", entry


def _start(path: Path) -> str:
    with open_bytes(path) as stream:
        return stream.read(4096).removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").lstrip()


def _is_page(start: str) -> bool:
    """Whether an object over several lines, or one that begins with its data, begins here."""
    first, newline, _ = start.partition("\n")
    return (bool(newline) and first.strip() == "{") or start[1:].lstrip().startswith('"data"')


def _page(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of one object, such as a page of `/spend/logs/ui`."""
    with open_bytes(path) as stream:
        text = stream.read(MAX_LINE_BYTES + 1)
    if len(text) > MAX_LINE_BYTES:
        raise LogFormatError(
            f"the object is longer than {MAX_LINE_BYTES >> 20} MiB", where=str(path)
        )
    try:
        page = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LogFormatError(
            f"not JSON: {error}", where=str(path), fix="Write one JSON object a line."
        ) from error
    data = page.get("data", [page]) if isinstance(page, dict) else [page]
    for number, entry in enumerate(data if isinstance(data, list) else [data], 1):
        where = f"{path}, entry {number}"
        yield where, _checked(entry, where)


def _elements(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The elements of one list."""
    with open_bytes(path) as stream:
        pieces = _Pieces(stream, path)
        pieces.skip("[")
        number = 0
        while not pieces.at("]"):
            number += 1
            where = f"{path}, entry {number}"
            yield where, _checked(pieces.take(where), where)
            if not pieces.at("]"):
                pieces.skip(",")
        pieces.skip("]")
        if pieces.at_more():
            raise LogFormatError(
                "there is more after the list", where=str(path), fix="Write one list a file."
            )


class _Pieces:
    """A text that is read as far as its next value needs."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._ended = False

    def at(self, mark: str) -> bool:
        """Whether the next character that is no space is this."""
        return self._next() == mark

    def at_more(self) -> bool:
        """Whether anything is left."""
        return self._next() != ""

    def skip(self, mark: str) -> None:
        if not self.at(mark):
            found = self._next()
            raise LogFormatError(
                f"{found!r} stands where {mark!r} should" if found else "the list has no end",
                where=str(self._path),
                fix="Whatever wrote the file was stopped, or it is no JSON list: write it again.",
            )
        self._at += 1

    def take(self, where: str) -> Any:
        """The next value."""
        self._next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise LogFormatError("the JSON is nested too deeply", where=where) from error
            except ValueError as error:
                if self._ended or len(self._text) - self._at > MAX_LINE_BYTES:
                    raise LogFormatError(f"not JSON: {error}", where=where) from error
                self._more(len(self._text))
                continue
            if end < len(self._text) or self._ended:  # a number may go on in the next piece
                self._at = end
                return value
            self._more(0)

    def _next(self) -> str:
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more(0)

    def _more(self, least: int) -> None:
        """Read on: at least as much as is there, so that a long value is tried a few times only."""
        raw = self._stream.read(max(_PIECE_BYTES, least))
        self._ended = not raw
        try:
            text = self._decode(raw, final=self._ended)
        except UnicodeDecodeError as error:
            raise LogFormatError(
                "the text is not UTF-8", where=str(self._path), fix="Save it as UTF-8."
            ) from error
        self._text = self._text[self._at :] + text
        self._at = 0


def _checked(entry: Any, where: str) -> dict[str, Any]:
    if isinstance(entry, dict):
        return entry
    raise LogFormatError(
        "the entry is no JSON object", where=where, fix='Write objects: {"model": ..., ...}.'
    )

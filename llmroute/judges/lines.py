"""A table of labels, CSV or JSONL → its lines, whose cells are read with their place in hand."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmroute.errors import LogFormatError
from llmroute.outcomes.jsonl import read_objects


@dataclass(frozen=True, slots=True)
class Line:
    """What one line holds, and the words that say which it is."""

    content: Mapping[str, Any]
    where: str
    path: Path

    def text(self, *names: str) -> str | None:
        """The first of the names that holds something."""
        for name in names:
            value = self.content.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, str) or type(value) is int:
                return str(value).strip() if isinstance(value, str) else str(value)
            raise self.fault(f"{name!r} is {value!r}, not a text", "Put it in quotes.")
        return None

    def need(self, *names: str) -> str:
        """The same, where there must be one."""
        found = self.text(*names)
        if found is None:
            raise self.fault(f"{names[0]!r} is missing", f"Add {names[0]!r} to the line.")
        return found

    def number(self, name: str, default: float, *, whole: bool = False) -> float:
        """A finite number of at least 0."""
        value = self.content.get(name)
        if value is None or value == "":
            return default
        number = number_in(value)
        if number is None or not 0 <= number < 2**53 or (whole and number != int(number)):
            kind = "whole number" if whole else "number"
            raise self.fault(f"{name!r} is {value!r}, not a {kind} of at least 0", "Correct it.")
        return number

    def fault(self, what: str, fix: str) -> LogFormatError:
        """What is wrong with the line, cut where a text of others makes it long."""
        shown = what if len(what) < 200 else f"{what[:197]}..."
        return LogFormatError(shown, where=self.where, fix=fix)


def number_in(value: Any) -> float | None:
    """The number a JSON value or a cell says, or None where it says none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a CSV or JSONL file that hold something.

    Raises:
        LogFormatError: it cannot be read as what its name says.
    """
    found = _csv_records(path) if path.suffix.lower() == ".csv" else read_objects(path)
    for number, content in found:
        yield Line(content, f"{path}:{number}", path)


def _csv_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each record as a mapping, empty cells left out; semicolons where the header has them."""
    text = _csv_text(path)
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if columns is None:
                columns = [cell.strip() for cell in cells]
            elif any(cell.strip() for cell in cells):
                yield start, _record(columns, cells, f"{path}:{start}")
    except csv.Error as error:
        raise LogFormatError(
            f"not CSV: {error}", where=f"{path}:{line}", fix="Save the table as CSV, UTF-8."
        ) from error


def _csv_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LogFormatError(
            "the text is not UTF-8", where=str(path), fix="Save it as 'CSV UTF-8'."
        ) from error
    except OSError as error:
        raise LogFormatError(
            f"cannot read the file: {error.strerror or error}",
            where=str(path),
            fix="Check the path and its permissions.",
        ) from error


def _record(columns: Sequence[str], cells: Sequence[str], where: str) -> dict[str, Any]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise LogFormatError(
            f"the line has {len(cells)} cells, the header {len(columns)}",
            where=where,
            fix="Put texts that hold a comma or a line break in double quotes.",
        )
    pairs = zip(columns, cells, strict=False)
    return {column: _unguarded(cell) for column, cell in pairs if cell.strip()}


def _unguarded(cell: str) -> str:
    """The cell without the apostrophe that kept a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@" else cell

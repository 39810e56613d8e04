"""A suite's samples, inline or from a JSONL or CSV file → Samples, each with its place."""

from __future__ import annotations

import csv
import io
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from llmroute.config.faults import Complaint, complaints, together
from llmroute.config.source import neighbours, read_text
from llmroute.errors import InputError, SuiteError, did_you_mean
from llmroute.records import Sample
from llmroute.suites.schema import SampleEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmroute.config.yaml_source import Document

MAX_FILE_BYTES = 500_000_000
MAX_CSV_CELL_CHARACTERS = 10_000_000
_CSV_COLUMNS = ("id", "input", "target", "tags", "difficulty", "weight", "group")


@dataclass(frozen=True, slots=True)
class PlacedSample:
    """A sample, and where it is written."""

    sample: Sample
    where: str
    """`file:line`, or `file:line:column`."""

    @property
    def place(self) -> str:
        """Where it is written, and its id: for messages."""
        return f"{self.where}, sample {self.sample.id!r}"


@dataclass(frozen=True, slots=True)
class _Row:
    values: dict[str, Any]
    where: str


def inline_samples(entries: Iterable[SampleEntry], document: Document) -> list[PlacedSample]:
    """The samples written in the suite file itself."""
    return [
        PlacedSample(_sample(entry), document.where(("samples", index)))
        for index, entry in enumerate(entries)
    ]


def read_samples(path: Path) -> list[PlacedSample]:
    """The samples of a JSONL or CSV file.

    Raises:
        SuiteError: the file cannot be read or a sample is not usable; with file, line and sample.
    """
    readers: dict[str, Callable[[Path], Iterator[_Row]]] = {
        ".csv": _csv_rows,
        ".jsonl": _jsonl_rows,
        ".ndjson": _jsonl_rows,
    }
    read = readers.get(path.suffix.lower())
    if read is None:
        what = f"samples are read from .jsonl and .csv files, not {path.suffix or 'this'!r}"
        fix = "Write one JSON object a line into a .jsonl file."
        raise SuiteError(what, where=str(path), fix=fix)
    samples, faults = [], []
    for row in read(path):
        try:
            entry = SampleEntry.model_validate(row.values)
            samples.append(PlacedSample(_sample(entry), row.where))
        except ValidationError as cause:
            faults += [_fault(row, complaint) for complaint in complaints(SampleEntry, cause)]
    if faults:
        raise together(faults)
    return samples


def check_ids(samples: list[PlacedSample]) -> None:
    """Nothing, where no two samples carry one id.

    Raises:
        SuiteError: two do; with both places.
    """
    first: dict[str, PlacedSample] = {}
    faults: list[InputError] = []
    for placed in samples:
        other = first.setdefault(placed.sample.id, placed)
        if other is not placed:
            what = f"the id is used twice; first at {other.where}"
            fix = "Give each sample an id of its own; results are kept by it."
            faults.append(SuiteError(what, where=placed.place, fix=fix))
    if faults:
        raise together(faults)


def samples_path(written: str, document: Document, folder: Path, root: Path | None) -> Path:
    """The samples file a suite names, which lies in or below the suite's or config's folder.

    Raises:
        SuiteError: it is absolute, leads out (by `..` or a link), or is not there.
    """
    path = folder / written
    fix = f"Name a file in or below {folder}, without a leading slash."
    if "\0" in written or Path(written).is_absolute() or written.startswith("~"):
        raise document.fault(("samples",), "the samples file has an absolute path", fix)
    try:
        real = path.resolve()
    except (OSError, RuntimeError) as cause:
        raise document.fault(("samples",), "the samples file's links go in circles", fix) from cause
    allowed = [base.resolve() for base in (folder, root) if base is not None]
    if not any(real.is_relative_to(base) for base in allowed):
        raise document.fault(("samples",), "the samples file lies outside the suite's folder", fix)
    if not real.exists():
        what = f"there is no samples file {written!r}"
        raise document.fault(("samples",), what, f"Check the name; {neighbours(path)}")
    return path


def _sample(entry: SampleEntry) -> Sample:
    return Sample(
        id=entry.id,
        input=entry.input,
        target=entry.target,
        fields=entry.model_extra or {},
        tags=tuple(entry.tags),
        difficulty=entry.difficulty,
        weight=entry.weight,
        group=entry.group,
    )


def _fault(row: _Row, complaint: Complaint) -> InputError:
    sample_id = row.values.get("id")
    named = f", sample {sample_id!r}" if isinstance(sample_id, (str, int)) else ""
    if complaint.what == "the key 'id' is missing":
        fix = "Add an 'id' to every line: results are kept by it, and it must not change."
        complaint = complaint._replace(fix=fix)
    if complaint.what == "the key 'input' is missing":
        fix = did_you_mean("input", row.values, kind="setting").split(" Known", maxsplit=1)[0]
        hint = f" {fix}" if fix.startswith("Did you mean") else ""
        complaint = complaint._replace(fix=f"Add 'input', the prompt's text.{hint}")
    return SuiteError(complaint.what, where=row.where + named, fix=complaint.fix)


# -- JSONL ----------------------------------------------------------------------------------------


def _jsonl_rows(path: Path) -> Iterator[_Row]:
    text = read_text(path, SuiteError, max_bytes=MAX_FILE_BYTES)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _Row(_json_object(line, f"{path}:{number}"), f"{path}:{number}")


def _json_object(line: str, where: str) -> dict[str, Any]:
    fix = 'Write one JSON object a line: {"id": "q1", "input": "…", "target": "…"}'
    try:
        value = json.loads(line, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as cause:
        place = f"{where}:{cause.colno}"
        raise SuiteError(f"not a JSON object: {cause.msg}", where=place, fix=fix) from cause
    except _LineError as cause:
        raise SuiteError(str(cause), where=where, fix=cause.fix) from cause
    except (ValueError, RecursionError) as cause:
        what = "not a JSON object: nested too deeply, or too long a number"
        raise SuiteError(what, where=where, fix=fix) from cause
    if not isinstance(value, dict):
        raise SuiteError("the line is not a JSON object", where=where, fix=fix)
    return value


class _LineError(Exception):
    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def _no_constant(name: str) -> NoReturn:
    raise _LineError(f"{name} is not JSON", "Use a finite number, or leave the value out.")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _LineError(f"the key {twice[:60]!r} is written twice", "Keep one of them.")
    return value


# -- CSV ------------------------------------------------------------------------------------------


def _csv_rows(path: Path) -> Iterator[_Row]:
    text = read_text(path, SuiteError, max_bytes=MAX_FILE_BYTES)
    with _long_cells():
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = _csv_header(next(reader, []), path)
            line = reader.line_num + 1
            for number, cells in enumerate((row for row in reader if row), start=1):
                yield _csv_row(header, cells, number, f"{path}:{line}")
                line = reader.line_num + 1
        except csv.Error as cause:
            fix = "Quote cells with commas, quotes or line breaks, and double quotes inside them."
            where = f"{path}:{reader.line_num}"
            raise SuiteError(f"not valid CSV: {cause}", where=where, fix=fix) from cause


@contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(MAX_CSV_CELL_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv_header(header: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in header]
    where = f"{path}:1"
    fix = f"Begin with a line of column names: {','.join(_CSV_COLUMNS[:3])}."
    if not any(names):
        raise SuiteError("the file has no header", where=where, fix=fix)
    if "" in names:
        raise SuiteError(f"column {names.index('') + 1} has no name", where=where, fix=fix)
    for name in names:
        if names.count(name) > 1:
            raise SuiteError(f"the column {name!r} is there twice", where=where, fix=fix)
    if "input" not in names:
        hint = " Columns are separated by commas." if len(names) == 1 else ""
        what = f"there is no column 'input' among {', '.join(names[:10])}"
        raise SuiteError(what, where=where, fix=fix + hint)
    return names


def _csv_row(header: list[str], cells: list[str], number: int, where: str) -> _Row:
    if len(cells) != len(header):
        what = f"{len(cells)} cells, but the header has {len(header)} columns"
        raise SuiteError(what, where=where, fix="Quote cells that hold commas or line breaks.")
    values: dict[str, Any] = {
        name: cell
        for name, cell in zip(header, cells, strict=True)
        if cell != "" or name not in _CSV_COLUMNS or name == "id"
    }
    values.setdefault("id", str(number))
    if "tags" in values:
        values["tags"] = [tag.strip() for tag in values["tags"].split(";") if tag.strip()]
    if "weight" in values:
        values["weight"] = _weight(values["weight"], where)
    return _Row(values, where)


def _weight(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError as cause:
        what = f"the weight {cell[:40]!r} is not a number"
        raise SuiteError(what, where=where, fix="Write digits alone.") from cause

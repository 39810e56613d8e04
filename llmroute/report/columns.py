"""Rows of text → aligned columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and cells as text; `right` are the columns of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...]
    marked: int | None = None
    """The row that was chosen."""


def align_columns(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str]
) -> str:
    """Columns two spaces apart, those named in `right` to the right, nothing cut or wrapped."""
    table = [tuple(columns), *(tuple(row) for row in rows)]
    widths = [max(_width(row[index]) for row in table) for index in range(len(columns))]
    lines = []
    for row in table:
        cells = []
        for name, cell, width in zip(columns, row, widths, strict=True):
            gap = " " * (width - _width(cell))
            cells.append(gap + cell if name in right else cell + gap)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _width(text: str) -> int:
    """Columns of a terminal the text takes: wide characters two, combining ones none."""
    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )

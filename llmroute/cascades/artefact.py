"""Fitted cascade ⇄ two files."""

from __future__ import annotations

from pathlib import Path

from llmroute.artefact import Kind, Saved
from llmroute.cascades import ESCALATORS, Escalator

SavedCascade = Saved[Escalator]

_CASCADE: Kind[Escalator] = Kind("cascade", ESCALATORS)


def save_cascade(path: Path, saved: SavedCascade) -> tuple[Path, Path]:
    """Write `path` (JSON) and the arrays beside it; the same cascade gives the same bytes.

    Raises:
        OutsideError: a file can't be written.
    """
    return _CASCADE.save(path, saved)


def read_cascade(path: Path) -> SavedCascade:
    """The cascade in `path` and the arrays beside it.

    Raises:
        InputError: a file is missing, damaged, edited or of a later version, or its checks are not
            those it was fitted with.
    """
    return _CASCADE.read(path)

"""Fitted query router ⇄ two files."""

from __future__ import annotations

from pathlib import Path

from llmroute.artefact import Kind, Saved
from llmroute.routers import ROUTERS, Router

SavedRouter = Saved[Router]

_ROUTER: Kind[Router] = Kind("router", ROUTERS)


def save_router(path: Path, saved: SavedRouter) -> tuple[Path, Path]:
    """Write `path` (JSON) and the arrays beside it; the same router gives the same bytes.

    Raises:
        OutsideError: a file can't be written.
    """
    return _ROUTER.save(path, saved)


def read_router(path: Path) -> SavedRouter:
    """The router in `path` and the arrays beside it.

    Raises:
        InputError: a file is missing, damaged, edited or of a later version, or the embedder it
            was trained with is another one now.
    """
    return _ROUTER.read(path)

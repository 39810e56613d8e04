"""Finds the shipped data folders: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from llmroute.errors import OutsideError

PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """The folder `suites`, `judges`, `reports` or `schemas` as it ships with llmroute.

    An editable install does not materialise the wheel's `_data`, hence the second place.

    Raises:
        OutsideError: the installation lacks the folder.
    """
    for root in (PACKAGE / "_data", PACKAGE.parent):
        if (root / folder).is_dir():
            return root / folder
    raise OutsideError(
        f"the shipped folder {folder!r} is missing",
        where=str(PACKAGE),
        fix="Reinstall llmroute: pip install --force-reinstall llmroute",
    )

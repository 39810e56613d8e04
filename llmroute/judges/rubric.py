"""Rubric → its digest, and the name it goes by in messages."""

from __future__ import annotations

import dataclasses

from llmroute.digest import digest
from llmroute.records import Rubric

FORM = 1
"""Of data blocks and replies: a part of every digest, so that a change of theirs asks anew."""

_NO_CONTENT = ("name", "description", "path")


def rubric_digest(rubric: Rubric) -> str:
    """Content hash of all that a verdict hangs on, as 64 hexadecimal digits."""
    fields = [f.name for f in dataclasses.fields(rubric) if f.name not in _NO_CONTENT]
    return digest([FORM, {name: getattr(rubric, name) for name in fields}])


def rubric_place(rubric: Rubric) -> str:
    """Its file, or its name where there is none."""
    return rubric.path.as_posix() if rubric.path else f"rubric {rubric.name!r}"

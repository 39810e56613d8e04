"""Code and checks → what the code says to each, from a sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from llmroute.errors import InputError
from llmroute.metrics.json_text import read_json
from llmroute.sandbox.permission import is_given
from llmroute.sandbox.process import Bounds, Ending, Ran, run_inside
from llmroute.sandbox.values import decoded

HOW_TO_ALLOW = "Add --allow-code-execution to run it in a sandbox."
_MAX_LINE_BYTES = 120_000


@dataclass(frozen=True, slots=True)
class Said:
    """What the code made of one check. Nothing in it is to be believed, only to be compared."""

    value: Any = None
    """A plain value, or `values.Other`."""
    raised: tuple[str, ...] = ()
    """The exception's type and the types it is derived from, where there was one."""


@dataclass(frozen=True, slots=True)
class Replies:
    """What came out of a sandbox."""

    said: Mapping[tuple[int, int], Said]
    """(test, check) → what the code said; checks it did not get to are missing."""
    ran: Ran

    @property
    def ending(self) -> Ending:
        """How the program ended."""
        return self.ran.ending


def ask_python(
    code: str, tests: Sequence[Sequence[tuple[str, str]]], bounds: Bounds | None = None
) -> Replies:
    """Run generated code in a sandbox, then evaluate each test's checks in it.

    Args:
        code: a module's text, as a model wrote it.
        tests: tests of (statements, expression); the checks of one test share their names.
        bounds: what it may use; None: the defaults.

    Raises:
        InputError: nobody has allowed it, or the sandbox is not to be had.
    """
    if not is_given():
        raise InputError("running generated code is not allowed here", fix=HOW_TO_ALLOW)
    return evaluate_inside(code, tests, bounds or Bounds())


def evaluate_inside(
    code: str, tests: Sequence[Sequence[tuple[str, str]]], bounds: Bounds
) -> Replies:
    """`ask_python` for code of our own: nobody need allow it."""
    request = {"code": _unicode(code), "tests": tests}
    ran = run_inside(_program(), request, bounds)
    return Replies(_said(ran.output), ran)


@cache
def _program() -> str:
    return Path(__file__).with_name("inside.py").read_text(encoding="utf-8")


def _said(output: bytes) -> dict[tuple[int, int], Said]:
    """The replies that can be read; the code may have written anything between them."""
    said: dict[tuple[int, int], Said] = {}
    for line in output.split(b"\n"):
        if line and len(line) <= _MAX_LINE_BYTES:
            try:
                place, one = _read_reply(line)
            except (ValueError, KeyError, TypeError):
                continue
            said.setdefault(place, one)
    return said


def _read_reply(line: bytes) -> tuple[tuple[int, int], Said]:
    reply = read_json(line.decode("ascii"))
    place = (int(reply["test"]), int(reply["check"]))
    if "raised" in reply:
        return place, Said(raised=tuple(str(name) for name in reply["raised"]) or ("",))
    return place, Said(value=decoded(reply["value"]))


def _unicode(code: str) -> str:
    """The code as an interpreter can read it: half characters become question marks."""
    return code.encode("utf-8", "replace").decode("utf-8")

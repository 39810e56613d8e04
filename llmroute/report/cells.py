"""Text → a spreadsheet cell: nothing in it can run as a formula."""

from __future__ import annotations

import re

from llmroute.report.sanitize import one_line

# OWASP "CSV injection", with the full-width forms that spreadsheets also take for operators.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠|%]")


def guarded(text: str) -> str:
    """The text on one visible line, with an apostrophe before what a spreadsheet would run.

    >>> guarded("=1+1"), guarded("gpt-4o")
    ("'=1+1", 'gpt-4o')
    """
    line = one_line(text)
    return f"'{line}" if _FORMULA.match(text) else inert(line)


def inert(text: str) -> str:
    r"""The text with an apostrophe before what a spreadsheet would run, its lines kept.

    >>> inert("=1+1"), inert("two\nlines")
    ("'=1+1", 'two\nlines')
    """
    return f"'{text}" if _FORMULA.match(text) else text

"""Hostile text → text that is safe to look at: every invisible character becomes a visible escape.

Model output, names and prompts may carry terminal escapes, bidirectional overrides and zero-width
characters. Every sink of this room passes its data through `visible` first.
"""

from __future__ import annotations

import re

_EMOJI = "\u203c-\u3299\ufe0f\U0001f000-\U0001faff"
_JOINING_SCRIPTS = "\u0600-\u0dff"

# Joiners hold emoji together and shape Arabic and Indic words: there they are spelling.
_SPELLING = (
    f"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])"
    f"|(?<=[{_JOINING_SCRIPTS}])[\u200c\u200d](?=[{_JOINING_SCRIPTS}])"
    "|(?<=[#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]"
)
_INVISIBLE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\ud800-\udfff"  # lone surrogates cannot be written as UTF-8
    "\U000e0000-\U000e0fff]"
)
_HOSTILE = re.compile(f"({_SPELLING})|\r\n|{_INVISIBLE}")


def visible(text: str) -> str:
    r"""The text with control, bidirectional and zero-width characters as visible escapes.

    Newlines and tabs stay, CRLF becomes a newline, and the joiners that emoji, Arabic and Indic
    words are spelled with stay where they join something.

    >>> visible("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    >>> visible("two\r\nlines")
    'two\nlines'
    """
    if text.isascii() and text.isprintable():  # most of a page: not worth a search
        return text
    return _HOSTILE.sub(_escape, text)


def one_line(text: str, max_chars: int | None = None) -> str:
    r"""The visible text on one line, cut in its middle when longer than `max_chars`.

    >>> one_line("a\n  b\tc")
    'a b c'
    >>> one_line("abcdefghij", 5)
    'abc…j'
    """
    line = " ".join(visible(text).split())
    if max_chars is None or len(line) <= max_chars:
        return line
    tail = (max_chars - 1) // 3
    return f"{line[: max_chars - 1 - tail]}…{line[len(line) - tail :]}"


_COMMAND = re.compile(r"^(\s*)(?=::)|(?<=#)(?=#\w*\[)", re.MULTILINE)


def loggable(text: str) -> str:
    r"""The visible text without what a CI system's log takes for a command of its own.

    GitHub obeys lines that start with `::` and `##[` anywhere in one, Azure Pipelines and TeamCity
    `##vso[` and `##teamcity[`: a backslash keeps them text.

    >>> loggable("::error::x"), loggable("a ##[group]b"), loggable("std::move ## [1]")
    ('\\::error::x', 'a #\\#[group]b', 'std::move ## [1]')
    """
    return _COMMAND.sub(lambda match: f"{match.group(1) or ''}\\", visible(text))


def _escape(match: re.Match[str]) -> str:
    if match.group(1):
        return match.group(1)
    text = match.group()
    if text == "\r\n":
        return "\n"
    code = ord(text)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

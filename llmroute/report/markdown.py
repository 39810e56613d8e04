"""Text → Markdown in which nothing of it is read as markup.

Names stand in code spans, where neither mentions, links, images nor HTML are read; other text has
every character that Markdown or GitHub gives a meaning taken out of its hands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmroute.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BYTES = 60_000
"""GitHub drops comments over 64 KiB."""
NAME_CHARS = 120

_ZERO_WIDTH = "\u200b"
_SPECIAL = re.compile(r"[\\`*\[\]<>#|~&]|(?<![^\W_])_|_(?![^\W_])")
_REFERENCES = re.compile(r"(@|#|\bGH-|\bwww\.|://)(?=\w)", re.IGNORECASE)


def code_span(text: str) -> str:
    """The text on one line in a code span no text can leave, also inside a table.

    >>> code_span("a`b|c")
    '``a`b\\\\|c``'
    """
    line = one_line(text, NAME_CHARS).replace("|", "\\|") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def plain(text: str) -> str:
    """The text on one line as prose: no markup, mention, issue, commit or link is read in it.

    >>> plain("<b>*hi* #1</b>")
    '&lt;b&gt;&#42;hi&#42; &#35;\\u200b1&lt;/b&gt;'
    """
    line = _REFERENCES.sub(rf"\1{_ZERO_WIDTH}", one_line(text))
    return _SPECIAL.sub(_entity, line)


def _entity(match: re.Match[str]) -> str:
    named = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return named.get(match.group(), f"&#{ord(match.group())};")


_CUT_BYTES = 60
"""What the line about the cut, and the end of what it falls into, take at most."""


def fit(parts: Sequence[str], max_bytes: int = MAX_BYTES) -> str:
    r"""The parts as paragraphs: whole lines up to the limit, and a line that says what was cut.

    >>> fit(["one", "two " * 20], 80)
    'one\n\n83 bytes were cut.\n'
    """
    text = "\n\n".join(parts) + "\n"
    data = text.encode()
    if len(data) <= max_bytes:
        return text
    kept = data[: max_bytes - _CUT_BYTES].decode(errors="ignore").rpartition("\n")[0].rstrip("\n")
    closing = "\n\n</details>" if kept.count("<details>") > kept.count("</details>") else ""
    return f"{kept}{closing}\n\n{len(data) - len(kept.encode()):,} bytes were cut.\n"

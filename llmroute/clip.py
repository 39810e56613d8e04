"""Long text → its two ends: what is read of a request or prompt, so that none takes for ever."""

from __future__ import annotations

MAX_CHARS = 12_000
"""Of a longer text the first three quarters of this and the last quarter are read."""


def clip(text: str, max_chars: int = MAX_CHARS) -> str:
    """The text, or its first three quarters and last quarter of `max_chars`.

    >>> clip("abcdefgh", 4)
    'abch'
    """
    if len(text) <= max_chars:
        return text
    tail = max_chars // 4
    return text[: max_chars - tail] + text[-tail:]

"""Texts read once while routers are compared, forgotten afterwards.

Cross-validation shows the same prompts to many fits. Inside `remembering_texts()` what was read
from a text (its grams, its counts) is kept, so that the tenth fit does not read it again; a process
that only routes remembers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_remembered: ContextVar[dict[tuple[str, str], Any] | None] = ContextVar("remembered", default=None)


@contextmanager
def remembering_texts() -> Iterator[None]:
    """Keep what is read from texts until the block ends; blocks may stand in one another."""
    if _remembered.get() is not None:
        yield
        return
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def read_each(
    kind: str, texts: Sequence[str], read: Callable[[Sequence[str]], Sequence[T]]
) -> list[T]:
    """`read(texts)`, one value a text, without reading a remembered text again."""
    known = _remembered.get()
    if known is None:
        return list(read(texts))
    unread = [text for text in dict.fromkeys(texts) if (kind, text) not in known]
    known.update(zip(((kind, text) for text in unread), read(unread), strict=True))
    return [known[kind, text] for text in texts]

"""Calls that are known, or fall to be made as others are answered → one call after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from llmroute.records import Call


class CallSource(Protocol):
    """Decides what is asked next by what was answered so far."""

    def next_calls(self) -> Iterable[Call] | None:
        """Further calls: none for now is empty, none ever again is None.

        Asked at first, whenever a candidate's last waiting call is sent, and after each `on_done`.
        While nothing is under way there must be calls or None: nobody would ask again.
        """
        ...


class Source:
    """Either kind of calls, taken one at a time."""

    def __init__(self, calls: Iterable[Call] | CallSource) -> None:
        self._decides = None if isinstance(calls, Iterable) else calls
        self._batch: Iterator[Call] = iter(calls) if isinstance(calls, Iterable) else iter(())
        self.dry = False
        """There are none for now."""
        self.exhausted = False
        """There will be no more."""

    def take(self) -> Call | None:
        """The next call, or None where there is none for now."""
        call = next(self._batch, None)
        if call is None:
            call = self._refill()
        return call

    def ask_again(self) -> None:
        """Something has happened by which there may be calls again."""
        self.dry = self.exhausted

    def _refill(self) -> Call | None:
        more = None if self._decides is None else self._decides.next_calls()
        self.dry = True
        if more is None:
            self.exhausted = True
            return None
        self._batch = iter(more)
        call = next(self._batch, None)
        self.dry = call is None
        return call

"""Values of a foreign JSON object → typed values; a fault says where and how to mend it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmroute.errors import LogFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Fields:
    """One object of a line, and the words that say which."""

    content: Mapping[str, Any]
    where: str

    def text(self, name: str) -> str | None:
        """The text under the name, or None for null and for nothing."""
        value = self.content.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self._fault(name, value, "a text", "Put it in quotes, or write null.")

    def name(self, name: str) -> str:
        """A text that must be there and not empty; a whole number counts as its digits."""
        value = self.content.get(name)
        if type(value) is int:
            return str(value)
        if isinstance(value, str) and value:
            return value
        if value is None or value == "":
            raise LogFormatError(
                f"{name!r} is missing", where=self.where, fix=f'Add "{name}": "..." to the line.'
            )
        raise self._fault(name, value, "a text", "Put it in quotes.")

    def label(self, name: str) -> str | None:
        """A text, or a whole number as its digits, or None."""
        value = self.content.get(name)
        return str(value) if type(value) is int else self.text(name)

    def share(self, name: str) -> float | None:
        """A number in [0, 1], or None."""
        value = self.content.get(name)
        if value is None:
            return None
        if type(value) in _NUMBERS and 0 <= value <= 1:
            return float(value)
        fix = "Scale it into [0, 1], or write null where there is no score."
        raise self._fault(name, value, "a number in [0, 1]", fix)

    def shares(self, name: str) -> dict[str, float]:
        """An object of numbers in [0, 1]; null is none."""
        value = self.content.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._fault(name, value, "an object of numbers", 'Write {"clear": 0.5}.')
        inner = Fields(value, f"{self.where}, {name!r}")
        found = {key: inner.share(key) for key in value}
        return {key: share for key, share in found.items() if share is not None}

    def count(self, name: str) -> int | None:
        """A whole number of at least 0, also where it was written as 12.0, or None."""
        value = self.content.get(name)
        if value is None:
            return None
        if type(value) in _NUMBERS and 0 <= value < 2**63 and value == int(value):
            return int(value)
        raise self._fault(name, value, "a whole number of at least 0", "Correct it, or write null.")

    def amount(self, name: str) -> float | None:
        """A finite number of at least 0, or None."""
        value = self.content.get(name)
        if value is None:
            return None
        if type(value) in _NUMBERS and 0 <= value <= sys.float_info.max:
            return float(value)
        fix = "Correct it, or write null where it is unknown."
        raise self._fault(name, value, "a finite number of at least 0", fix)

    def flag(self, name: str) -> bool | None:
        """true, false or None."""
        value = self.content.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self._fault(name, value, "true or false", "Correct it, or leave it out.")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; one text alone is a list of one, null is none."""
        value = self.content.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise self._fault(name, value, "a list of texts", 'Write ["...", "..."].')

    def _fault(self, name: str, value: Any, wanted: str, fix: str) -> LogFormatError:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return LogFormatError(f"{name!r} is {shown}, not {wanted}", where=self.where, fix=fix)


_NUMBERS = (int, float)
"""bool is an int to isinstance, and true is no score: hence `type(value) in`."""

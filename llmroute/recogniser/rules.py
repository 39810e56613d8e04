"""Match × Request → the signs of a task that stand in a request, or none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Literal

from llmroute.errors import ConfigError
from llmroute.patterns import compile_keywords, compile_pattern, find_all
from llmroute.recogniser.request import Request, has_code, has_json
from llmroute.records import Match

if TYPE_CHECKING:
    import regex

SignKind = Literal["tag", "system", "template", "keyword", "pattern", "condition"]

MAX_SIGNS = 3
"""Kept of each search: enough to say why."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One reason to take a request for one of a task's."""

    kind: SignKind
    found: str
    """The tag, the words that were found, or the condition that holds."""

    def __str__(self) -> str:
        if self.kind in ("condition", "system"):
            return f"{self.kind} {self.found}"
        words = " ".join(self.found.split())
        return f"{self.kind} {words if len(words) <= 60 else f'{words[:59]}…'!r}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The `match` of one task, ready to be tried."""

    task: str
    match: Match
    searches: tuple[tuple[SignKind, regex.Pattern[str]], ...]

    @classmethod
    def of(cls, task: str, match: Match, *, where: str) -> Rule:
        """The rule of a task.

        Raises:
            ConfigError: one of its patterns is no regular expression.
        """
        try:
            return cls(task, match, tuple(_searches(match)))
        except ValueError as error:
            place = f"{where}, task {task!r}"
            fix = "Correct it under 'match: patterns:'."
            raise ConfigError(str(error), where=place, fix=fix) from error

    def tagged(self, tags: Collection[str]) -> tuple[Sign, ...]:
        """The tags that name the task: its own name, and those its suite lists."""
        return tuple(Sign("tag", tag) for tag in (self.task, *self.match.tags) if tag in tags)

    def own_words(self, request: Request) -> tuple[Sign, ...]:
        """Whether the suite's own system message, and the fixed words of its prompt, are there."""
        system = request.system and text_digest(request.system) == self.match.system
        signs = [Sign("system", "message of its suite")] if system else []
        if self.match.template and _in_order(self.match.template, squeezed(request.read)):
            signs.append(Sign("template", " … ".join(self.match.template)))
        return tuple(signs)

    def matched(self, request: Request) -> tuple[Sign, ...]:
        """What keywords, patterns and conditions say for the task; nothing where they do not hold.

        Every condition must hold, and one of the keywords or patterns be found if there are any.
        """
        text = request.read
        conditions = list(_conditions(self.match, request, text))
        if not all(holds for _, holds in conditions):
            return ()
        held = tuple(Sign("condition", written) for written, _ in conditions)
        found = tuple(
            Sign(kind, words)
            for kind, pattern in self.searches
            for words in dict.fromkeys(islice(find_all(pattern, text), MAX_SIGNS))
        )
        return (*found, *held) if found or not self.searches else ()


def squeezed(text: str) -> str:
    """The text with every run of white space as one space.

    >>> squeezed(" a\\n  b ")
    'a b'
    """
    return " ".join(text.split())


def text_digest(text: str) -> str:
    """SHA-256 of a text, white space squeezed, as 64 hexadecimal digits."""
    return sha256(squeezed(text).encode("utf-8", "surrogatepass")).hexdigest()


def _in_order(pieces: Sequence[str], text: str) -> bool:
    start = 0
    for piece in pieces:
        start = text.find(piece, start)
        if start < 0:
            return False
        start += len(piece)
    return True


def _searches(match: Match) -> Iterator[tuple[SignKind, regex.Pattern[str]]]:
    if match.keywords:
        yield "keyword", compile_keywords(match.keywords)
    for pattern in match.patterns:
        yield "pattern", compile_pattern(pattern)


def _conditions(match: Match, request: Request, text: str) -> Iterator[tuple[str, bool]]:
    """Each condition as it is written, and whether it holds."""
    n_chars = len(request.text)
    if match.min_chars is not None:
        yield f"min_chars: {match.min_chars}", n_chars >= match.min_chars
    if match.max_chars is not None:
        yield f"max_chars: {match.max_chars}", n_chars <= match.max_chars
    if match.has_code is not None:
        yield f"has_code: {str(match.has_code).lower()}", has_code(text) == match.has_code
    if match.has_json is not None:
        yield f"has_json: {str(match.has_json).lower()}", has_json(text) == match.has_json

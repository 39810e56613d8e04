"""Match × Request → the signs a task's rules find, or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from llmroute.errors import ConfigError
from llmroute.patterns import compile_keywords, compile_pattern, find_all
from llmroute.recogniser.request import Request, has_code, has_json

if TYPE_CHECKING:
    import regex

    from llmroute.records import Match

SignKind = Literal["keyword", "pattern", "condition"]

MAX_SIGNS = 3
"""Kept of each search: enough to say why."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One reason to take a request for one of a task's."""

    kind: SignKind
    found: str
    """The words that were found, or the condition that holds."""

    def __str__(self) -> str:
        return (
            f"condition {self.found}" if self.kind == "condition" else f"{self.kind} {self.found!r}"
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """The `match` of one task, ready to be tried."""

    match: Match
    searches: tuple[tuple[SignKind, regex.Pattern[str]], ...]

    @classmethod
    def of(cls, match: Match, *, where: str) -> Rule:
        """The rule of a match.

        Raises:
            ConfigError: one of its patterns is no regular expression.
        """
        try:
            return cls(match, tuple(_searches(match)))
        except ValueError as error:
            fix = "Correct it under 'match: patterns:'."
            raise ConfigError(str(error), where=where, fix=fix) from error

    def signs(self, request: Request) -> tuple[Sign, ...]:
        """Why the request is the task's; empty where it is not, or where no rule is written.

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

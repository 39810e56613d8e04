"""Keywords and regular expressions → what is found in a text, in bounded time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

MATCH_TIMEOUT_S = 0.05


@lru_cache(maxsize=4096)
def compile_pattern(
    pattern: str, *, ignore_case: bool = False, multiline: bool = False
) -> regex.Pattern[str]:
    """The expression of the `regex` package, whose searches can be given a time limit.

    Raises:
        ValueError: it is not valid.
    """
    import regex

    flags = (regex.IGNORECASE if ignore_case else 0) | (regex.MULTILINE if multiline else 0)
    try:
        return regex.compile(pattern, flags)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"pattern {pattern!r} is not valid: {error}") from error


@lru_cache(maxsize=4096)
def compile_keywords(keywords: tuple[str, ...]) -> regex.Pattern[str]:
    r"""An expression that finds any of the keywords as whole words, in any case, the longest first.

    >>> compile_keywords(("sort", "sort by")).findall("Sort  by name, resort, SORT!")
    ['Sort  by', 'SORT']
    """
    import regex

    longest_first = sorted(keywords, key=lambda keyword: (-len(keyword), keyword))
    words = (r"\s+".join(map(regex.escape, keyword.split())) for keyword in longest_first)
    return compile_pattern(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", ignore_case=True)


def find_all(
    pattern: regex.Pattern[str], text: str, timeout_s: float = MATCH_TIMEOUT_S
) -> Iterator[str]:
    """What the expression finds, in order; a search that runs away ends with what it has found."""
    try:
        for match in pattern.finditer(text, timeout=timeout_s):
            yield match.group()
    except TimeoutError:
        return

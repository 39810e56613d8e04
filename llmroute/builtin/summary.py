"""Ask → its first sentences, within the length that is asked for."""

from __future__ import annotations

import re

from llmroute.builtin.ask import Ask
from llmroute.builtin.words import split_sentences

DEFAULT_WORDS = 50
NUMBERS = {"one": 1, "a single": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_COUNT = r"(?P<n>\d{1,4}|one|a single|two|three|four|five)"
WORD_LIMIT = re.compile(rf"(?<!\d){_COUNT}[ -]words?\b", re.IGNORECASE)
SENTENCE_LIMIT = re.compile(
    rf"(?<!\d){_COUNT}[ -](?:short |full |plain )?"
    r"(?:sentences?|bullets?|lines?)\b",
    re.IGNORECASE,
)


def lead_sentences(ask: Ask) -> str:
    """The lead of the material, whole sentences where they fit the asked length.

    Taking the first sentences is the baseline of the summarization literature ("lead-3").
    """
    sentences = split_sentences(ask.body or ask.everything)
    n_sentences = read_limit(SENTENCE_LIMIT, ask.instructions)
    n_words = read_limit(WORD_LIMIT, ask.instructions)
    if n_words is None and n_sentences is None:
        n_words = DEFAULT_WORDS
    return fit_words(sentences[:n_sentences], n_words)


def read_limit(pattern: re.Pattern[str], text: str) -> int | None:
    """The last stated limit of a kind, or None.

    >>> read_limit(WORD_LIMIT, "Summarize in at most 25 words."), read_limit(WORD_LIMIT, "Briefly.")
    (25, None)
    """
    found = [match["n"].lower() for match in pattern.finditer(text)]
    return (NUMBERS.get(found[-1]) or int(found[-1])) if found else None


def fit_words(sentences: list[str], n_words: int | None) -> str:
    """As many sentences as fit; the first one is cut where it alone is too long.

    >>> fit_words(["It rained all day.", "Nobody came."], 5)
    'It rained all day.'
    >>> fit_words(["It rained all day."], 2)
    'It rained'
    """
    if n_words is None:
        return " ".join(sentences)
    kept: list[str] = []
    left = n_words
    for sentence in sentences:
        words = sentence.split()
        if len(words) > left:
            return " ".join(kept) or " ".join(words[:n_words]).rstrip(",;:")
        kept.append(sentence)
        left -= len(words)
    return " ".join(kept)

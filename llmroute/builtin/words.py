"""Text → words and sentences, the way every program here counts them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from math import log

_STOPWORDS = """
    a about after all also am an and any are as at be been before but by can could did do does
    for from get got had has have he her him his how i if in into is it its just me my no not of on
    or our she should so some such than that the their them then there these they this those to too
    up us was we were what when where which while who whom whose why will with would you
    your
"""
STOPWORDS = frozenset(_STOPWORDS.split())
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nos|vs|etc|approx|Inc|Ltd|Co|Fig|e\.g|i\.e|[A-Z])\.)$"
)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9])|\n{2,}|\n(?=[ \t]*[-*•#])")


def read_words(text: str) -> list[str]:
    """Lower-case words, in order.

    >>> read_words("Don't re-send INV_204!")
    ["don't", 're', 'send', 'inv', '204']
    """
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


def stem(word: str) -> str:
    """The word without the commonest English endings; crude, and the same on both sides.

    >>> [stem(word) for word in ("refunded", "refunds", "billing", "cities", "access", "bus")]
    ['refund', 'refund', 'bill', 'city', 'access', 'bus']
    """
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    for ending, kept in (("ing", 3), ("ed", 3), ("es", 4), ("s", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= kept and not word.endswith("ss"):
            return word[: -len(ending)].removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


def read_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning.

    >>> read_stems("Where are the invoices that I paid?")
    ['invoic', 'paid']
    """
    return [stem(word) for word in read_words(text) if word not in STOPWORDS]


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, list items and headings counting as their own.

    >>> split_sentences("Dr. Ng paid $3.50. Then she left!")
    ['Dr. Ng paid $3.50.', 'Then she left!']
    """
    sentences: list[str] = []
    pending = ""
    for piece in SENTENCE_END.split(text):
        pending = f"{pending} {piece.strip()}".strip()
        if not ABBREVIATION.search(pending[-12:]):
            sentences.append(pending)
            pending = ""
    return [sentence for sentence in [*sentences, pending] if sentence]


def weigh_rarity(documents: Iterable[Iterable[str]]) -> Mapping[str, float]:
    """Smoothed inverse document frequency of every word: ln((1 + n) / (1 + df)) + 1.

    >>> weights = weigh_rarity([["a", "b"], ["a"]])
    >>> weights["b"] > weights["a"] == 1.0
    True
    """
    bags = [set(document) for document in documents]
    seen = Counter(word for bag in bags for word in bag)
    return {word: log((1 + len(bags)) / (1 + count)) + 1 for word, count in seen.items()}

"""Texts → sparse rows of hashed word and character n-grams, in numpy throughout.

A gram is known by a 64-bit polynomial hash of its code points (Rabin–Karp, modulo 2⁶⁴, mixed by
splitmix64's finaliser), so that a million of them cost a few array operations and the same text
gives the same row on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmroute.routers.remember import read_each
from llmroute.routers.sparse import Rows

Hashes = NDArray[np.uint64]

MAX_CHARS = 12_000
"""Of a longer text the first three quarters of this and the last quarter are read."""
MAX_GRAMS = 200_000
WORD_SIZES = (1, 2)
CHAR_SIZES = (4,)
"""3 to 5 instead of 4 alone took five times as long and gained nothing on the development pairs."""

_BASE = np.uint64(0x9E3779B97F4A7C15)
_SEPARATOR = np.uint64(0xD1B54A32D192ED03)
_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """The grams of some texts, text by text: `hashes[starts[i]:starts[i + 1]]` are text i's."""

    hashes: Hashes
    counts: NDArray[np.float32]
    starts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The grams a router knows, and how rare each was where it learned."""

    hashes: Hashes
    """Sorted, shape (n_grams,)."""
    idf: NDArray[np.float32]

    @classmethod
    def learn(cls, grams: Grams, *, min_texts: int = 2, max_grams: int = MAX_GRAMS) -> Vocabulary:
        """Grams of at least `min_texts` texts and at most half of all; the commonest `max_grams`.

        What more than half of the prompts share is their template. The weight is
        ln((1 + n) / (1 + df)), which fades out towards those.
        """
        n_texts = len(grams.starts) - 1
        hashes, n_with = np.unique(grams.hashes, return_counts=True)
        kept = (n_with >= min_texts) & (n_with <= n_texts / 2)
        hashes, n_with = hashes[kept], n_with[kept]
        if len(hashes) > max_grams:
            commonest = np.sort(np.argsort(-n_with, kind="stable")[:max_grams])
            hashes, n_with = hashes[commonest], n_with[commonest]
        idf = np.log((1 + n_texts) / (1 + n_with))
        return cls(hashes, idf.astype(np.float32))

    @classmethod
    def none(cls) -> Vocabulary:
        """A vocabulary that knows nothing."""
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.float32))

    def rows(self, grams: Grams) -> Rows:
        """TF-IDF rows of length 1 (or 0, where no gram is known), tf = 1 + ln(count)."""
        if not len(self.hashes):
            return Rows.empty(len(grams.starts) - 1, 0)
        n_texts = len(grams.starts) - 1
        place = np.searchsorted(self.hashes, grams.hashes)
        place[place == len(self.hashes)] = 0
        known = self.hashes[place] == grams.hashes
        columns = place[known]
        weights = (1 + np.log(grams.counts[known].astype(np.float64))) * self.idf[columns]
        row_of = np.repeat(np.arange(n_texts), np.diff(grams.starts))[known]
        return Rows.of(weights, columns, row_of, n_texts, len(self.hashes)).scaled_to_one()


def read_grams(
    texts: Sequence[str],
    *,
    words: Sequence[int] = WORD_SIZES,
    chars: Sequence[int] = CHAR_SIZES,
) -> Grams:
    """The distinct n-grams of each text with how often they stand in it.

    Letters are lowered and every digit reads as 0. Word grams are runs of letters and digits;
    character grams run over the whole text, spaces squeezed.

    >>> grams = read_grams(["a cat", "A  CAT!"], words=(1,), chars=())
    >>> bool((grams.hashes[:2] == grams.hashes[2:]).all())
    True
    """
    kind = f"grams {tuple(words)} {tuple(chars)}"
    read = read_each(kind, texts, lambda some: [_count(text, words, chars) for text in some])
    lengths = [len(hashes) for hashes, _ in read]
    return Grams(
        np.concatenate([np.zeros(0, np.uint64), *(hashes for hashes, _ in read)]),
        np.concatenate([np.zeros(0, np.float32), *(counts for _, counts in read)]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def _count(
    text: str, words: Sequence[int], chars: Sequence[int]
) -> tuple[Hashes, NDArray[np.float32]]:
    codes = _codes(text)
    found = np.concatenate([_word_grams(codes, words), _char_grams(codes, chars)])
    found.sort()
    new = np.ones(len(found), np.bool_)
    new[1:] = found[1:] != found[:-1]
    first = np.flatnonzero(new)
    return found[first], np.diff(np.append(first, len(found))).astype(np.float32)


def clip(text: str, max_chars: int = MAX_CHARS) -> str:
    """The text, or its first three quarters and last quarter of `max_chars`.

    >>> clip("abcdefgh", 4)
    'abch'
    """
    if len(text) <= max_chars:
        return text
    tail = max_chars // 4
    return text[: max_chars - tail] + text[-tail:]


def _codes(text: str) -> NDArray[np.uint64]:
    lowered = " ".join(clip(text).lower().split())
    raw = np.frombuffer(f" {lowered} ".encode("utf-32-le", "surrogatepass"), np.uint32)
    digits = (raw >= 48) & (raw <= 57)
    return np.where(digits, np.uint32(48), raw).astype(np.uint64)


def _is_word(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    ascii_word = ((codes >= 97) & (codes <= 122)) | (codes == 48) | (codes == 95)
    punctuation = ((codes >= 0x2000) & (codes <= 0x206F)) | ((codes >= 0x3000) & (codes <= 0x303F))
    word: NDArray[np.bool_] = ascii_word | ((codes >= 0xC0) & ~punctuation)
    return word


_MAX_CODES = 4 * MAX_CHARS
"""Lowering a text may lengthen it: no letter becomes more than three."""
_POWERS: Hashes = np.cumprod(np.r_[np.uint64(1), np.full(_MAX_CODES, _BASE)], dtype=np.uint64)
_INVERSES: Hashes = np.cumprod(np.r_[np.uint64(1), np.full(_MAX_CODES, _INVERSE)], dtype=np.uint64)


def _word_grams(codes: NDArray[np.uint64], sizes: Sequence[int]) -> Hashes:
    if not sizes:
        return np.zeros(0, np.uint64)
    inside = _is_word(codes)
    edges = np.diff(inside.astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum((codes + np.uint64(1)) * _POWERS[: len(codes)], out=sums[1:])
    word = _mix((sums[ends] - sums[starts]) * _INVERSES[starts])
    grams = []
    for size in sizes:
        gram = word[: max(0, len(word) - size + 1)].copy()
        for offset in range(1, size):
            gram = _mix(gram * _SEPARATOR + word[offset : len(word) - size + 1 + offset])
        grams.append(gram)
    return np.concatenate(grams)


def _char_grams(codes: NDArray[np.uint64], sizes: Sequence[int]) -> Hashes:
    grams = [np.zeros(0, np.uint64)]
    for size in sizes:
        n_grams = len(codes) - size + 1
        if n_grams <= 0:
            continue
        gram = np.full(n_grams, size, np.uint64)
        for offset in range(size):
            gram = gram * _BASE + codes[offset : offset + n_grams]
        grams.append(_mix(gram ^ _SEPARATOR))
    return np.concatenate(grams)


def _mix(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

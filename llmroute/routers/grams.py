"""Texts → sparse rows of hashed word and character n-grams, in numpy throughout.

A gram is known by a 64-bit polynomial hash of its code points (Rabin–Karp, modulo 2⁶⁴, mixed by
splitmix64's finaliser), so that a million of them cost a few array operations and the same text
gives the same row on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Ints
from llmroute.clip import MAX_CHARS, clip
from llmroute.routers.remember import read_each
from llmroute.routers.sparse import Rows

Hashes = NDArray[np.uint64]

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
    read = read_each(kind, texts, lambda some: _read(some, words, chars))
    lengths = [len(hashes) for hashes, _ in read]
    return Grams(
        np.concatenate([np.zeros(0, np.uint64), *(hashes for hashes, _ in read)]),
        np.concatenate([np.zeros(0, np.float32), *(counts for _, counts in read)]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def _read(
    texts: Sequence[str], words: Sequence[int], chars: Sequence[int]
) -> list[tuple[Hashes, NDArray[np.float32]]]:
    """Hashes and counts of each text; short texts are read many at a time."""
    plain = [f" {' '.join(clip(text).lower().split())} " for text in texts]
    read: list[tuple[Hashes, NDArray[np.float32]]] = []
    start = size = 0
    for end, text in enumerate(plain):
        if size + len(text) > CHUNK_CODES and end > start:
            read += _read_chunk(plain[start:end], words, chars)
            start, size = end, 0
        size += len(text)
    return read + (_read_chunk(plain[start:], words, chars) if plain else [])


def _read_chunk(
    plain: Sequence[str], words: Sequence[int], chars: Sequence[int]
) -> list[tuple[Hashes, NDArray[np.float32]]]:
    raw = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), np.uint32)
    digits = (raw >= 48) & (raw <= 57)
    codes = np.where(digits, np.uint32(48), raw).astype(np.uint64)
    text_of = np.repeat(np.arange(len(plain)), [len(text) for text in plain])
    found = [_word_grams(codes, text_of, words), *_char_grams(codes, text_of, chars)]
    hashes = np.concatenate([one for one, _ in found])
    owners = np.concatenate([one for _, one in found])
    order = np.lexsort((hashes, owners))
    hashes, owners = hashes[order], owners[order]
    new = np.ones(len(hashes), np.bool_)
    new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    first = np.flatnonzero(new)
    counts = np.diff(np.append(first, len(hashes))).astype(np.float32)
    edges = np.searchsorted(owners[first], np.arange(len(plain) + 1))
    distinct = hashes[first]
    return [(distinct[a:b], counts[a:b]) for a, b in pairwise(edges.tolist())]


def _is_word(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    ascii_word = ((codes >= 97) & (codes <= 122)) | (codes == 48) | (codes == 95)
    punctuation = ((codes >= 0x2000) & (codes <= 0x206F)) | ((codes >= 0x3000) & (codes <= 0x303F))
    word: NDArray[np.bool_] = ascii_word | ((codes >= 0xC0) & ~punctuation)
    return word


CHUNK_CODES = 4 * MAX_CHARS
"""Texts are read together up to so many code points. Lowering lengthens no text more than 3 times,
so that one text alone fits too."""
_POWERS: Hashes = np.cumprod(np.r_[np.uint64(1), np.full(CHUNK_CODES, _BASE)], dtype=np.uint64)
_INVERSES: Hashes = np.cumprod(np.r_[np.uint64(1), np.full(CHUNK_CODES, _INVERSE)], dtype=np.uint64)


def _word_grams(codes: Hashes, text_of: Ints, sizes: Sequence[int]) -> tuple[Hashes, Ints]:
    """Word grams, and the text of each. A word's hash is a difference of running sums."""
    edges = np.diff(_is_word(codes).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum((codes + np.uint64(1)) * _POWERS[: len(codes)], out=sums[1:])
    word, owner = _mix((sums[ends] - sums[starts]) * _INVERSES[starts]), text_of[starts]
    grams, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for size in sizes:
        n_grams = max(0, len(word) - size + 1)
        gram = word[:n_grams]
        for offset in range(1, size):
            gram = _mix(gram * _SEPARATOR + word[offset : offset + n_grams])
        within = owner[:n_grams] == owner[len(owner) - n_grams :]
        grams.append(gram[within])
        owners.append(owner[:n_grams][within])
    return np.concatenate(grams), np.concatenate(owners)


def _char_grams(
    codes: Hashes, text_of: Ints, sizes: Sequence[int]
) -> Iterator[tuple[Hashes, Ints]]:
    for size in sizes:
        n_grams = max(0, len(codes) - size + 1)
        gram = np.full(n_grams, size, np.uint64)
        for offset in range(size):
            gram = gram * _BASE + codes[offset : offset + n_grams]
        within = text_of[:n_grams] == text_of[len(text_of) - n_grams :]
        yield _mix(gram[within] ^ _SEPARATOR), text_of[:n_grams][within]


def _mix(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

"""Texts → the pairs that are nearly the same."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

NEAR = 90.0
"""rapidfuzz's ratio, in [0, 100], from which two texts count as the same."""
MAX_CHARS = 2_000
GRAM = 5
SKETCH = 64
BUCKETS = 2_048
SHARED = 0.3
"""Of the smaller sketch; pairs that share less are not compared in full."""
ROWS = 256
Rows = NDArray[np.intp]


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int, float]]:
    """(i, j, ratio) of every pair i < j whose normalised texts reach `NEAR`.

    The ratio is 100·2·LCS/(|a| + |b|) over letters. Comparing all pairs of 5,000 long texts in
    full takes minutes, so that pairs with few runs of letters in common are left out first: a
    difference spread evenly over a whole text can escape, a changed word or sentence cannot.

    >>> near_duplicates(["Where is my order?", "where is my  order", "Cancel my plan."])
    [(0, 1, 100.0)]
    """
    plain = [normalise(text[:MAX_CHARS]) for text in texts]
    found: list[tuple[int, int, float]] = []
    for rows, columns in _similar_rows(plain):
        ratios = process.cpdist(
            [plain[i] for i in rows],
            [plain[j] for j in columns],
            scorer=fuzz.ratio,
            score_cutoff=NEAR,
        )
        found += [(int(rows[k]), int(columns[k]), float(ratios[k])) for k in np.flatnonzero(ratios)]
    return found


def normalise(text: str) -> str:
    """Lower case, one kind of quote and space, no punctuation.

    >>> normalise("  Where’s  my ORDER?!")
    'where s my order'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w]+|_+", " ", folded).split())


def _similar_rows(texts: Sequence[str]) -> Iterator[tuple[Rows, Rows]]:
    grams = np.zeros((len(texts), BUCKETS), np.float32)
    for row, text in enumerate(texts):
        grams[row, _buckets(text)] = 1.0
    sizes = np.maximum(grams.sum(1), 1)
    lengths = np.array([max(len(text), 1) for text in texts], np.float32)
    for start in range(0, len(texts), ROWS):
        block = slice(start, start + ROWS)
        shared = grams[block] @ grams.T / np.minimum(sizes[block, None], sizes[None, :])
        rows, columns = np.nonzero((shared >= SHARED) & _close(lengths[block], lengths))
        later = columns > rows + start
        yield rows[later] + start, columns[later]


def _close(some: NDArray[np.float32], every: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the lengths alone allow the ratio: 2·min/(a + b) ≥ NEAR/100."""
    least = np.minimum(some[:, None], every[None, :])
    allowed: NDArray[np.bool_] = 200 * least / (some[:, None] + every[None, :]) >= NEAR
    return allowed


def _buckets(text: str) -> list[int]:
    """The text's bottom-k sketch (Broder 1997): the smallest hashes of its runs of letters."""
    # A whole short text is one gram: two empty or one-letter texts must still meet.
    grams = {text[i : i + GRAM] for i in range(max(1, len(text) - GRAM + 1))}
    hashes = sorted(zlib.crc32(gram.encode("utf-8", "replace")) for gram in grams)
    return [value % BUCKETS for value in hashes[:SKETCH]]

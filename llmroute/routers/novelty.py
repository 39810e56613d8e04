"""Training prompts → how unlike them a prompt may be before the strong model answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats
from llmroute.routers.grams import Grams, read_grams

WITHIN = 0.99
"""Share of the training prompts that lie within the radius, each measured without itself."""
MAX_WORDS = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """Share of a prompt's word weight that the training prompts do not know.

    Words and pairs of words weigh ln((1 + n) / (1 + df)), unknown ones as much as a df of 0, so
    that a prompt in another language or on another subject is near 1 and a paraphrase near 0.
    """

    hashes: NDArray[np.uint64]
    """Sorted words and pairs of words."""
    weights: NDArray[np.float32]
    unknown_weight: float
    radius: float
    """In [0, 1]; a prompt beyond it is unlike the training prompts."""

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Novelty:
        """The words of these prompts, and the radius that holds nearly all of them.

        Each training prompt is measured as if it had not been there: a word that no other prompt
        has counts as unknown.
        """
        grams = _words(texts)
        hashes, place, n_with = np.unique(grams.hashes, return_inverse=True, return_counts=True)
        n_texts = len(texts)
        weights = np.log((1 + n_texts) / (1 + n_with))
        unknown = float(np.log(1 + n_texts))
        alone = n_with[place] == 1
        radius = 1.0
        if n_texts > 1:
            shares = _shares(grams, np.where(alone, unknown, weights[place]), alone)
            radius = float(np.quantile(shares, WITHIN))
        kept = np.sort(np.argsort(-n_with, kind="stable")[:MAX_WORDS])
        return cls(hashes[kept], weights[kept].astype(np.float32), unknown, radius)

    def measure(self, texts: Sequence[str]) -> Floats:
        """Shape (n_texts,), in [0, 1]; a text without words is wholly unknown."""
        grams = _words(texts)
        known = np.zeros(len(grams.hashes), np.bool_)
        weights = np.full(len(grams.hashes), self.unknown_weight)
        if len(self.hashes):
            place = np.searchsorted(self.hashes, grams.hashes)
            place[place == len(self.hashes)] = 0
            known = self.hashes[place] == grams.hashes
            weights = np.where(known, self.weights[place], self.unknown_weight)
        return _shares(grams, weights, ~known)


def _words(texts: Sequence[str]) -> Grams:
    return read_grams(texts, words=(1, 2), chars=())


def _shares(grams: Grams, weights: Floats, unknown: NDArray[np.bool_]) -> Floats:
    n_texts = len(grams.starts) - 1
    owners = np.repeat(np.arange(n_texts), np.diff(grams.starts))
    whole = np.bincount(owners, weights, n_texts)
    missed = np.bincount(owners, weights * unknown, n_texts)
    shares: Floats = np.where(whole > 0, missed / np.where(whole > 0, whole, 1.0), 1.0)
    # A text of nothing but template words has weight 0 and is as known as can be.
    shares[(whole <= 0) & (np.diff(grams.starts) > 0)] = 0.0
    return shares

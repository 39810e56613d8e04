"""Texts → vectors by feature hashing: no model, no download, no state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HashedEmbedder:
    """Word and character n-grams, each added to one of `dimensions` places with a sign of its own.

    Signed hashing keeps inner products right on average (Weinberger et al. 2009, arXiv 0902.2206).
    Texts are near where they share spellings, whatever they mean.
    """

    dimensions: int = 512

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text, shape (n_texts, dimensions), of length 1; a text of nothing gives 0s.

        >>> a, b, c = HashedEmbedder().embed(["refund my order", "refund an order", "x² + 3x"])
        >>> float(a @ b) > 0.4 > float(a @ c)
        True
        """
        from llmroute.routers.grams import read_grams

        grams = read_grams(texts)
        owners = np.repeat(np.arange(len(texts)), np.diff(grams.starts))
        places = (grams.hashes % np.uint64(self.dimensions)).astype(np.int64)
        signs = 1.0 - 2.0 * (grams.hashes >> np.uint64(63)).astype(np.float64)
        weights = (1 + np.log(grams.counts)) * signs
        flat = np.bincount(owners * self.dimensions + places, weights, len(texts) * self.dimensions)
        vectors = flat.reshape(len(texts), self.dimensions)
        lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
        unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
        return unit

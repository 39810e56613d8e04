"""Token ids → sentence vectors: BERT's forward pass in numpy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a BERT model, as its `config.json` states them."""

    hidden: int
    layers: int
    heads: int
    positions: int
    """The longest text, in tokens."""
    epsilon: float
    """Added to the variance in layer normalisation."""


def tensor_names(shape: Shape) -> Iterator[str]:
    """Every tensor the forward pass reads, under the names Hugging Face gives them."""
    yield from (f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position"))
    yield "embeddings.token_type_embeddings.weight"
    parts = ["embeddings.LayerNorm"]
    for layer in range(shape.layers):
        parts += [f"encoder.layer.{layer}.attention.self.{of}" for of in ("query", "key", "value")]
        parts += [f"encoder.layer.{layer}.attention.output.{of}" for of in ("dense", "LayerNorm")]
        parts += [f"encoder.layer.{layer}.{of}.dense" for of in ("intermediate", "output")]
        parts += [f"encoder.layer.{layer}.output.LayerNorm"]
    for part in parts:
        yield f"{part}.weight"
        yield f"{part}.bias"


@dataclass(frozen=True, slots=True, eq=False)
class Bert:
    """The weights of a model and the arithmetic over them."""

    shape: Shape
    weights: Mapping[str, Floats]

    def embed(self, ids: NDArray[np.int64], mask: Floats) -> Floats:
        """Mean of the last layer over the tokens that count, scaled to length 1.

        Args:
            ids: token ids, shape (n_texts, n_tokens).
            mask: 1.0 where a token counts, 0.0 where it is padding; the same shape.
        """
        states = self._embed_tokens(ids)
        hidden_from = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(self.shape.layers):
            states = self._encode(states, hidden_from, f"encoder.layer.{layer}")
        pooled = (states * mask[:, :, None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)
        length = np.sqrt((pooled * pooled).sum(-1, keepdims=True))
        unit: Floats = pooled / np.maximum(length, np.float32(1e-12))
        return unit

    def _embed_tokens(self, ids: NDArray[np.int64]) -> Floats:
        words = self.weights["embeddings.word_embeddings.weight"][ids]
        places = self.weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        kind = self.weights["embeddings.token_type_embeddings.weight"][0]
        return self._normalise(words + places + kind, "embeddings.LayerNorm")

    def _encode(self, states: Floats, hidden_from: Floats, layer: str) -> Floats:
        seen = self._linear(
            self._attend(states, hidden_from, layer), f"{layer}.attention.output.dense"
        )
        states = self._normalise(seen + states, f"{layer}.attention.output.LayerNorm")
        inner = gelu(self._linear(states, f"{layer}.intermediate.dense"))
        outer = self._linear(inner, f"{layer}.output.dense")
        return self._normalise(outer + states, f"{layer}.output.LayerNorm")

    def _attend(self, states: Floats, hidden_from: Floats, layer: str) -> Floats:
        query, key, value = (
            self._split_heads(self._linear(states, f"{layer}.attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        size = query.shape[-1]
        logits = query @ key.transpose(0, 1, 3, 2) / np.float32(sqrt(size)) + hidden_from
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        seen: Floats = (weights @ value).transpose(0, 2, 1, 3).reshape(states.shape)
        return seen

    def _split_heads(self, states: Floats) -> Floats:
        n_texts, n_tokens, hidden = states.shape
        heads = self.shape.heads
        return states.reshape(n_texts, n_tokens, heads, hidden // heads).transpose(0, 2, 1, 3)

    def _linear(self, states: Floats, part: str) -> Floats:
        return states @ self.weights[f"{part}.weight"].T + self.weights[f"{part}.bias"]

    def _normalise(self, states: Floats, part: str) -> Floats:
        centred = states - states.mean(-1, keepdims=True)
        variance = (centred * centred).mean(-1, keepdims=True)
        scaled = centred / np.sqrt(variance + np.float32(self.shape.epsilon))
        normal: Floats = scaled * self.weights[f"{part}.weight"] + self.weights[f"{part}.bias"]
        return normal


def gelu(values: Floats) -> Floats:
    """x·Φ(x), with erf by Abramowitz and Stegun 7.1.26 (error below 1.5e-7): numpy has none.

    >>> gelu(np.array([-1.0, 0.0, 2.0], np.float32)).round(4).tolist()
    [-0.15870000422000885, 0.0, 1.9544999599456787]
    """
    z = np.abs(values) * np.float32(1 / sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.sign(values) * (1 - series * np.exp(-z * z))
    activated: Floats = (0.5 * values * (1 + erf)).astype(np.float32)
    return activated

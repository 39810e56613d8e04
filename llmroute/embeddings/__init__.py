"""Texts → vectors: hashed n-grams, a model folder on this machine, or an embedding model's API.

An embedder is named by one text: `hashed`, `hashed:1024` (dimensions), `local:FOLDER`, or any
LiteLLM embedding model such as `openai/text-embedding-3-small`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmroute.embeddings.local import LocalEmbedder, read_embedder
from llmroute.errors import InputError

__all__ = ["Embedder", "LocalEmbedder", "build_embedder", "identify_embedder", "read_embedder"]


class Embedder(Protocol):
    """What every embedder can do."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text, shape (n_texts, dimensions), each of length 1 or 0."""
        ...


@cache
def build_embedder(name: str) -> Embedder:
    """The embedder of this name, its vectors cached on disk where computing them costs something.

    Raises:
        InputError: the name says nothing, the folder holds no model, or an extra is missing.
    """
    kind, _, rest = name.partition(":")
    if kind == "hashed":
        from llmroute.embeddings.hashed import HashedEmbedder

        return HashedEmbedder(_dimensions(rest, name))
    if kind == "local":
        return _local(rest, name)
    if not name.strip() or any(character.isspace() for character in name):
        raise InputError(
            f"{name!r} names no embedder",
            fix="Write hashed, local:FOLDER, or a LiteLLM embedding model's id.",
        )
    from llmroute.embeddings.cache import CachedEmbedder
    from llmroute.embeddings.remote import RemoteEmbedder

    return CachedEmbedder(name, RemoteEmbedder(name))


def identify_embedder(name: str) -> str:
    """What tells two embedders apart whose vectors differ: for a folder, its content.

    Raises:
        InputError: the folder holds no model.
    """
    if not name.startswith("local:"):
        return name
    from pathlib import Path

    from llmroute.digest import file_digest

    weights = Path(name.removeprefix("local:")).expanduser() / "model.safetensors"
    if not weights.is_file():
        raise InputError("the model folder lacks model.safetensors", where=str(weights.parent))
    return f"local:{file_digest(weights)}"


def _local(folder: str, name: str) -> Embedder:
    if not folder:
        raise InputError(f"{name!r} names no folder", fix="Write local:FOLDER.")
    from llmroute.embeddings.cache import CachedEmbedder

    return CachedEmbedder(identify_embedder(name), read_embedder(folder))


def _dimensions(stated: str, name: str) -> int:
    if not stated:
        return 512
    if stated.isdecimal() and 16 <= int(stated) <= 8192:
        return int(stated)
    raise InputError(
        f"{name!r}: dimensions must be a whole number from 16 to 8192", fix="Write hashed:512."
    )

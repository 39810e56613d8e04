"""Vectors kept on disk by model and content: a text is embedded once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmroute.errors import StoreError

Vectors = NDArray[np.float32]

CACHE = Path(".llmroute/embeddings.db")
MAX_DIMENSIONS = 65_536
LEAST_TO_KEEP = 8
"""Fewer texts than this come from routing, not from learning: nothing is written for them."""


class Embeds(Protocol):
    """Whatever turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (n_texts, dimensions)."""
        ...


class CachedEmbedder:
    """An embedder that asks `inner` only for texts it has not seen; texts themselves aren't kept.

    The file holds the SHA-256 of each text and its vector as raw little-endian floats.
    """

    def __init__(self, model: str, inner: Embeds, path: Path = CACHE) -> None:
        self._model = model
        self._inner = inner
        self._path = path

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, shape (n_texts, dimensions).

        Raises:
            StoreError: the cache file can't be read or written.
        """
        if len(texts) < LEAST_TO_KEEP:
            return self._inner.embed(texts)
        keys = [_key(text) for text in texts]
        known = self._read(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            fresh = np.asarray(self._inner.embed(list(missing.values())), np.float32)
            known = {key: v for key, v in known.items() if len(v) == fresh.shape[1]}
            known.update(zip(missing, fresh, strict=True))
            self._write(missing, known)
            if any(key not in known for key in keys):  # kept vectors were of another length
                return self._inner.embed(texts)
        return np.stack([known[key] for key in keys])

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        if not self._path.is_file():
            return {}
        found: dict[bytes, Vectors] = {}
        with self._open() as database:
            wanted = list(dict.fromkeys(keys))
            for start in range(0, len(wanted), 500):
                some = wanted[start : start + 500]
                marks = ",".join("?" * len(some))
                rows = database.execute(
                    f"SELECT text, vector FROM vectors WHERE model = ? AND text IN ({marks})",  # noqa: S608 - question marks only
                    (self._model, *some),
                )
                for key, raw in rows:
                    vector = _vector(raw)
                    if vector is not None:
                        found[bytes(key)] = vector
        sizes = {len(vector) for vector in found.values()}
        return found if len(sizes) == 1 else {}

    def _write(self, keys: Sequence[bytes] | dict[bytes, str], known: dict[bytes, Vectors]) -> None:
        with self._open() as database:
            database.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                [(self._model, key, known[key].astype("<f4").tobytes()) for key in keys],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=30)
            try:
                with database:
                    database.execute(
                        "CREATE TABLE IF NOT EXISTS vectors (model TEXT, text BLOB, vector BLOB,"
                        " PRIMARY KEY (model, text)) WITHOUT ROWID"
                    )
                    yield database
            finally:
                database.close()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the cache of embeddings cannot be used: {error}",
                where=str(self._path),
                fix="Delete the file; the vectors are computed again.",
            ) from error


def _key(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _vector(raw: object) -> Vectors | None:
    if not isinstance(raw, bytes) or not raw or len(raw) % 4 or len(raw) > 4 * MAX_DIMENSIONS:
        return None
    vector = np.frombuffer(raw, "<f4").astype(np.float32)
    return vector if bool(np.isfinite(vector).all()) else None

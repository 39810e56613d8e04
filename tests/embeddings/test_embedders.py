from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmroute.embeddings import build_embedder
from llmroute.embeddings.cache import CachedEmbedder
from llmroute.embeddings.hashed import HashedEmbedder
from llmroute.embeddings.remote import RemoteEmbedder, read_vectors
from llmroute.errors import ConfigError, InputError, MalformedAnswer, StoreError, Unauthorized

TEXTS = [f"text {i}" for i in range(10)]


class Counting:
    def __init__(self, dimensions: int = 3) -> None:
        self.asked: list[str] = []
        self.dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([[len(text)] * self.dimensions for text in texts], np.float32)


def test_hashed_vectors_have_length_1_and_nothing_has_length_0() -> None:
    vectors = HashedEmbedder(64).embed(["refund my order", "什么是", ""])
    assert vectors.shape == (3, 64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 0], abs=1e-6)


def test_hashed_vectors_are_near_for_near_spellings() -> None:
    a, b, c = HashedEmbedder().embed(["refund my order", "refunded my orders", "zebra crossing"])
    assert a @ b > 0.4 > a @ c


@pytest.mark.parametrize("name", ["hashed:8", "hashed:x", "local:", "", "two words"])
def test_name_of_no_embedder_says_what_to_write(name: str) -> None:
    with pytest.raises(InputError, match="Write"):
        build_embedder(name)


def test_dimensions_stand_in_the_name() -> None:
    assert build_embedder("hashed:128").embed(["a"]).shape == (1, 128)


def test_text_is_embedded_once_a_model(tmp_path: Path) -> None:
    inner = Counting()
    first = CachedEmbedder("m", inner, tmp_path / "c.db").embed(TEXTS + TEXTS[:2])
    again = CachedEmbedder("m", inner, tmp_path / "c.db").embed([*TEXTS[:9], "new"])
    assert inner.asked == [*TEXTS, "new"]
    assert first[0].tolist() == again[0].tolist() == [6.0, 6.0, 6.0]
    CachedEmbedder("other", inner, tmp_path / "c.db").embed(TEXTS)
    assert len(inner.asked) == 21


def test_cache_holds_no_text(tmp_path: Path) -> None:
    CachedEmbedder("m", Counting(), tmp_path / "c.db").embed([f"secret {i}" for i in range(9)])
    assert b"secret" not in (tmp_path / "c.db").read_bytes()


def test_few_texts_leave_no_file(tmp_path: Path) -> None:
    CachedEmbedder("m", Counting(), tmp_path / "c.db").embed(["one"])
    assert not (tmp_path / "c.db").exists()


def test_vectors_of_another_length_are_computed_again(tmp_path: Path) -> None:
    CachedEmbedder("m", Counting(3), tmp_path / "c.db").embed(TEXTS)
    wider = CachedEmbedder("m", Counting(5), tmp_path / "c.db").embed([*TEXTS, "new"])
    assert wider.shape == (11, 5)


@pytest.mark.parametrize("raw", [b"", b"abc", b"\x00\x00\xc0\x7f" * 3, "text"])
def test_broken_row_is_computed_again(tmp_path: Path, raw: object) -> None:
    inner = Counting()
    cached = CachedEmbedder("m", inner, tmp_path / "c.db")
    cached.embed(TEXTS)
    with sqlite3.connect(tmp_path / "c.db") as database:
        database.execute("UPDATE vectors SET vector = ?", (raw,))
    database.close()
    assert cached.embed(TEXTS).tolist() == [[6.0] * 3] * 10
    assert len(inner.asked) == 20


def test_file_that_is_no_cache_says_to_delete_it(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"not a database, but long enough to be read as one" * 50)
    with pytest.raises(StoreError, match="Delete the file"):
        CachedEmbedder("m", Counting(), tmp_path / "c.db").embed(TEXTS)


def reply(asked: Any) -> dict[str, Any]:
    inputs = asked.body["input"]
    data = [{"index": i, "embedding": [3.0, 4.0 * len(text)]} for i, text in enumerate(inputs)]
    return {"object": "list", "data": data[::-1], "model": "m"}


@pytest.fixture
def env(chat_server: Any) -> dict[str, str]:
    return {"OPENAI_BASE_URL": chat_server.url, "OPENAI_API_KEY": "sk-test"}


def test_vectors_come_in_the_order_asked_over_batches(chat_server: Any, env: Any) -> None:
    chat_server.script = reply
    texts = ["a" * (i % 5 + 1) for i in range(200)]
    vectors = RemoteEmbedder("openai/embedder", env=env).embed(texts)
    assert vectors.shape == (200, 2)
    assert vectors[0].tolist() == pytest.approx([0.6, 0.8])
    assert vectors[4].tolist() == pytest.approx([3 / 409**0.5, 20 / 409**0.5])
    assert len(chat_server.requests) == 3
    asked = chat_server.requests[0]
    assert asked.path == "/v1/embeddings"
    assert asked.headers["authorization"] == "Bearer sk-test"
    assert asked.body["model"] == "embedder"


def test_busy_server_is_asked_again(chat_server: Any, env: Any) -> None:
    busy = chat_server.reply({"error": {"message": "slow down"}}, 429, {"retry-after": "0"})
    chat_server.script = lambda asked: busy if len(chat_server.requests) == 1 else reply(asked)
    assert RemoteEmbedder("openai/embedder", env=env).embed(["a"]).shape == (1, 2)
    assert len(chat_server.requests) == 2


def test_refused_key_is_not_tried_again(chat_server: Any, env: Any) -> None:
    chat_server.script = lambda asked: chat_server.reply({"error": {"message": "no"}}, 401)
    with pytest.raises(Unauthorized):
        RemoteEmbedder("openai/embedder", env=env).embed(["a"])
    assert len(chat_server.requests) == 1


def test_vectors_come_also_where_a_loop_runs(chat_server: Any, env: Any) -> None:
    chat_server.script = reply

    async def embed() -> np.ndarray:
        return RemoteEmbedder("openai/embedder", env=env).embed(["a"])

    assert asyncio.run(embed()).shape == (1, 2)


def test_missing_key_is_named_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        RemoteEmbedder("openai/embedder", env={}).embed(["a"])


@pytest.mark.parametrize(
    "said",
    [
        None,
        {"data": []},
        {"data": [{"index": 0}]},
        {"data": [{"index": 0, "embedding": ["x"]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": [float("nan")]}]},
    ],
)
def test_reply_without_proper_vectors_is_malformed(said: Any) -> None:
    with pytest.raises(MalformedAnswer):
        read_vectors(said, 1, "here")

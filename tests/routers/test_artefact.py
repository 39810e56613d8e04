from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmroute.artefact import training_fingerprint
from llmroute.calibration.pair import Pair, Query
from llmroute.digest import digest
from llmroute.errors import InputError
from llmroute.routers import build_router
from llmroute.routers.artefact import SavedRouter, read_router, save_router
from llmroute.routers.novelty import Novelty


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    texts = [f"How many eggs are left of {i} after {i % 7} are sold?" for i in range(30)]
    scores = (np.arange(30) % 3 == 0).astype(float)
    unknown = np.full(30, np.nan)
    ids = tuple(map(str, range(30)))
    queries = tuple(Query(text) for text in texts)
    pair = Pair("a", "b", ids, queries, scores, np.ones(30), unknown, unknown, np.arange(30))
    router = build_router("tfidf").fit(pair)
    whole = SavedRouter(router, "a", "b", 0.5, Novelty.learn(texts), training_fingerprint(pair))
    save_router(tmp_path / "router.json", whole)
    return tmp_path / "router.json"


def rewrite(path: Path, change: Callable[[dict[str, Any]], None], *, sign: bool = True) -> None:
    """Edit the JSON, and make its digest right again as an attacker would."""
    content = json.loads(path.read_text())
    content.pop("digest") if sign else None
    change(content)
    if sign:
        content["digest"] = digest(content)
    path.write_text(json.dumps(content))


def replace_arrays(path: Path, packed: bytes) -> None:
    path.with_suffix(".npz").write_bytes(packed)

    def restate(content: dict[str, Any]) -> None:
        content["arrays"] |= {"bytes": len(packed), "sha256": sha256(packed).hexdigest()}

    rewrite(path, restate)


def packed_with(path: Path, **replaced: bytes | None) -> bytes:
    """The archive with members replaced, added or (None) left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path.with_suffix(".npz")) as old, zipfile.ZipFile(buffer, "w") as new:
        members = {name.removesuffix(".npy"): old.read(name) for name in old.namelist()}
        for name, raw in {**members, **replaced}.items():
            if raw is not None:
                new.writestr(f"{name}.npy", raw)
    return buffer.getvalue()


def array_bytes(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    raw = io.BytesIO()
    np.lib.format.write_array(raw, array, allow_pickle=allow_pickle)
    return raw.getvalue()


def test_equal_routers_are_saved_as_equal_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again" / "router.json"
    save_router(again, read_router(saved))
    assert again.read_bytes() == saved.read_bytes()
    assert again.with_suffix(".npz").read_bytes() == saved.with_suffix(".npz").read_bytes()


def test_training_is_told_by_count_and_hash(saved: Path) -> None:
    training = read_router(saved).training
    assert training["n"] == 30
    assert len(training["sha256"]) == 64


def test_missing_router_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such router(.|\n)*llmroute calibrate"):
        read_router(tmp_path / "router.json")


def test_edited_json_is_refused(saved: Path) -> None:
    rewrite(saved, lambda content: content.update(routing_threshold=0.9), sign=False)
    with pytest.raises(InputError, match="not what was saved"):
        read_router(saved)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"kind": 1}'])
def test_json_that_is_no_router_is_refused(saved: Path, content: bytes) -> None:
    saved.write_bytes(content)
    with pytest.raises(InputError, match="refused"):
        read_router(saved)


def test_later_version_says_to_update(saved: Path) -> None:
    rewrite(saved, lambda content: content.update(schema_version=2))
    with pytest.raises(InputError, match="pip install -U llmroute"):
        read_router(saved)


def test_flipped_byte_in_the_arrays_is_refused_before_they_are_unpacked(saved: Path) -> None:
    arrays = saved.with_suffix(".npz")
    raw = bytearray(arrays.read_bytes())
    raw[len(raw) // 2] ^= 1
    arrays.write_bytes(raw)
    with pytest.raises(InputError, match="not the file it was saved with"):
        read_router(saved)


def test_cut_arrays_are_refused(saved: Path) -> None:
    arrays = saved.with_suffix(".npz")
    arrays.write_bytes(arrays.read_bytes()[:-10])
    with pytest.raises(InputError, match="another size"):
        read_router(saved)


def test_missing_arrays_are_named(saved: Path) -> None:
    saved.with_suffix(".npz").unlink()
    with pytest.raises(InputError, match=r"router\.npz cannot be read"):
        read_router(saved)


def test_pickled_array_is_never_unpickled(saved: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (trap,))

    pickled = array_bytes(np.array([Trap()], dtype=object), allow_pickle=True)
    replace_arrays(saved, packed_with(saved, intercepts=pickled))
    with pytest.raises(InputError, match="refused"):
        read_router(saved)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([np.nan]), "not a number"),
        (np.array([1.0, 2.0]), "another type or shape"),
        (np.array([1.0], np.float32), "another type or shape"),
        (np.array([1], np.int64), "another type or shape"),
        (np.array([[1.0]]), "another type or shape"),
    ],
)
def test_array_other_than_stated_is_refused(saved: Path, array: np.ndarray, message: str) -> None:
    replace_arrays(saved, packed_with(saved, intercepts=array_bytes(array)))
    with pytest.raises(InputError, match=message):
        read_router(saved)


@pytest.mark.parametrize("member", ["../escape", "extra", "intercepts"])
def test_members_other_than_stated_are_refused(saved: Path, member: str) -> None:
    raw = None if member == "intercepts" else array_bytes(np.zeros(1))
    replace_arrays(saved, packed_with(saved, **{member: raw}))
    with pytest.raises(InputError, match="other members"):
        read_router(saved)


def test_archive_that_unpacks_to_more_than_stated_is_not_unpacked(saved: Path) -> None:
    replace_arrays(saved, packed_with(saved, intercepts=b"\0" * 10_000_000))
    with pytest.raises(InputError, match="another size"):
        read_router(saved)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ({"dtype": "object", "shape": [1]}, "a type it cannot be of"),
        ({"dtype": "float64", "shape": [-1]}, "no proper shape"),
        ({"dtype": "float64", "shape": [True]}, "no proper shape"),
        ({"dtype": "float64", "shape": [2**31, 2**31]}, "unpack to too much"),
    ],
)
def test_stated_monsters_are_refused(saved: Path, member: dict[str, Any], message: str) -> None:
    rewrite(saved, lambda content: content["arrays"]["members"].update(intercepts=member))
    with pytest.raises(InputError, match=message):
        read_router(saved)


@pytest.mark.parametrize("file", ["../router.npz", "/etc/passwd", "", ".."])
def test_arrays_in_another_folder_are_refused(saved: Path, file: str) -> None:
    rewrite(saved, lambda content: content["arrays"].update(file=file))
    with pytest.raises(InputError, match="another folder"):
        read_router(saved)


def test_changed_model_folder_is_refused(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"other weights")
    stated = {"name": f"local:{folder}", "id": "local:" + "0" * 64}
    rewrite(saved, lambda content: content.update(embedding=stated))
    with pytest.raises(InputError, match="not the one it learned with"):
        read_router(saved)


def test_unknown_router_is_refused_by_name(saved: Path) -> None:
    rewrite(saved, lambda content: content.update(router="bert"))
    with pytest.raises(InputError, match="unknown router 'bert'"):
        read_router(saved)

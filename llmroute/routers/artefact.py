"""Fitted router ⇄ two files: JSON that says everything, and an `.npz` of plain arrays.

Nothing is pickled. Before numpy sees a byte of the arrays, their file's size and SHA-256 must be
those the JSON states, and the JSON must match its own digest; after that, the archive may hold the
members it states and nothing else, each of a stated, harmless type and shape. The digests find
damage and edits; they are no signature: who can write both files can write another router.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Pair
from llmroute.digest import digest
from llmroute.embeddings import identify_embedder
from llmroute.errors import InputError
from llmroute.files import atomic_write
from llmroute.routers import ROUTERS, Router
from llmroute.routers.novelty import Novelty

SCHEMA_VERSION = 1
MAX_JSON_BYTES = 32 << 20
MAX_ARRAYS_BYTES = 1 << 30
MAX_ARRAYS = 64
DTYPES = ("float32", "float64", "int32", "int64", "uint64")
_NOVELTY = ("novelty_hashes", "novelty_weights")


@dataclass(frozen=True, slots=True, eq=False)
class SavedRouter:
    """A router as it is used in production: fitted, with its pair, threshold and radius."""

    router: Router
    weak: str
    strong: str
    routing_threshold: float
    novelty: Novelty | None
    """None: every prompt is routed, however strange."""
    training: Mapping[str, Any]
    """n, tasks and the SHA-256 of the training rows."""


def training_fingerprint(pair: Pair) -> dict[str, Any]:
    """What a router was trained on: counts, and a hash of prompts and scores in order of id."""
    rows = zip(
        pair.ids,
        (query.text for query in pair.queries),
        (query.task for query in pair.queries),
        pair.weak_scores.tolist(),
        pair.strong_scores.tolist(),
        strict=True,
    )
    tasks = sorted({query.task for query in pair.queries if query.task is not None})
    return {"n": len(pair), "tasks": tasks, "sha256": digest(sorted(rows, key=lambda row: row[0]))}


def save_router(path: Path, saved: SavedRouter) -> tuple[Path, Path]:
    """Write `path` (JSON) and the arrays beside it; the same router gives the same bytes.

    Raises:
        OutsideError: a file can't be written.
    """
    values, arrays = saved.router.state()
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    novelty = None
    if saved.novelty is not None:
        arrays |= dict(zip(_NOVELTY, (saved.novelty.hashes, saved.novelty.weights), strict=True))
        novelty = {
            "radius": saved.novelty.radius,
            "unknown_weight": saved.novelty.unknown_weight,
        }
    packed = _pack(arrays)
    arrays_path = path.with_suffix(".npz")
    content: dict[str, Any] = {
        "kind": "llmroute-router",
        "schema_version": SCHEMA_VERSION,
        "router": saved.router.name,
        "weak": saved.weak,
        "strong": saved.strong,
        "routing_threshold": saved.routing_threshold,
        "embedding": _embedding(values),
        "training": dict(saved.training),
        "novelty": novelty,
        "values": values,
        "arrays": {
            "file": arrays_path.name,
            "bytes": len(packed),
            "sha256": sha256(packed).hexdigest(),
            "members": {
                name: {"dtype": str(array.dtype), "shape": list(array.shape)}
                for name, array in sorted(arrays.items())
            },
        },
    }
    content["digest"] = digest(content)
    # The arrays first: a JSON that stands is a router that can be read.
    atomic_write(arrays_path, packed)
    atomic_write(path, json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n")
    return path, arrays_path


def read_router(path: Path) -> SavedRouter:
    """The router in `path` and the arrays beside it.

    Raises:
        InputError: a file is missing, damaged, edited or of a later version, or the embedder it
            was trained with is another one now.
    """
    content = _read_json(path)
    _check_embedding(content, path)
    arrays = _read_arrays(content, path)
    try:
        novelty = _novelty(content, arrays)
        own = {name: array for name, array in arrays.items() if name not in _NOVELTY}
        router = ROUTERS.load(content["router"], where=str(path)).from_state(content["values"], own)
        threshold = float(content["routing_threshold"])
        weak, strong = str(content["weak"]), str(content["strong"])
        training = dict(content["training"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _damaged(f"it lacks what a router needs ({error})", path) from error
    if not math.isfinite(threshold):
        raise _damaged("the routing threshold is not a number", path)
    return SavedRouter(router, weak, strong, threshold, novelty, training)


def _damaged(what: str, path: Path) -> InputError:
    return InputError(
        f"the saved router is refused: {what}",
        where=str(path),
        fix="Make it again: llmroute calibrate. Its two files belong together, unedited.",
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise _damaged("the file is larger than any router", path)
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            "there is no such router", where=str(path), fix="Make one: llmroute calibrate"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(f"it cannot be read ({error})", path) from error
    if not isinstance(content, dict) or content.get("kind") != "llmroute-router":
        raise _damaged("it is no router", path)
    version = content.get("schema_version")
    if type(version) is not int or version < 1:
        raise _damaged("it states no version", path)
    if version > SCHEMA_VERSION:
        raise InputError(
            f"the router was saved by a later version of llmroute (its form is {version})",
            where=str(path),
            fix="Update llmroute: pip install -U llmroute",
        )
    stated = content.pop("digest", None)
    if stated != digest(content):
        raise _damaged("its content is not what was saved", path)
    return content


def _embedding(values: Any) -> dict[str, str] | None:
    """The embedder named anywhere in the router's values, and what identifies it."""
    if not isinstance(values, Mapping):
        return None
    name = values.get("embedding")
    if isinstance(name, str):
        return {"name": name, "id": identify_embedder(name)}
    return next((found for value in values.values() if (found := _embedding(value))), None)


def _check_embedding(content: Mapping[str, Any], path: Path) -> None:
    stated = content.get("embedding")
    if stated is None:
        return
    if not isinstance(stated, dict) or not isinstance(stated.get("name"), str):
        raise _damaged("its embedder has no name", path)
    if identify_embedder(stated["name"]) != stated.get("id"):
        raise _damaged(f"the model behind {stated['name']!r} is not the one it learned with", path)


def _pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in sorted(arrays.items()):
            raw = io.BytesIO()
            np.lib.format.write_array(raw, array, allow_pickle=False)
            # A fixed date: equal routers give equal bytes.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), raw.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read_arrays(content: Mapping[str, Any], path: Path) -> dict[str, NDArray[Any]]:
    stated = content.get("arrays")
    if not isinstance(stated, dict) or not isinstance(stated.get("members"), dict):
        raise _damaged("it does not say what its arrays are", path)
    file, size = stated.get("file"), stated.get("bytes")
    if not isinstance(file, str) or file != Path(file).name or file in ("", ".", ".."):
        raise _damaged("its arrays lie in another folder", path)
    if type(size) is not int or not 0 < size <= MAX_ARRAYS_BYTES:
        raise _damaged("its arrays are larger than any router's", path)
    beside = path.with_name(file)
    try:
        if beside.stat().st_size != size:
            raise _damaged(f"{file} has another size than it was saved with", path)
        packed = beside.read_bytes()
    except OSError as error:
        raise _damaged(f"{file} cannot be read ({error.strerror})", path) from error
    if sha256(packed).hexdigest() != stated.get("sha256"):
        raise _damaged(f"{file} is not the file it was saved with", path)
    return _unpack(packed, stated["members"], path)


def _unpack(packed: bytes, members: Mapping[str, Any], path: Path) -> dict[str, NDArray[Any]]:
    wanted = {name: _shape(name, member, path) for name, member in members.items()}
    if len(wanted) > MAX_ARRAYS:
        raise _damaged("it has more arrays than any router", path)
    if (
        sum(math.prod(shape) * dtype.itemsize for dtype, shape in wanted.values())
        > MAX_ARRAYS_BYTES
    ):
        raise _damaged("its arrays unpack to more than any router's", path)
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            found = {info.filename: info for info in archive.infolist()}
            if len(found) != len(archive.infolist()) or set(found) != {f"{n}.npy" for n in wanted}:
                raise _damaged("the archive holds other members than it states", path)
            return {
                name: _read_member(archive, found[f"{name}.npy"], *wanted[name], path)
                for name in wanted
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise _damaged(f"the archive is damaged ({error})", path) from error


def _shape(name: str, member: Any, path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    if not isinstance(member, dict) or member.get("dtype") not in DTYPES:
        raise _damaged(f"array {name!r} is of a type no router has", path)
    shape = member.get("shape")
    sizes = shape if isinstance(shape, list) and len(shape) <= 3 else [-1]
    if any(type(size) is not int or not 0 <= size <= 2**31 for size in sizes):
        raise _damaged(f"array {name!r} has no proper shape", path)
    return np.dtype(member["dtype"]), tuple(sizes)


def _read_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    path: Path,
) -> NDArray[Any]:
    n_bytes = math.prod(shape) * dtype.itemsize
    header_room = 4096
    if not n_bytes <= info.file_size <= n_bytes + header_room:
        raise _damaged(f"{info.filename} is of another size than it states", path)
    with archive.open(info) as stream:
        raw = io.BytesIO(stream.read(n_bytes + header_room + 1))
    try:
        version = np.lib.format.read_magic(raw)
        if version != (1, 0):
            raise ValueError("another version of the array format")
        header = np.lib.format.read_array_header_1_0(raw, max_header_size=header_room)
    except ValueError as error:
        raise _damaged(f"{info.filename} is no plain array ({error})", path) from error
    if header != (shape, False, dtype):
        raise _damaged(f"{info.filename} is of another type or shape than it states", path)
    rest = raw.read()
    if len(rest) != n_bytes:
        raise _damaged(f"{info.filename} is of another size than it states", path)
    array: NDArray[Any] = np.frombuffer(rest, dtype).reshape(shape)
    if dtype.kind == "f" and not bool(np.isfinite(array).all()):
        raise _damaged(f"{info.filename} holds a value that is not a number", path)
    return array


def _novelty(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Novelty | None:
    stated = content["novelty"]
    if stated is None:
        return None
    hashes, weights = (arrays[name] for name in _NOVELTY)
    if hashes.shape != weights.shape or hashes.dtype != np.uint64:
        raise ValueError("the novelty arrays do not belong together")
    return Novelty(hashes, weights, float(stated["unknown_weight"]), float(stated["radius"]))

"""Values and plain arrays ⇄ two files: JSON that says everything, and an `.npz` beside it.

Nothing is pickled. Before numpy sees a byte of the arrays, their file's size and SHA-256 must be
those the JSON states, and the JSON must match its own digest; after that, the archive may hold the
members it states and nothing else, each of a stated, harmless type and shape. The digests find
damage and edits; they are no signature: who can write both files can write another pair of them.
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

from llmroute.digest import digest
from llmroute.errors import InputError
from llmroute.files import atomic_write

SCHEMA_VERSION = 1
MAX_JSON_BYTES = 32 << 20
MAX_ARRAYS_BYTES = 1 << 30
MAX_ARRAYS = 64
DTYPES = ("float32", "float64", "int32", "int64", "uint64")

Arrays = Mapping[str, NDArray[Any]]
_HEADER_ROOM = 4096


@dataclass(frozen=True, slots=True)
class Archive:
    """Two files that belong together."""

    path: Path
    """Of the JSON; the arrays stand beside it."""
    noun: str
    """What is kept, for messages and so that one kind is not read as another: "router"."""

    def write(self, content: Mapping[str, Any], arrays: Arrays) -> tuple[Path, Path]:
        """Write both files; the same values give the same bytes.

        Raises:
            OutsideError: a file can't be written.
        """
        plain = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
        packed = _pack(plain)
        beside = self.path.with_suffix(".npz")
        document = {
            "kind": f"llmroute-{self.noun}",
            "schema_version": SCHEMA_VERSION,
            **content,
            "arrays": {
                "file": beside.name,
                "bytes": len(packed),
                "sha256": sha256(packed).hexdigest(),
                "members": {
                    name: {"dtype": str(array.dtype), "shape": list(array.shape)}
                    for name, array in plain.items()
                },
            },
        }
        document["digest"] = digest(document)
        text = json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False)
        # The arrays first: a JSON that stands is one whose arrays can be read.
        atomic_write(beside, packed)
        atomic_write(self.path, f"{text}\n")
        return self.path, beside

    def read_content(self) -> dict[str, Any]:
        """What the JSON says.

        Raises:
            InputError: the file is missing, damaged, edited or of a later version.
        """
        content = self._parsed()
        version = content.get("schema_version")
        if type(version) is not int or version < 1:
            raise self.damaged("it states no version")
        if version > SCHEMA_VERSION:
            raise InputError(
                f"the {self.noun} was saved by a later version of llmroute (its form is {version})",
                where=str(self.path),
                fix="Update llmroute: pip install -U llmroute",
            )
        stated = content.pop("digest", None)
        if stated != digest(content):
            raise self.damaged("its content is not what was saved")
        return content

    def read_arrays(self, content: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """The arrays that the JSON states.

        Raises:
            InputError: the file is missing, damaged or edited.
        """
        stated = content.get("arrays")
        if not isinstance(stated, dict) or not isinstance(stated.get("members"), dict):
            raise self.damaged("it does not say what its arrays are")
        file, size = stated.get("file"), stated.get("bytes")
        if not isinstance(file, str) or file != Path(file).name or file in ("", ".", ".."):
            raise self.damaged("its arrays lie in another folder")
        if type(size) is not int or not 0 < size <= MAX_ARRAYS_BYTES:
            raise self.damaged("its arrays are too large")
        packed = self._packed(file, size)
        if sha256(packed).hexdigest() != stated.get("sha256"):
            raise self.damaged(f"{file} is not the file it was saved with")
        return self._unpack(packed, stated["members"])

    def damaged(self, what: str) -> InputError:
        """The refusal of these files."""
        return InputError(
            f"the saved {self.noun} is refused: {what}",
            where=str(self.path),
            fix="Make it again: llmroute calibrate. Its two files belong together, unedited.",
        )

    def _parsed(self) -> dict[str, Any]:
        try:
            if self.path.stat().st_size > MAX_JSON_BYTES:
                raise self.damaged("the file is too large")
            content = json.loads(self.path.read_bytes())
        except FileNotFoundError as error:
            raise InputError(
                f"there is no such {self.noun}",
                where=str(self.path),
                fix="Make one: llmroute calibrate",
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise self.damaged(f"it cannot be read ({error})") from error
        if not isinstance(content, dict) or content.get("kind") != f"llmroute-{self.noun}":
            raise self.damaged(f"it is no {self.noun}")
        return content

    def _packed(self, file: str, size: int) -> bytes:
        beside = self.path.with_name(file)
        try:
            if beside.stat().st_size != size:
                raise self.damaged(f"{file} has another size than it was saved with")
            return beside.read_bytes()
        except OSError as error:
            raise self.damaged(f"{file} cannot be read ({error.strerror})") from error

    def _unpack(self, packed: bytes, members: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        wanted = {name: self._shape(name, member) for name, member in members.items()}
        if len(wanted) > MAX_ARRAYS:
            raise self.damaged("it has too many arrays")
        sizes = (math.prod(shape) * dtype.itemsize for dtype, shape in wanted.values())
        if sum(sizes) > MAX_ARRAYS_BYTES:
            raise self.damaged("its arrays unpack to too much")
        try:
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                found = {info.filename: info for info in archive.infolist()}
                stated = {f"{name}.npy" for name in wanted}
                if len(found) != len(archive.infolist()) or set(found) != stated:
                    raise self.damaged("the archive holds other members than it states")
                return {
                    name: self._member(archive, found[f"{name}.npy"], *wanted[name])
                    for name in wanted
                }
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise self.damaged(f"the archive is damaged ({error})") from error

    def _shape(self, name: str, member: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
        if not isinstance(member, dict) or member.get("dtype") not in DTYPES:
            raise self.damaged(f"array {name!r} is of a type it cannot be of")
        shape = member.get("shape")
        sizes = shape if isinstance(shape, list) and len(shape) <= 3 else [-1]
        if any(type(size) is not int or not 0 <= size <= 2**31 for size in sizes):
            raise self.damaged(f"array {name!r} has no proper shape")
        return np.dtype(member["dtype"]), tuple(sizes)

    def _member(
        self,
        archive: zipfile.ZipFile,
        info: zipfile.ZipInfo,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
    ) -> NDArray[Any]:
        n_bytes = math.prod(shape) * dtype.itemsize
        if not n_bytes <= info.file_size <= n_bytes + _HEADER_ROOM:
            raise self.damaged(f"{info.filename} is of another size than it states")
        with archive.open(info) as stream:
            raw = io.BytesIO(stream.read(n_bytes + _HEADER_ROOM + 1))
        try:
            if np.lib.format.read_magic(raw) != (1, 0):
                raise ValueError("another version of the array format")
            header = np.lib.format.read_array_header_1_0(raw, max_header_size=_HEADER_ROOM)
        except ValueError as error:
            raise self.damaged(f"{info.filename} is no plain array ({error})") from error
        if header != (shape, False, dtype):
            raise self.damaged(f"{info.filename} is of another type or shape than it states")
        rest = raw.read()
        if len(rest) != n_bytes:
            raise self.damaged(f"{info.filename} is of another size than it states")
        array: NDArray[Any] = np.frombuffer(rest, dtype).reshape(shape)
        if dtype.kind == "f" and not bool(np.isfinite(array).all()):
            raise self.damaged(f"{info.filename} holds a value that is not a number")
        return array


def _pack(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            raw = io.BytesIO()
            np.lib.format.write_array(raw, array, allow_pickle=False)
            # A fixed date: equal arrays give equal bytes.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), raw.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()

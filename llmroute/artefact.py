"""What calibration has fitted ⇄ an archive: the model, its pair, threshold and radius."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from llmroute.archive import Archive, Arrays
from llmroute.calibration.pair import Pair
from llmroute.digest import digest
from llmroute.embeddings import identify_embedder
from llmroute.registry import Registry
from llmroute.routers.novelty import Novelty

_NOVELTY = ("novelty_hashes", "novelty_weights")


class Learned(Protocol):
    """What routers and escalators have in common: they can be put away and taken out again."""

    @property
    def name(self) -> str:
        """The plugin's."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was learned: JSON values, and arrays by name. Never a pickle."""
        ...

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The model that `state` was taken from."""
        ...


T = TypeVar("T", bound=Learned)


# No slots: `Saved[Router](...)` sets an attribute, and with them fails in another way than allowed.
@dataclass(frozen=True, eq=False)
class Saved(Generic[T]):
    """A fitted model as it is used in production."""

    learned: T
    weak: str
    strong: str
    routing_threshold: float
    novelty: Novelty | None
    """None: no prompt is too strange for it."""
    training: Mapping[str, Any]
    """n, tasks and the SHA-256 of the training rows."""


def training_fingerprint(pair: Pair, *, answers: bool = False) -> dict[str, Any]:
    """What a model was trained on: counts, and a hash of prompts and scores in order of id.

    Args:
        pair: the rows.
        answers: whether it saw the weak model's answers too.
    """
    columns: list[Any] = [
        pair.ids,
        [query.text for query in pair.queries],
        [query.task for query in pair.queries],
        pair.weak_scores.tolist(),
        pair.strong_scores.tolist(),
    ]
    if answers:
        columns.append(pair.weak_answers)
    rows = sorted(zip(*columns, strict=True), key=lambda row: str(row[0]))
    tasks = sorted({query.task for query in pair.queries if query.task is not None})
    return {"n": len(pair), "tasks": tasks, "sha256": digest(rows)}


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of model that is saved."""

    noun: str
    """The key of the plugin's name in the file, and the word in messages."""
    registry: Registry

    def save(self, path: Path, saved: Saved[T]) -> tuple[Path, Path]:
        """Write `path` (JSON) and the arrays beside it; the same model gives the same bytes.

        Raises:
            OutsideError: a file can't be written.
        """
        values, arrays = saved.learned.state()
        novelty = None
        if saved.novelty is not None:
            told = (saved.novelty.hashes, saved.novelty.weights)
            arrays = arrays | dict(zip(_NOVELTY, told, strict=True))
            novelty = {
                "radius": saved.novelty.radius,
                "unknown_weight": saved.novelty.unknown_weight,
            }
        content = {
            self.noun: saved.learned.name,
            "weak": saved.weak,
            "strong": saved.strong,
            "routing_threshold": saved.routing_threshold,
            "embedding": _embedding(values),
            "training": dict(saved.training),
            "novelty": novelty,
            "values": values,
        }
        return Archive(path, self.noun).write(content, arrays)

    def read(self, path: Path) -> Saved[T]:
        """The model in `path` and the arrays beside it.

        Raises:
            InputError: a file is missing, damaged, edited or of a later version, or the embedder
                it was trained with is another one now.
        """
        archive = Archive(path, self.noun)
        content = archive.read_content()
        _check_embedding(content, archive)
        arrays = archive.read_arrays(content)
        try:
            own = {name: array for name, array in arrays.items() if name not in _NOVELTY}
            plugin = self.registry.load(content[self.noun], where=str(path))
            saved = Saved(
                learned=plugin.from_state(content["values"], own),
                weak=str(content["weak"]),
                strong=str(content["strong"]),
                routing_threshold=float(content["routing_threshold"]),
                novelty=_novelty(content, arrays),
                training=dict(content["training"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise archive.damaged(f"it lacks what a {self.noun} needs ({error})") from error
        if not math.isfinite(saved.routing_threshold):
            raise archive.damaged("the routing threshold is not a number")
        return saved


def _embedding(values: Any) -> dict[str, str] | None:
    """The embedder named anywhere in the model's values, and what identifies it."""
    if not isinstance(values, Mapping):
        return None
    name = values.get("embedding")
    if isinstance(name, str):
        return {"name": name, "id": identify_embedder(name)}
    return next((found for value in values.values() if (found := _embedding(value))), None)


def _check_embedding(content: Mapping[str, Any], archive: Archive) -> None:
    stated = content.get("embedding")
    if stated is None:
        return
    if not isinstance(stated, dict) or not isinstance(stated.get("name"), str):
        raise archive.damaged("its embedder has no name")
    if identify_embedder(stated["name"]) != stated.get("id"):
        raise archive.damaged(f"the model behind {stated['name']!r} is not the one it learned with")


def _novelty(content: Mapping[str, Any], arrays: Arrays) -> Novelty | None:
    stated = content["novelty"]
    if stated is None:
        return None
    hashes, weights = (arrays[name] for name in _NOVELTY)
    if hashes.shape != weights.shape or hashes.dtype != "uint64":
        raise ValueError("the novelty arrays do not belong together")
    return Novelty(hashes, weights, float(stated["unknown_weight"]), float(stated["radius"]))

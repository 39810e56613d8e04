"""A map's file → whether it is what was written, and what its evidence gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from llmroute import __version__
from llmroute.digest import file_digest
from llmroute.gate.recompute import Difference, corrected_tasks, first_difference
from llmroute.records import RoutingMap, Suite
from llmroute.routing_map.file import map_digest, map_to_dict, read_map_document
from llmroute.store.suites import suite_hash
from llmroute.suites.sampling import limit_samples

if TYPE_CHECKING:
    from llmroute.config.yaml_source import Document
    from llmroute.errors import InputError


OUTCOMES_NAMES = ("outcomes.jsonl", "outcomes.jsonl.gz")


@dataclass(frozen=True, slots=True)
class MapFile:
    """A routing map as it stands in a file."""

    path: Path
    document: Document
    routing_map: RoutingMap

    @classmethod
    def read(cls, path: Path) -> MapFile:
        """The map in a file.

        Raises:
            ConfigError: it cannot be read, is no routing map, or is of a later version.
        """
        document, routing_map = read_map_document(path, any_section=True)
        return cls(path, document, routing_map)

    @property
    def content(self) -> dict[str, Any]:
        """The file's values."""
        content: dict[str, Any] = self.document.root.data()
        return content

    @property
    def is_edited(self) -> bool:
        """Whether the content no longer fits the digest it states."""
        stated = self.content.get("digest")
        return stated is not None and stated != map_digest(self.content)

    def difference_to(self, recomputed: RoutingMap, *more: str) -> Difference | None:
        """Where the file first says something else than a recomputed map, or None."""
        sections = ("reference", "quality", "tasks", "savings", *more)
        return first_difference(self.content, map_to_dict(recomputed), sections)

    def corrected_tasks(self, recomputed: RoutingMap) -> tuple[str, ...]:
        """Tasks whose figures people's labels corrected, and the recomputed map's did not."""
        return corrected_tasks(self.content, map_to_dict(recomputed))

    def fault(self, difference: Difference, source: str) -> InputError:
        """The error that names a field, what the file says and what its source gives."""
        edited = "edited by hand: " if self.is_edited else ""
        what = (
            f"{edited}{difference.name} is {_shown(difference.written)} here, and "
            f"{_shown(difference.recomputed)} by {source}"
        )
        fix = f"Make the map again with `{self._remake}`{self._other_version()}."
        return self.document.fault(difference.path, what, fix)

    def edited_fault(self) -> InputError:
        """The error of a file that was edited, where no outcomes tell which field."""
        return self.document.fault(
            ("digest",),
            "edited by hand: its content does not fit its digest",
            f"Make the map again with `{self._remake}`; where the edit is meant to stay, take the "
            "digest line away.",
        )

    @property
    def _remake(self) -> str:
        """The command that writes a map in this one's place."""
        return f"llmroute map --out {self.path.parent}"

    def _other_version(self) -> str:
        made_by = str(self.content.get("generated_by", ""))
        ours = f"llmroute {__version__}"
        return "" if made_by == ours else f" (it was made by {made_by}, and this is {ours})"


def outcomes_beside(file: MapFile) -> list[Path]:
    """The outcomes files a map was made from, or that stand beside it; unread.

    Of those it names itself, only files whose content is still what it was made from.
    """
    folder = file.path.parent
    sources = [_source(text) for text in file.routing_map.provenance.sources]
    if sources:
        paths = [folder / name for name, _ in sources]
        whole = all(
            path.is_file() and file_digest(path) == stated
            for path, (_, stated) in zip(paths, sources, strict=True)
        )
        return paths if whole else []
    beside = [folder / name for name in OUTCOMES_NAMES if (folder / name).is_file()]
    return beside[:1]


def _source(text: str) -> tuple[str, str]:
    name, _, stated = text.rpartition(" sha256:")
    return Path(name).name, stated


def changed_suites(file: MapFile, suites: Sequence[Suite]) -> tuple[str, ...]:
    """Tasks of the map whose suites say something else by now, or are gone.

    A map of a run with `--limit` was made with as many samples as its evidence counts, drawn by
    its seed, so that is what today's suite is cut to.
    """
    provenance = file.routing_map.provenance
    today = {suite.task: suite for suite in suites}
    n_samples = {task.task: task.evidence.n_samples for task in file.routing_map.tasks}
    return tuple(
        task
        for task, made_with in provenance.suites.items()
        if task not in today
        or _hash_as_asked(today[task], n_samples.get(task, 0), provenance.seed) != made_with
    )


def _hash_as_asked(suite: Suite, n_samples: int, seed: int) -> str:
    if 0 < n_samples < len(suite.samples):
        suite = limit_samples(suite, n_samples, np.random.default_rng(seed))
    return suite_hash(suite)


def check_artefacts(file: MapFile) -> list[Path]:
    """The files the map names by hash, such as a saved query router; each is as it was.

    Found by form, so that sections this version does not know are checked too: a mapping with
    `artefact` (a file name beside the map) and `sha256`.

    Raises:
        ConfigError: one is missing or another file by now.
    """
    checked = []
    for where, entry in _artefacts((), file.content):
        name, stated = entry["artefact"], entry["sha256"]
        path = file.path.parent / Path(name).name
        if not path.is_file():
            raise file.document.fault(
                (*where, "artefact"),
                f"{name} does not stand beside the map",
                "Copy it there, or calibrate again: llmroute calibrate",
            )
        if file_digest(path) != stated:
            raise file.document.fault(
                (*where, "sha256"),
                f"{name} is not the file this map was made with",
                "Put that file back, or calibrate again: llmroute calibrate",
            )
        checked += [path, *_check_arrays(file, where, path)]
    return checked


def _check_arrays(file: MapFile, where: tuple[str | int, ...], saved: Path) -> list[Path]:
    """The arrays beside a saved router or cascade, which its own file names by hash."""
    try:
        stated = json.loads(saved.read_bytes())["arrays"]
        path, expected = saved.with_name(Path(stated["file"]).name), stated["sha256"]
    except (ValueError, KeyError, TypeError):
        return []  # a kind of file without arrays
    if not path.is_file() or file_digest(path) != expected:
        raise file.document.fault(
            (*where, "artefact"),
            f"{path.name}, the arrays of {saved.name}, is missing or another file by now",
            "Put that file back, or calibrate again: llmroute calibrate",
        )
    return [path]


def _artefacts(
    where: tuple[str | int, ...], value: Any
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, str]]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("artefact"), str) and isinstance(value.get("sha256"), str):
            yield where, value
        for key, item in value.items():
            yield from _artefacts((*where, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _artefacts((*where, index), item)


def _shown(value: Any) -> str:
    return "missing" if value is None else str(value)

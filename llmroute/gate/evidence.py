"""A map's file → the map with the outcomes it stands on, and the refusal of one edited by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmroute.errors import InputError
from llmroute.gate.compare import MapEvidence
from llmroute.gate.measured import Measured
from llmroute.gate.recompute import Difference, map_prices, recompute
from llmroute.gate.verify import MapFile, outcomes_beside
from llmroute.outcomes.files import read_outcomes
from llmroute.records import Outcomes, RoutingMap


@dataclass(frozen=True, slots=True)
class Source:
    """Outcomes that may be those of a map."""

    name: str
    """As messages say it."""
    outcomes: Outcomes
    recomputed: RoutingMap | None
    """The map they give; None: they are not of its candidates."""
    further: tuple[str, ...] = ()
    """Sections beside the usual ones that the source knows too."""

    def difference(self, file: MapFile) -> Difference | None:
        """Where the file first says something else, or None."""
        if self.recomputed is None:
            reference = file.routing_map.reference
            return Difference(("reference",), reference, "no candidate")
        return file.difference_to(self.recomputed, *self.further)

    def not_recomputed(self, file: MapFile) -> tuple[str, ...]:
        """Tasks of the file whose figures this source cannot give."""
        return () if self.recomputed is None else file.corrected_tasks(self.recomputed)


Recall = Callable[[RoutingMap], Source | None]
"""The run of a map out of the store, or None where it is not there."""


def map_alone(file: MapFile) -> MapEvidence:
    """The map without outcomes: its own intervals are all there is to compare."""
    return MapEvidence(file.routing_map, file.content, name=str(file.path))


def source_of_files(file: MapFile, paths: Sequence[Path]) -> Source:
    """The outcomes in files, as the source of a map.

    Raises:
        LogFormatError: a file is not in the outcomes form.
    """
    outcomes = read_outcomes(paths)
    try:
        recomputed = recompute(file.routing_map, outcomes)
    except InputError:
        recomputed = None
    return Source(", ".join(path.name for path in paths), outcomes, recomputed)


def recompute_map(file: MapFile, data: Sequence[Path], recall: Recall) -> Source:
    """The source that gives just this map: `data`, or its run in the store, or what is beside it.

    Raises:
        InputError: it gives another map, or there is none.
    """
    found = source_of_files(file, data) if data else recall(file.routing_map)
    paths = outcomes_beside(file)
    if found is None and paths:
        found = source_of_files(file, paths)
    if found is None:
        if file.is_edited:
            raise file.edited_fault()
        raise InputError(
            "there is nothing to recompute the map from",
            where=str(file.path),
            fix="Name its outcomes (--data FILE) or the store of its run (--store FILE), or check "
            "form and hashes alone (--shallow).",
        )
    difference = found.difference(file)
    if difference is not None:
        raise file.fault(difference, found.name)
    return found


def gather_evidence(file: MapFile, data: Sequence[Path], recall: Recall) -> MapEvidence:
    """The map, with its outcomes where some at hand give just this map.

    Args:
        file: the map.
        data: its outcomes files; none: those beside it, else its run in the store.
        recall: finds the run.

    Raises:
        InputError: the map was edited by hand, or `data` gives another one.
    """
    source, difference = next(_attempts(file, data, recall), (None, None))
    if source is not None and difference is not None and (data or file.is_edited):
        raise file.fault(difference, source.name)
    if file.is_edited:
        raise file.edited_fault()
    measured = note = None
    if source is not None and difference is None:
        measured = Measured.of(source.outcomes, map_prices(file.routing_map))
    elif source is not None:
        note = (
            f"{source.name} gives another map than {file.path}: it was asked again since, or is of "
            "another run. The intervals of the two maps are compared instead."
        )
    return MapEvidence(file.routing_map, file.content, measured, note, str(file.path))


def _attempts(
    file: MapFile, data: Sequence[Path], recall: Recall
) -> Iterator[tuple[Source, Difference | None]]:
    """Sources to try: first those that give the map, then the first that does not."""
    refused: list[tuple[Source, Difference]] = []
    for source in _sources(file, data, recall):
        difference = source.difference(file)
        if difference is None:
            yield source, None
        else:
            refused.append((source, difference))
    yield from refused


def _sources(file: MapFile, data: Sequence[Path], recall: Recall) -> Iterator[Source]:
    paths = data or outcomes_beside(file)
    if paths:
        yield source_of_files(file, paths)
    if not data and (source := recall(file.routing_map)) is not None:
        yield source

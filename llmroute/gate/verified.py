"""What was checked of a map's file, and found well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from llmroute.gate.evidence import Source
from llmroute.gate.verify import MapFile, changed_suites
from llmroute.records import Suite
from llmroute.report.amounts import counted


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked of a map, and found well."""

    map: str
    tasks: int
    digest: str
    """"matches", or "not stated" where the map carries none."""
    artefacts: tuple[str, ...]
    """Files it names by hash, each as it was."""
    recomputed_from: str | None
    """None: it was not asked to be."""
    not_recomputed: tuple[str, ...]
    """Tasks whose figures people's labels corrected, which outcomes alone can't give."""
    suites_changed: tuple[str, ...]
    """Tasks whose suites of today are no longer those it was made with."""

    @classmethod
    def of(
        cls,
        file: MapFile,
        artefacts: Sequence[Path],
        source: Source | None,
        suites: Sequence[Suite],
    ) -> Self:
        """What there is to say of a file that was found well.

        Args:
            file: the map.
            artefacts: files it names, checked.
            source: what gives just this map; None: it was not asked for.
            suites: those of today; none: not known.
        """
        return cls(
            map=str(file.path),
            tasks=len(file.routing_map.tasks),
            digest="matches" if file.content.get("digest") else "not stated",
            artefacts=tuple(path.name for path in artefacts),
            recomputed_from=None if source is None else source.name,
            not_recomputed=() if source is None else source.not_recomputed(file),
            suites_changed=changed_suites(file, suites) if suites else (),
        )

    def lines(self) -> Iterator[str]:
        """What was checked, a line each."""
        yield f"{self.map}: a routing map of {counted(self.tasks, 'task')}"
        yield f"  digest      {self.digest}"
        if self.artefacts:
            yield f"  files       {', '.join(self.artefacts)}: as they were"
        source = self.recomputed_from
        yield f"  recomputed  {'no (--shallow)' if source is None else f'{source} gives this map'}"
        if self.not_recomputed:
            names = ", ".join(self.not_recomputed)
            yield f"  but for     {names}: people's labels corrected the judge there"
        if self.suites_changed:
            yield f"  suites      changed since: {', '.join(self.suites_changed)}"

"""A run in the store, from what it was planned with to how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from llmroute.errors import OutsideError
from llmroute.records import Suite
from llmroute.store.manifest import RunManifest, RunState, utc_text
from llmroute.store.writer import StoreWriter


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that the store knows, and that has not ended."""

    run_id: str
    store: StoreWriter
    now: Callable[[], datetime]

    @classmethod
    def start(
        cls,
        store: StoreWriter,
        suites: Iterable[Suite],
        manifest: RunManifest,
        now: Callable[[], datetime],
    ) -> Self:
        """Keep what the run was planned with, its suites whole."""
        for suite in suites:
            store.put_suite(suite)
        return cls(store.start_run(manifest), store, now)

    def end(self, state: RunState) -> None:
        """Keep how it ended, and when."""
        self.store.finish_run(self.run_id, state, utc_text(self.now()))

    @contextmanager
    def failing_outside(self) -> Iterator[None]:
        """What fails outside of this process in this block ends the run."""
        try:
            yield
        except OutsideError:
            self.end("failed")
            raise

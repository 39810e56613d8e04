"""A store's runs → the calls and runs that may go. What the last run uses always stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from llmroute.errors import ConfigError, StoreError, UnknownName
from llmroute.judges.answers import verdict_keys
from llmroute.plan.manifest import plan_digest, recall_plan
from llmroute.store.manifest import RunManifest, utc_text

if TYPE_CHECKING:
    from llmroute.plan.matrix import Plan
    from llmroute.store.reader import StoreReader


@dataclass(frozen=True, slots=True)
class Obsolete:
    """What may be deleted."""

    calls: frozenset[str] = frozenset()
    """Keys."""
    runs: tuple[str, ...] = ()
    """Ids."""
    suites: tuple[str, ...] = ()
    """Hashes of suites that no remaining run names."""


def find_obsolete(
    reader: StoreReader,
    *,
    now: datetime,
    older_than_days: float | None = None,
    keep_runs: int | None = None,
    candidate: str | None = None,
) -> Obsolete:
    """The calls that only dropped runs use, with those runs.

    Dropped is a run that is older *or* beyond the last so many. With a candidate, only its calls go
    and the runs stay, for they have others; with nothing but a candidate, its calls in every run
    but the last.

    Args:
        reader: the store.
        now: the wall clock.
        older_than_days: runs that were started before that.
        keep_runs: all but the last so many, at least 1.
        candidate: a candidate's name.

    Raises:
        ConfigError: nothing says what is to go.
        UnknownName: no run has such a candidate.
        StoreError: a run that stays cannot be read, so what it uses is not known.
    """
    if older_than_days is None and keep_runs is None and candidate is None:
        raise ConfigError(
            "nothing says what may be deleted",
            fix="Add --keep-runs N, --older-than DAYS or --candidate NAME.",
        )
    runs = reader.runs()
    _check_candidate(candidate, runs)
    recall = _Recall(reader)
    if older_than_days is None and keep_runs is None:
        dropped, kept = runs, runs[-1:]
    else:
        dropped = _dropped(runs, now, older_than_days, keep_runs)
        kept = tuple(run for run in runs if run not in dropped)
    used = frozenset(key for run in kept for key in recall.keys(run))
    calls = frozenset(recall.all_keys(dropped, candidate)) - used
    if candidate is not None:
        return Obsolete(calls)
    hashes = {one for run in dropped for one in run.suites.values()}
    hashes -= {one for run in kept for one in run.suites.values()}
    return Obsolete(calls, tuple(run.run_id for run in dropped), tuple(sorted(hashes)))


def _dropped(
    runs: tuple[RunManifest, ...],
    now: datetime,
    older_than_days: float | None,
    keep_runs: int | None,
) -> tuple[RunManifest, ...]:
    n_beyond = max(0, len(runs) - keep_runs) if keep_runs is not None else 0
    oldest = "" if older_than_days is None else utc_text(now - timedelta(days=older_than_days))
    return tuple(run for n, run in enumerate(runs[:-1]) if n < n_beyond or run.started < oldest)


def _check_candidate(name: str | None, runs: Iterable[RunManifest]) -> None:
    known = {known for run in runs for known in run.candidates}
    if name is not None and name not in known:
        raise UnknownName("candidate", name, known)


class _Recall:
    """The keys of runs; runs of one plan, which most are, are planned once."""

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader
        self._plans: dict[str, Plan] = {}

    def keys(self, run: RunManifest, candidate: str | None = None) -> Iterable[str]:
        plan = self._plan(run)
        asked = {c.key for c in plan.calls if candidate in (None, c.candidate.name)}
        return frozenset(asked | verdict_keys(plan, self._reader, candidate))

    def all_keys(self, runs: Iterable[RunManifest], candidate: str | None = None) -> Iterable[str]:
        """Of runs that go: one that cannot be recalled goes without its answers."""
        for run in runs:
            try:
                yield from self.keys(run, candidate)
            except StoreError:
                continue

    def _plan(self, run: RunManifest) -> Plan:
        asked = plan_digest(run)
        if asked not in self._plans:
            self._plans[asked] = recall_plan(run, self._reader)
        return self._plans[asked]

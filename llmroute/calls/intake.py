"""Calls → jobs, one a key; what becomes of a job → every call of its key, told once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from llmroute.calls.budget import Ledger, worst_case_usd
from llmroute.calls.lane import Job
from llmroute.calls.source import CallSource, Source
from llmroute.records import Call, Completion, Failure

Result = Completion | Failure


@dataclass(slots=True, eq=False)
class Intake:
    """The calls of a run, taken in one at a time."""

    source: Source
    repeated: frozenset[str] | None
    """Keys whose result is kept for later copies; None: any key may come again."""
    on_done: Callable[[Call, Result], None]
    ledger: Ledger | None
    pending: dict[str, Job] = field(default_factory=dict)
    """Key → job, for every job taken in and not done."""
    results: dict[str, Result] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        calls: Iterable[Call] | CallSource,
        on_done: Callable[[Call, Result], None],
        ledger: Ledger | None,
    ) -> Self:
        """Nothing is taken in yet; a sequence is searched for equal keys."""
        return cls(Source(calls), _repeated_keys(calls), on_done, ledger)

    @property
    def is_over(self) -> bool:
        """Every call is done, and there will be no more."""
        return self.source.exhausted and not self.pending

    def take(self) -> Job | None:
        """The next call, or None where there is none for now, or where it needs no sending."""
        call = self.source.take()
        if call is None:
            return None
        result = self.results.get(call.key)
        if result is not None:
            self._tell(call, result)
            return None
        twin = self.pending.get(call.key)
        if twin is not None:
            twin.copies = [*(twin.copies or ()), call]
            return None
        job = self.pending[call.key] = Job(call, self._worst_usd(call))
        return job

    def finish(self, job: Job, result: Result) -> None:
        """The job is done."""
        key = job.call.key
        self.pending.pop(key, None)
        if self.repeated is None or key in self.repeated:
            self.results[key] = result
        for call in (job.call, *(job.copies or ())):
            self._tell(call, result)

    def _tell(self, call: Call, result: Result) -> None:
        self.on_done(call, result)
        self.source.ask_again()

    def _worst_usd(self, call: Call) -> float:
        if self.ledger is None:
            return 0.0
        worst_usd = worst_case_usd(call)
        if worst_usd is None:
            return math.inf if self.ledger.max_usd is not None else 0.0
        return worst_usd


def _repeated_keys(calls: Iterable[Call] | CallSource) -> frozenset[str] | None:
    if not isinstance(calls, Sequence):
        return None
    counts = Counter(call.key for call in calls)
    return frozenset(key for key, count in counts.items() if count > 1)

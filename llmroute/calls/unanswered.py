"""A job and what went wrong → its Failure, with no key in its message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from llmroute.calls.budget import Ledger
from llmroute.calls.lane import Job
from llmroute.calls.lanes import Lanes
from llmroute.calls.redact import redact
from llmroute.errors import BudgetSpent, CallError
from llmroute.records import Failure


@dataclass(frozen=True, slots=True, eq=False)
class Unanswered:
    """Writes the failures of one run."""

    lanes: Lanes
    """Their candidates' keys are secrets too."""
    ledger: Ledger | None
    """Counts what the cap kept from being sent."""
    secrets: frozenset[str]
    now: Callable[[], float]

    def failed(self, job: Job, error: CallError, latency_s: float | None) -> Failure:
        """Of a try that failed."""
        return Failure(
            key=job.call.key,
            kind=error.kind,
            message=redact(str(error), self.secrets | self.lanes.keys),
            status=error.status,
            latency_s=latency_s,
            attempts=job.attempts,
            created_s=self.now(),
        )

    def unsent(self, job: Job, stopped: Failure) -> Failure:
        """Of a job that is not sent any more, because its candidate was stopped for this."""
        if self.ledger is not None and stopped.kind == BudgetSpent.kind:
            self.ledger.unsent += 1
        return replace(stopped, key=job.call.key, attempts=job.attempts, created_s=self.now())

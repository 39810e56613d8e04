"""One candidate's failures → whether further calls would fail alike, so that it is not asked."""

from __future__ import annotations

from dataclasses import dataclass

from llmroute.calls.retry import STOPPING_KINDS
from llmroute.records import Failure

STOP_AFTER = 3
"""Calls in a row that fail for a reason of the candidate's, after which it is not asked again."""
HOPELESS_AFTER = 25
"""Calls that fail before any was answered, after which a candidate is not asked again."""
OF_THE_SAMPLE = frozenset({"content_refused", "context_too_long", "not_recorded", "budget_spent"})
"""Kinds that say nothing about the candidate's other calls."""


@dataclass(slots=True, eq=False)
class Standing:
    """What a candidate's calls have shown of it so far."""

    has_answered: bool = False
    streak: int = 0
    """Calls in a row that failed for a reason of the candidate's."""
    failed_calls: int = 0
    """Calls that failed before the first was answered, samples' own faults aside."""

    def answered(self) -> None:
        """A call was answered."""
        self.has_answered = True
        self.streak = 0

    def failed(self, failure: Failure) -> str | None:
        """A call has failed for good: why the candidate is not asked again, or None."""
        if not self.has_answered and failure.kind not in OF_THE_SAMPLE:
            self.failed_calls += 1
        never_reached = failure.kind == "connection" and not self.has_answered
        of_the_candidate = failure.kind in STOPPING_KINDS or never_reached
        self.streak = self.streak + 1 if of_the_candidate else 0
        if self.streak >= STOP_AFTER:
            return f"not asked again after {STOP_AFTER} such failures in a row: {failure.message}"
        if not self.has_answered and self.failed_calls >= HOPELESS_AFTER:
            return f"not asked again, its first {HOPELESS_AFTER} calls failed: {failure.message}"
        return None

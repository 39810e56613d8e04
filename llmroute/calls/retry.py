"""Which failures deserve another try, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from llmroute.errors import CallError

RETRIED_KINDS = frozenset(
    {"rate_limited", "timed_out", "connection", "server_error", "malformed_answer"}
)
"""What may be otherwise next time. A bad key, request or sample stays what it is."""

STOPPING_KINDS = frozenset({"unauthorized", "not_found"})
"""What says something about the candidate, not about the sample: the rest would fail alike."""


class Randomness(Protocol):
    """What is asked of a random generator; numpy's and the standard library's both do."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Exponential backoff with full jitter.

    Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: a wait drawn
    evenly from [0, min(cap, base · 2^(n−1))] after the n-th try. `Retry-After` is a floor under
    it: the wait is never shorter, and longer by at most `base_s`.
    """

    base_s: float = 0.5
    cap_s: float = 30.0
    longest_retry_after_s: float = 600.0
    """An endpoint that wants a longer rest is not waited for; the failure stands."""

    def delay_s(
        self, error: CallError, *, attempts: int, max_attempts: int, rng: Randomness
    ) -> float | None:
        """Seconds to wait before the next try, or None where there is to be none.

        Args:
            error: why the last try failed.
            attempts: tries so far, at least 1.
            max_attempts: tries allowed, the first included.
            rng: draws the jitter.
        """
        if error.kind not in RETRIED_KINDS or attempts >= max_attempts:
            return None
        if error.retry_after_s is None:
            return rng.random() * min(self.cap_s, self.base_s * 2.0 ** (attempts - 1))
        if self.is_too_long(error):
            return None
        return error.retry_after_s + rng.random() * self.base_s

    def is_too_long(self, error: CallError) -> bool:
        """Whether the endpoint wants a rest that is not waited for."""
        return error.retry_after_s is not None and error.retry_after_s > self.longest_retry_after_s

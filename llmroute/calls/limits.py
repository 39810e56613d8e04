"""Stated limits and an endpoint's refusals → when the next call may be sent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmroute.calls.concurrency import SHRINK, AdaptiveLimit

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmroute.records import Candidate, Limits

PAUSE_S = 1.0
"""Pause after a refusal that does not say how long it wants to be left alone."""
CARE = 0.95
"""Share of a learned rate that is used at first."""
PROBE = 0.05
"""Growth of a learned rate after a clean period; doubled with each further one, up to 1."""
PROBE_AFTER = 20
PROBE_AFTER_S = 2.0
"""Calls and seconds without a refusal that make a period clean, at first."""
LONGEST_PERIOD = 8
"""Each time that growth was refused the period doubles, up to so many times the first one."""
USED = 0.8
"""Share of a rate that must have been used before its being clean says anything."""
CATCH_UP_S = 0.25
"""Calls that a busy machine sends late are made up for, up to as many."""
SLOWEST_PER_S = 1 / 60
"""A rate that is learned from little is not believed below this."""
ENOUGH = 10
"""Accepted calls from which a rate is told; of fewer only the first are, and the window goes on."""

_NEARLY = 1e-9


class Bucket:
    """A token bucket that may be overdrawn by the one call that is larger than it.

    >>> bucket = Bucket(per_s=2.0, capacity=2.0)
    >>> bucket.take(0.0, 3.0)
    >>> bucket.opens_at(0.0, 1.0)
    1.0
    """

    def __init__(self, *, per_s: float, capacity: float) -> None:
        self.per_s = per_s
        self.capacity = capacity
        self._level = capacity
        self._at_s = -math.inf

    def opens_at(self, now_s: float, amount: float) -> float:
        """The time from which `amount` may be taken; `now_s` where it may be at once."""
        lacking = min(amount, self.capacity) - self._level_at(now_s)
        return now_s if lacking <= _NEARLY else now_s + lacking / self.per_s

    def take(self, now_s: float, amount: float) -> None:
        """Take `amount` out; a negative one is put back."""
        self._level = min(self.capacity, self._level_at(now_s) - amount)
        self._at_s = now_s

    def _level_at(self, now_s: float) -> float:
        if self._at_s == -math.inf:
            return self._level
        return min(self.capacity, self._level + (now_s - self._at_s) * self.per_s)


def bucket_per_minute(amount: float) -> Bucket:
    """A bucket that gives at most `amount` in any 60 seconds, and a second's share at once.

    Providers may hold a minute's limit to each second ("60 requests a minute may be enforced as
    one a second": Anthropic's and OpenAI's pages on rate limits), so bursts stay short. What a
    burst of c gives beside its refill comes off the refill: c + 60 · rate = amount + 1 in a
    closed minute, hence `amount` in a half-open one.
    """
    burst = max(1.0, amount / 60)
    return Bucket(per_s=(amount + 1 - burst) / 60, capacity=burst)


class LearnedRate:
    """Requests a second that an endpoint bears, learned from what it refuses.

    Between two refusals the endpoint's own bucket is empty at both ends, so what it accepted in
    between, over the time in between, is its rate, however large the burst before the first. A
    window is closed when the next call is sent after a refusal: by then its companions have come
    back too. A bucket that ran over in between makes that too low; hence a rate that was borne
    for a whole period is the least that is learned from the next refusal.
    """

    def __init__(self) -> None:
        self.bucket: Bucket | None = None
        """None: nothing was refused yet, or nothing is known from it."""
        self._from_s = -math.inf
        """When the window began: with the last refused call of the one before."""
        self._until_s = -math.inf
        """When the last refused call of the window was sent."""
        self._sent = 0
        self._refused = 0
        self._clean_from_s = 0.0
        self._clean = 0
        """Calls sent since, none of them refused so far."""
        self._step = PROBE
        self._period = 1
        self._borne_per_s = 0.0
        """The rate of the last clean period since a refusal."""

    def sent(self, now_s: float) -> None:
        """A call is sent."""
        if self._until_s > self._from_s:
            self._learn(now_s)
        self._sent += 1
        self._clean += 1
        if self.bucket is not None:
            self.bucket.take(now_s, 1.0)
            period_s = now_s - self._clean_from_s
            if self._clean >= PROBE_AFTER * self._period and (
                period_s >= PROBE_AFTER_S * self._period
            ):
                self._probe(self.bucket.per_s, now_s)

    def refused(self, sent_s: float) -> None:
        """A call sent at `sent_s` came back refused."""
        if sent_s <= self._from_s:
            return  # one of a burst that has been reckoned up
        self._refused += 1
        self._until_s = max(self._until_s, sent_s)

    def _learn(self, now_s: float) -> None:
        accepted = self._sent - self._refused
        window_s = self._until_s - self._from_s
        if self.bucket is not None and accepted < ENOUGH:
            self._pace(max(SHRINK * self.bucket.per_s, self._borne_per_s), now_s)
        elif window_s < math.inf:
            learned_per_s = CARE * max(accepted, 0.5) / window_s
            self._pace(max(learned_per_s, self._borne_per_s), now_s)
        if accepted >= ENOUGH or window_s == math.inf:
            self._from_s, self._sent, self._refused = self._until_s, 0, 0
        self._until_s = self._from_s
        if self._borne_per_s:
            self._period = min(LONGEST_PERIOD, self._period * 2)
        self._step, self._borne_per_s = PROBE, 0.0

    def _probe(self, per_s: float, now_s: float) -> None:
        if self._clean / (now_s - self._clean_from_s) < USED * per_s:
            self._clean_from_s, self._clean = now_s, 0
            return
        self._borne_per_s = per_s
        self._pace(per_s * (1 + self._step), now_s)
        self._step = min(1.0, self._step * 2)

    def _pace(self, per_s: float, now_s: float) -> None:
        per_s = max(per_s, SLOWEST_PER_S)
        self.bucket = Bucket(per_s=per_s, capacity=max(1.0, per_s * CATCH_UP_S))
        self.bucket.take(now_s, self.bucket.capacity)  # a burst at once is what was just refused
        self._clean_from_s, self._clean = now_s, 0


@dataclass(slots=True, eq=False)
class Gate:
    """What one candidate, or all candidates of one key, may send at present."""

    concurrency: AdaptiveLimit
    requests: Bucket | None = None
    tokens: Bucket | None = None
    learned: LearnedRate = field(default_factory=LearnedRate)
    in_flight: int = 0
    paused_until_s: float = -math.inf

    @classmethod
    def of(cls, limits: Limits, concurrency: AdaptiveLimit) -> Gate:
        """The gate that keeps to stated limits."""
        return cls(
            concurrency,
            requests=bucket_per_minute(limits.rpm) if limits.rpm else None,
            tokens=bucket_per_minute(limits.tpm) if limits.tpm else None,
        )

    def opens_at(self, now_s: float, tokens: float) -> float:
        """The time from which a call may be sent; infinite where one must come back first."""
        if self.in_flight >= self.concurrency.limit:
            return math.inf
        opens_s = self.paused_until_s
        if self.requests is not None:
            opens_s = max(opens_s, self.requests.opens_at(now_s, 1.0))
        if self.tokens is not None:
            opens_s = max(opens_s, self.tokens.opens_at(now_s, tokens))
        if self.learned.bucket is not None:
            opens_s = max(opens_s, self.learned.bucket.opens_at(now_s, 1.0))
        return opens_s

    def sent(self, now_s: float, tokens: float) -> None:
        """A call that counts for `tokens` is sent."""
        self.in_flight += 1
        self.concurrency.sent(self.in_flight)
        self.learned.sent(now_s)
        if self.requests is not None:
            self.requests.take(now_s, 1.0)
        if self.tokens is not None:
            self.tokens.take(now_s, tokens)

    def answered(self, now_s: float, surplus: float) -> None:
        """A call was answered, and took `surplus` tokens less than it was sent for."""
        self.concurrency.answered(now_s)
        if self.tokens is not None and surplus:
            self.tokens.take(now_s, -surplus)

    def refused(self, now_s: float, sent_s: float, retry_after_s: float | None) -> None:
        """A call was refused for its rate: nothing is sent before `retry_after_s` have passed."""
        pause_s = PAUSE_S if retry_after_s is None else retry_after_s
        self.pause(now_s, pause_s)
        self.concurrency.refused(now_s, pause_s)
        self.learned.refused(sent_s)

    def faltered(self, now_s: float, retry_after_s: float | None) -> None:
        """A call timed out or failed on the server's side; it may say how long it is busy."""
        self.pause(now_s, retry_after_s or 0.0)
        self.concurrency.faltered()

    def pause(self, now_s: float, pause_s: float) -> None:
        """Send nothing for so long, or for longer where that was asked before."""
        self.paused_until_s = max(self.paused_until_s, now_s + pause_s)


def limited_names(candidate: Candidate) -> tuple[str, ...]:
    """Names under which the limits of a candidate's key may be stated, the closest first.

    The host of its `api_base`, with and without the port, and its provider.

    >>> from llmroute.records import Candidate
    >>> limited_names(Candidate("a", "openai/m", api_base="http://gpu:8000/v1"))
    ('gpu:8000', 'gpu', 'openai')
    """
    try:
        parts = urlsplit(candidate.api_base or "")
        names = (parts.netloc.rpartition("@")[2], parts.hostname or "", candidate.provider)
    except ValueError:  # no address; whoever opens the client says so
        names = ("", "", candidate.provider)
    return tuple(dict.fromkeys(name for name in names if name))


def shared_name(candidate: Candidate, stated: Collection[str]) -> str | None:
    """Under which of the stated names a candidate's key is limited, or None.

    >>> from llmroute.records import Candidate
    >>> shared_name(Candidate("a", "openai/m"), ["anthropic", "openai"])
    'openai'
    """
    return next((name for name in limited_names(candidate) if name in stated), None)

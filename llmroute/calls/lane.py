"""One candidate's calls that wait, and what they wait for."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmroute.calls.budget import Ledger, stated_output_tokens
from llmroute.calls.limits import Gate
from llmroute.calls.standing import Standing
from llmroute.records import Call, Candidate, Completion, Failure

if TYPE_CHECKING:
    import asyncio

    from llmroute.calls.client import Client
    from llmroute.errors import CallError
    from llmroute.records import Usage

CHARS_A_TOKEN = 4
USUAL_OUTPUT_TOKENS = 256
"""Reckoned for an answer before any was measured, where nothing bounds it."""
FALTERING_KINDS = frozenset({"timed_out", "server_error", "connection"})
"""What holds growth up: an endpoint in trouble is not asked more at once."""
LOOK_AGAIN_S = 0.1
"""Other runs of one ledger make room without telling."""


@dataclass(slots=True, eq=False)
class Job:
    """A call on its way, with later calls of the same key."""

    call: Call
    worst_usd: float = 0.0
    """The most one try of it costs; infinite where nothing bounds it. 0 without a ledger."""
    attempts: int = 0
    sent_s: float = 0.0
    tokens: float = 0.0
    """What its last try was reckoned at, where tokens a minute are limited."""
    copies: list[Call] | None = None


@dataclass(slots=True, eq=False)
class Lane:
    """What one candidate has waiting and in flight."""

    candidate: Candidate
    client: Client
    gates: tuple[Gate, ...]
    """Its own, and behind it the one it shares with others of its key, if that is limited."""
    counts_tokens: bool
    """Tokens a minute are limited by one of them."""
    queue: deque[Job] = field(default_factory=deque)
    retries: deque[Job] = field(default_factory=deque)
    """Tried before, and due again."""
    sleeping: dict[Job, asyncio.Task[None]] = field(default_factory=dict)
    """Tried before, and not yet due."""
    served: int = 0
    """Turn at which it was last served: among equals, the one that waited longest is next."""
    standing: Standing = field(default_factory=Standing)
    stopped: Failure | None = None
    """As which its further calls fail."""
    _output_tokens: float = 0.0
    _measured: int = 0

    @property
    def in_flight(self) -> int:
        """How many of its calls are under way."""
        return self.gates[0].in_flight

    def opens_at(self, now_s: float, ledger: Ledger | None) -> float:
        """The time from which its next call may be sent, or decided upon.

        Infinite where there is none, or where another must come back first.
        """
        if not self.retries:
            own = self.gates[0]
            if not self.queue or own.in_flight + len(self.sleeping) >= own.concurrency.limit:
                return math.inf
        if ledger is not None:
            room = ledger.room_for((self.retries or self.queue)[0].worst_usd)
            if room != "now":
                return now_s if room == "never" else now_s + LOOK_AGAIN_S
        tokens = self._expected((self.retries or self.queue)[0]) if self.counts_tokens else 0.0
        if len(self.gates) == 1:
            return self.gates[0].opens_at(now_s, tokens)
        return max(gate.opens_at(now_s, tokens) for gate in self.gates)

    def next_job(self) -> Job:
        """The call that is due, taken out."""
        return (self.retries or self.queue).popleft()

    def sent(self, job: Job, now_s: float) -> None:
        """The job is sent."""
        job.attempts += 1
        job.sent_s = now_s
        job.tokens = self._expected(job) if self.counts_tokens else 0.0
        for gate in self.gates:
            gate.sent(now_s, job.tokens)

    def came_back(self) -> None:
        """A job is no longer under way, however it ended."""
        for gate in self.gates:
            gate.in_flight -= 1

    def with_share(self, completion: Completion, in_flight: float) -> Completion:
        """The answer with its share of a machine that is paid by the hour.

        A machine that answers several calls at once is paid for once: each is charged its latency
        divided by the calls in flight, on average over its start and end.
        """
        price = self.candidate.price
        if price is None or price.usd_per_hour is None:
            return completion
        if completion.busy_s is not None or completion.latency_s is None:
            return completion
        return replace(completion, busy_s=completion.latency_s / max(in_flight, 1.0))

    def measured(self, job: Job, usage: Usage, now_s: float) -> None:
        """The job was answered."""
        self.standing.answered()
        surplus = 0.0
        if usage.output_tokens is not None:
            self._output_tokens += usage.output_tokens
            self._measured += 1
            if usage.input_tokens is not None:
                surplus = job.tokens - usage.input_tokens - usage.output_tokens
        for gate in self.gates:
            gate.answered(now_s, surplus)

    def slow_down(self, job: Job, error: CallError, now_s: float) -> None:
        """Lay a failed try to the widest gate the call went through."""
        gate = self.gates[-1]
        if error.kind == "rate_limited":
            gate.refused(now_s, job.sent_s, error.retry_after_s)
        elif error.kind in FALTERING_KINDS:
            gate.faltered(now_s, error.retry_after_s)

    def take_waiting(self) -> list[Job]:
        """Every job that is not in flight, removed from the lane."""
        for task in self.sleeping.values():
            task.cancel()
        jobs = [*self.sleeping, *self.retries, *self.queue]
        self.sleeping.clear()
        self.retries.clear()
        self.queue.clear()
        return jobs

    def _expected(self, job: Job) -> float:
        """Tokens a call will take: its text at 4 characters a token, and answers as until now."""
        said = sum(len(message.content) for message in job.call.messages) / CHARS_A_TOKEN
        if self._measured:
            return said + self._output_tokens / self._measured
        return said + (stated_output_tokens(job.call.params) or USUAL_OUTPUT_TOKENS)

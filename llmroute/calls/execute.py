"""Calls → Completions and Failures: many in flight, every candidate in a lane of its own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmroute.calls.redact import redact
from llmroute.calls.retry import STOPPING_KINDS, Randomness, RetryRule
from llmroute.errors import CallError
from llmroute.records import Call, Candidate, Completion, Failure

if TYPE_CHECKING:
    from llmroute.calls.client import Client

Result = Completion | Failure

STOP_AFTER = 3
"""Calls in a row that fail for a reason of the candidate's, after which it is not asked again."""
READ_AHEAD = 4096
"""Calls known but not yet sent: enough to see every candidate, few enough to hold."""
PULLS_A_TURN = 512
"""Calls pulled before the event loop gets its turn, where all seen belong to full lanes."""


async def execute(
    calls: Iterable[Call],
    client_for: Callable[[Candidate], Client],
    *,
    on_done: Callable[[Call, Result], None],
    rng: Randomness,
    on_attempt: Callable[[Call, Failure], None] | None = None,
    on_stopped: Callable[[Candidate, Failure], None] | None = None,
    concurrency: int = 64,
    retry: RetryRule | None = None,
    secrets: Collection[str] = (),
    stop: asyncio.Event | None = None,
    grace_s: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Send every call, and report each exactly once when it is done.

    A free place goes to the candidate with the fewest calls in flight, so one that hangs holds at
    most its share. Calls are pulled as they are needed; give them with candidates interleaved. A
    call that waits for its next try gives its place to others, and counts against its own
    candidate only. Calls of one key are sent once. A candidate whose key or model is refused
    `STOP_AFTER` times in a row, or that was never reached at all, is not asked again: its further
    calls fail with that kind and 0 attempts.

    Args:
        calls: what to send; a sequence is searched for equal keys beforehand, which saves keeping
            the results of all others.
        client_for: asked once a candidate; the clients stay the caller's to close.
        on_done: told of each finished call, and never of one that was cut short. What it raises
            ends the run.
        rng: draws the jitter of retries.
        on_attempt: told of each failed try, the last one included.
        on_stopped: told once of each candidate that is not asked again.
        concurrency: most calls in flight, at least 1.
        retry: which failures deserve another try, and when.
        secrets: values that no failure's message may contain; candidates' own keys are added.
        stop: once set, nothing more is sent, and what is in flight has `grace_s` to end.
            Cancelling does the same.
        grace_s: seconds.
        clock: monotonic seconds, for latencies.
        now: Unix time, for the records.
        sleep: waits between tries.

    Raises:
        LlmrouteError: `client_for` or `on_done` raised it. Calls in flight are cancelled.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency is {concurrency}, must be at least 1")
    run = _Execution(
        source=iter(calls),
        repeated=_repeated_keys(calls),
        client_for=client_for,
        on_done=on_done,
        on_attempt=on_attempt,
        on_stopped=on_stopped,
        concurrency=concurrency,
        retry=retry or RetryRule(),
        secrets=frozenset(secrets),
        rng=rng,
        clock=clock,
        now=now,
        sleep=sleep,
    )
    await run.run(stop, grace_s)


@dataclass(slots=True, eq=False)
class _Job:
    """A call on its way, with later calls of the same key."""

    call: Call
    attempts: int = 0
    copies: list[Call] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Lane:
    """What one candidate has waiting and in flight."""

    candidate: Candidate
    client: Client
    limit: int
    """Most calls open at once; read anew whenever a call is admitted."""
    queue: deque[_Job] = field(default_factory=deque)
    retries: deque[_Job] = field(default_factory=deque)
    """Tried before, and due again."""
    sleeping: dict[_Job, asyncio.Task[None]] = field(default_factory=dict)
    """Tried before, and not yet due."""
    in_flight: int = 0
    served: int = 0
    """Turn at which it was last served: among equals, the one that waited longest is next."""
    answered: bool = False
    streak: int = 0
    """Calls in a row that failed for a reason of the candidate's."""
    stopped: Failure | None = None

    def is_ready(self) -> bool:
        if self.retries:
            return True
        return bool(self.queue) and self.in_flight + len(self.sleeping) < self.limit

    def next_job(self) -> _Job:
        self.in_flight += 1
        job = (self.retries or self.queue).popleft()
        job.attempts += 1
        return job

    def waiting(self) -> list[_Job]:
        """Every job that is not in flight, removed from the lane."""
        for task in self.sleeping.values():
            task.cancel()
        jobs = [*self.sleeping, *self.retries, *self.queue]
        self.sleeping.clear()
        self.retries.clear()
        self.queue.clear()
        return jobs


@dataclass(slots=True, eq=False)
class _Execution:
    """One run of `execute`: the lanes, and the workers that empty them."""

    source: Iterator[Call]
    repeated: frozenset[str] | None
    """Keys whose result is kept for later copies; None: any key may come again."""
    client_for: Callable[[Candidate], Client]
    on_done: Callable[[Call, Result], None]
    on_attempt: Callable[[Call, Failure], None] | None
    on_stopped: Callable[[Candidate, Failure], None] | None
    concurrency: int
    retry: RetryRule
    secrets: frozenset[str]
    rng: Randomness
    clock: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]

    lanes: dict[str, _Lane] = field(default_factory=dict)
    pending: dict[str, _Job] = field(default_factory=dict)
    """Key → job, for every job taken in and not done."""
    results: dict[str, Result] = field(default_factory=dict)
    idle: deque[asyncio.Future[None]] = field(default_factory=deque)
    exhausted: bool = False
    stopping: bool = False
    queued: int = 0
    turn: int = 0

    # -- the run ----------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event | None, grace_s: float) -> None:
        self.stopping = stop is not None and stop.is_set()
        workers = [asyncio.create_task(self._work()) for _ in range(self.concurrency)]
        asked = [asyncio.create_task(stop.wait())] if stop else []
        try:
            await asyncio.wait([*workers, *asked], return_when=asyncio.FIRST_COMPLETED)
            if stop is not None and stop.is_set():
                await self._drain(workers, grace_s)
            else:
                await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            await self._drain(workers, grace_s)
            raise
        finally:
            await self._cancel([*workers, *asked])
        for worker in workers:
            if not worker.cancelled():
                worker.result()

    async def _drain(self, workers: list[asyncio.Task[None]], grace_s: float) -> None:
        self.stopping = True
        self._wake_all()
        await asyncio.wait(workers, timeout=grace_s, return_when=asyncio.FIRST_EXCEPTION)

    async def _cancel(self, tasks: Sequence[asyncio.Task[object]]) -> None:
        self.stopping = True
        sleepers = [task for lane in self.lanes.values() for task in lane.sleeping.values()]
        for task in (*tasks, *sleepers):
            task.cancel()
        await asyncio.gather(*tasks, *sleepers, return_exceptions=True)

    async def _work(self) -> None:
        while not self._is_over():
            lane = self._next_lane()
            if lane is not None:
                await self._attempt(lane, lane.next_job())
            elif not self.exhausted:
                await asyncio.sleep(0)
            elif self.pending:
                await self._rest()
        self._wake_all()

    def _is_over(self) -> bool:
        return self.stopping or (self.exhausted and not self.pending)

    async def _rest(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle.append(place)
        await place

    def _wake_one(self) -> None:
        while self.idle:
            place = self.idle.popleft()
            if not place.done():
                place.set_result(None)
                return

    def _wake_all(self) -> None:
        while self.idle:
            self._wake_one()

    # -- which call is next -----------------------------------------------------------------------

    def _next_lane(self) -> _Lane | None:
        """The lane to be served, or None where every lane seen so far is empty or full."""
        while self.queued < READ_AHEAD and not self.exhausted:
            self._pull()
        lane = self._fairest_lane()
        pulls = 0
        while lane is None and not self.exhausted and pulls < PULLS_A_TURN:
            pulls += 1
            pulled = self._pull()
            lane = pulled if pulled is not None and pulled.is_ready() else None
        if lane is not None:
            self.turn += 1
            lane.served = self.turn
            self.queued -= not lane.retries
        return lane

    def _fairest_lane(self) -> _Lane | None:
        best: _Lane | None = None
        for lane in self.lanes.values():
            if not lane.is_ready():
                continue
            if best is None or (lane.in_flight, lane.served) < (best.in_flight, best.served):
                best = lane
        return best

    def _pull(self) -> _Lane | None:
        """Take one call in: the lane it now waits in, or None where it needs no sending."""
        call = next(self.source, None)
        if call is None:
            self.exhausted = True
            return None
        result = self.results.get(call.key)
        if result is not None:
            self.on_done(call, result)
            return None
        twin = self.pending.get(call.key)
        if twin is not None:
            twin.copies.append(call)
            return None
        lane = self.lanes.get(call.candidate.name) or self._open_lane(call.candidate)
        job = _Job(call)
        if lane.stopped is not None:
            self._finish(job, self._unsent(lane.stopped, call))
            return None
        self.pending[call.key] = job
        lane.queue.append(job)
        self.queued += 1
        return lane

    def _open_lane(self, candidate: Candidate) -> _Lane:
        limit = candidate.limits.concurrency or self.concurrency
        lane = _Lane(candidate, self.client_for(candidate), min(limit, self.concurrency))
        self.lanes[candidate.name] = lane
        if candidate.api_key:
            self.secrets |= {candidate.api_key}
        return lane

    # -- what became of it ------------------------------------------------------------------------

    async def _attempt(self, lane: _Lane, job: _Job) -> None:
        started = self.clock()
        try:
            completion = await lane.client.complete(job.call)
        except CallError as error:
            self._failed(lane, job, self._failure(job, error, self.clock() - started), error)
        else:
            lane.answered = True
            lane.streak = 0
            created_s = completion.created_s or self.now()
            self._finish(job, replace(completion, attempts=job.attempts, created_s=created_s))
        finally:
            lane.in_flight -= 1

    def _failed(self, lane: _Lane, job: _Job, failure: Failure, error: CallError) -> None:
        if self.on_attempt is not None:
            self.on_attempt(job.call, failure)
        most = lane.candidate.limits.max_attempts
        delay_s = self.retry.delay_s(error, attempts=job.attempts, max_attempts=most, rng=self.rng)
        if delay_s is None or lane.stopped is not None:
            self._finish(job, failure)
            self._judge(lane, failure)
        elif not self.stopping:
            lane.sleeping[job] = asyncio.create_task(self._sleep(lane, job, delay_s))

    async def _sleep(self, lane: _Lane, job: _Job, delay_s: float) -> None:
        await self.sleep(delay_s)
        del lane.sleeping[job]
        lane.retries.append(job)
        self._wake_one()

    def _finish(self, job: _Job, result: Result) -> None:
        key = job.call.key
        self.pending.pop(key, None)
        if self.repeated is None or key in self.repeated:
            self.results[key] = result
        for call in (job.call, *job.copies):
            self.on_done(call, result)

    def _judge(self, lane: _Lane, failure: Failure) -> None:
        """Stop the candidate whose failures say that every further call would fail alike."""
        never_reached = failure.kind == "connection" and not lane.answered
        if failure.kind not in STOPPING_KINDS and not never_reached:
            lane.streak = 0
            return
        lane.streak += 1
        if lane.streak < STOP_AFTER or lane.stopped is not None:
            return
        lane.stopped = failure
        self.queued -= len(lane.queue)
        if self.on_stopped is not None:
            self.on_stopped(lane.candidate, failure)
        for job in lane.waiting():
            self._finish(job, self._unsent(failure, job.call, job.attempts))

    def _failure(self, job: _Job, error: CallError, latency_s: float) -> Failure:
        return Failure(
            key=job.call.key,
            kind=error.kind,
            message=redact(str(error), self.secrets),
            status=error.status,
            latency_s=latency_s,
            attempts=job.attempts,
            created_s=self.now(),
        )

    def _unsent(self, failure: Failure, call: Call, attempts: int = 0) -> Failure:
        return replace(
            failure,
            key=call.key,
            message=f"not asked again after {STOP_AFTER} such failures in a row: {failure.message}",
            latency_s=None,
            attempts=attempts,
            created_s=self.now(),
        )


def _repeated_keys(calls: Iterable[Call]) -> frozenset[str] | None:
    if not isinstance(calls, Sequence):
        return None
    counts = Counter(call.key for call in calls)
    return frozenset(key for key, count in counts.items() if count > 1)

"""Calls → Completions and Failures: many in flight, every candidate in a lane of its own."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmroute.calls.budget import Ledger, cost_usd, is_unbilled, worst_case_usd
from llmroute.calls.concurrency import FLOOR, START, AdaptiveLimit
from llmroute.calls.lane import Job, Lane
from llmroute.calls.limits import Gate, shared_name
from llmroute.calls.redact import redact
from llmroute.calls.retry import STOPPING_KINDS, Randomness, RetryRule
from llmroute.calls.source import CallSource, Source
from llmroute.errors import BudgetSpent, CallError
from llmroute.records import Call, Candidate, Completion, Failure, Limits

if TYPE_CHECKING:
    from llmroute.calls.client import Client

Result = Completion | Failure

STOP_AFTER = 3
"""Calls in a row that fail for a reason of the candidate's, after which it is not asked again."""
HOPELESS_AFTER = 25
"""Calls that fail before any was answered, after which a candidate is not asked again."""
OF_THE_SAMPLE = frozenset({"content_refused", "context_too_long", "not_recorded", "budget_spent"})
"""Kinds that say nothing about the candidate's other calls."""
FALTERING_KINDS = frozenset({"timed_out", "server_error", "connection"})
"""What holds growth up: an endpoint in trouble is not asked more at once."""
READ_AHEAD = 4096
"""Calls known but not yet sent: enough to see every candidate, few enough to hold."""
FARTHEST_AHEAD = 2**17
"""Calls known where all of them belong to full lanes: others may stand behind them."""
PULLS_A_TURN = 512
"""Calls pulled before the event loop gets its turn, where all seen belong to full lanes."""
SHORTEST_ALARM_S = 0.001


@dataclass(frozen=True, slots=True)
class Pacing:
    """How hard endpoints are driven beside what each candidate states."""

    key_limits: Mapping[str, Limits] = field(default_factory=dict)
    """Provider or host of an api_base → what all candidates of one key keep to together."""
    start: int = START
    """Calls in flight a candidate begins with."""
    floor: int = FLOOR
    """Calls in flight below which refusals do not press a candidate."""


async def execute(
    calls: Iterable[Call] | CallSource,
    client_for: Callable[[Candidate], Client],
    *,
    on_done: Callable[[Call, Result], None],
    rng: Randomness,
    on_attempt: Callable[[Call, Failure], None] | None = None,
    on_stopped: Callable[[Candidate, Failure], None] | None = None,
    on_limit: Callable[[str, float, int], None] | None = None,
    concurrency: int = 64,
    pacing: Pacing | None = None,
    ledger: Ledger | None = None,
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
    candidate only. Calls of one key are sent once.

    A candidate keeps to its stated limits, begins with few calls at once and doubles them until it
    is refused; a refusal (429) pauses the whole candidate for as long as the endpoint says. One
    whose key or model is refused `STOP_AFTER` times in a row, that was never reached at all, or
    whose first `HOPELESS_AFTER` calls all failed, is not asked again: its further calls fail with
    that kind and 0 attempts.

    With a ledger, each try's worst case is reserved before it is sent. A call that has no room
    waits for those in flight to cost less than was reserved; once there can be none, its candidate
    is not asked again (`budget_spent`), and the others go on.

    Args:
        calls: what to send; a sequence is searched for equal keys beforehand, which saves keeping
            the results of all others. A `CallSource` is asked as answers come in.
        client_for: asked once a candidate; the clients stay the caller's to close.
        on_done: told of each finished call, and never of one that was cut short. What it raises
            ends the run.
        rng: draws the jitter of retries.
        on_attempt: told of each failed try, the last one included.
        on_stopped: told once of each candidate that is not asked again.
        on_limit: told of a candidate's (or limited key's) name, the seconds since the start and
            the calls in flight it is now allowed.
        concurrency: most calls in flight, at least 1.
        pacing: limits of keys, and where adaptive concurrency begins and ends.
        ledger: what may be spent; one ledger may serve several runs.
        retry: which failures deserve another try, and when.
        secrets: values that no failure's message may contain; candidates' own keys are added.
        stop: once set, nothing more is sent, and what is in flight has `grace_s` to end.
            Cancelling does the same.
        grace_s: seconds.
        clock: monotonic seconds, for latencies and limits.
        now: Unix time, for the records.
        sleep: waits between tries and for limits.

    Raises:
        LlmrouteError: `client_for` or `on_done` raised it. Calls in flight are cancelled.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency is {concurrency}, must be at least 1")
    run = _Execution(
        source=Source(calls),
        repeated=_repeated_keys(calls),
        client_for=client_for,
        on_done=on_done,
        on_attempt=on_attempt,
        on_stopped=on_stopped,
        on_limit=on_limit,
        concurrency=concurrency,
        pacing=pacing or Pacing(),
        ledger=ledger,
        retry=retry or RetryRule(),
        secrets=frozenset(secrets),
        rng=rng,
        clock=clock,
        now=now,
        sleep=sleep,
        started_s=clock(),
    )
    await run.run(stop, grace_s)


@dataclass(slots=True, eq=False)
class _Execution:
    """One run of `execute`: the lanes, and the workers that empty them."""

    source: Source
    repeated: frozenset[str] | None
    """Keys whose result is kept for later copies; None: any key may come again."""
    client_for: Callable[[Candidate], Client]
    on_done: Callable[[Call, Result], None]
    on_attempt: Callable[[Call, Failure], None] | None
    on_stopped: Callable[[Candidate, Failure], None] | None
    on_limit: Callable[[str, float, int], None] | None
    concurrency: int
    pacing: Pacing
    ledger: Ledger | None
    retry: RetryRule
    secrets: frozenset[str]
    rng: Randomness
    clock: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    started_s: float

    lanes: dict[str, Lane] = field(default_factory=dict)
    shared: dict[tuple[str, str | None], Gate] = field(default_factory=dict)
    """(stated name, key) → the gate of all candidates that share it."""
    pending: dict[str, Job] = field(default_factory=dict)
    """Key → job, for every job taken in and not done."""
    results: dict[str, Result] = field(default_factory=dict)
    idle: deque[asyncio.Future[None]] = field(default_factory=deque)
    alarm: asyncio.Task[None] | None = None
    """Wakes a worker when the first of the lanes that wait for time opens."""
    alarm_s: float = math.inf
    scouting: bool = False
    """A worker is looking further ahead for a lane that is not full."""
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
        if self.alarm is not None:
            sleepers.append(self.alarm)
        for task in (*tasks, *sleepers):
            task.cancel()
        await asyncio.gather(*tasks, *sleepers, return_exceptions=True)

    async def _work(self) -> None:
        while not self._is_over():
            lane = self._next_lane()
            if lane is not None:
                await self._serve(lane)
            elif self._may_scout():
                self.scouting = True
                await asyncio.sleep(0)
                self.scouting = False
            elif self.pending or self.scouting:
                await self._rest()
            elif not self.source.exhausted:
                raise RuntimeError("the source has no calls for now, but nothing is under way")
        self._wake_all()

    def _is_over(self) -> bool:
        return self.stopping or (self.source.exhausted and not self.pending)

    async def _rest(self) -> None:
        self._set_alarm()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle.append(place)
        await place

    def _pass_on(self) -> None:
        """Let a resting worker go on, now or as soon as there is something to do."""
        if self._may_scout() or self._fairest_lane() is not None:
            self._wake_one()
        else:
            self._set_alarm()

    def _wake_one(self) -> None:
        while self.idle:
            place = self.idle.popleft()
            if not place.done():
                place.set_result(None)
                return

    def _wake_all(self) -> None:
        while self.idle:
            self._wake_one()

    def _set_alarm(self) -> None:
        now_s = self.clock()
        opens_s = min(
            (lane.opens_at(now_s, self.ledger) for lane in self.lanes.values()), default=math.inf
        )
        if opens_s >= self.alarm_s or opens_s == math.inf:
            return
        if self.alarm is not None:
            self.alarm.cancel()
        self.alarm_s = opens_s
        self.alarm = asyncio.create_task(self._ring(max(SHORTEST_ALARM_S, opens_s - now_s)))

    async def _ring(self, delay_s: float) -> None:
        await self.sleep(delay_s)
        self.alarm, self.alarm_s = None, math.inf
        self._wake_one()

    # -- which call is next -----------------------------------------------------------------------

    def _next_lane(self) -> Lane | None:
        """The lane to be served, or None where every lane seen so far is empty or full."""
        while self.queued < READ_AHEAD and not self.source.dry:
            self._pull()
        lane = self._fairest_lane()
        pulls = 0
        while lane is None and self._may_scout() and pulls < PULLS_A_TURN:
            pulls += 1
            pulled = self._pull()
            lane = pulled if pulled is not None and self._is_open(pulled) else None
        if lane is not None:
            self.turn += 1
            lane.served = self.turn
            self.queued -= not lane.retries
        return lane

    def _fairest_lane(self) -> Lane | None:
        now_s = self.clock()
        best: Lane | None = None
        for lane in self.lanes.values():
            if lane.opens_at(now_s, self.ledger) > now_s:
                continue
            if best is None or (lane.in_flight, lane.served) < (best.in_flight, best.served):
                best = lane
        return best

    def _is_open(self, lane: Lane) -> bool:
        now_s = self.clock()
        return lane.opens_at(now_s, self.ledger) <= now_s

    def _may_scout(self) -> bool:
        return not (self.source.dry or self.scouting) and self.queued < FARTHEST_AHEAD

    def _pull(self) -> Lane | None:
        """Take one call in: the lane it now waits in, or None where it needs no sending."""
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
        lane = self.lanes.get(call.candidate.name) or self._open_lane(call.candidate)
        job = Job(call, self._worst_usd(call))
        if lane.stopped is not None:
            self._finish(job, self._unsent(lane.stopped, job))
            return None
        self.pending[call.key] = job
        lane.queue.append(job)
        self.queued += 1
        return lane

    def _worst_usd(self, call: Call) -> float:
        if self.ledger is None:
            return 0.0
        worst_usd = worst_case_usd(call)
        if worst_usd is None:
            return math.inf if self.ledger.max_usd is not None else 0.0
        return worst_usd

    def _open_lane(self, candidate: Candidate) -> Lane:
        gates = [self._open_gate(candidate.name, candidate.limits)]
        name = shared_name(candidate, self.pacing.key_limits)
        if name is not None:
            key = (name, candidate.api_key)
            if key not in self.shared:
                self.shared[key] = self._open_gate(name, self.pacing.key_limits[name])
            gates.append(self.shared[key])
        counts_tokens = any(gate.tokens is not None for gate in gates)
        lane = Lane(candidate, self.client_for(candidate), tuple(gates), counts_tokens)
        self.lanes[candidate.name] = lane
        if candidate.api_key:
            self.secrets |= {candidate.api_key}
        return lane

    def _open_gate(self, name: str, limits: Limits) -> Gate:
        def changed(now_s: float, limit: int) -> None:
            if self.on_limit is not None:
                self.on_limit(name, now_s - self.started_s, limit)

        adaptive = AdaptiveLimit(
            min(limits.concurrency or self.concurrency, self.concurrency),
            start=self.pacing.start,
            floor=self.pacing.floor,
            on_change=changed,
        )
        changed(self.started_s, adaptive.limit)
        return Gate.of(limits, adaptive)

    # -- what became of it ------------------------------------------------------------------------

    async def _serve(self, lane: Lane) -> None:
        job = lane.next_job()
        if not lane.queue:
            self.source.ask_again()
        if self.ledger is not None and self.ledger.room_for(job.worst_usd) == "never":
            self._spent(lane, job, self.ledger)
            return
        if self.ledger is not None:
            self.ledger.reserve(job.worst_usd)
        lane.sent(job, self.clock())
        if self.idle:
            self._pass_on()
        try:
            await self._attempt(lane, job)
        finally:
            lane.came_back()

    async def _attempt(self, lane: Lane, job: Job) -> None:
        beside = lane.in_flight
        try:
            completion = await lane.client.complete(job.call)
        except CallError as error:
            self._settle(job, 0.0 if is_unbilled(error) else None)
            self._failed(lane, job, error)
        except BaseException:
            self._settle(job, None)  # it was sent, and nobody will say what it cost
            raise
        else:
            completion = _with_share(job.call, completion, (beside + lane.in_flight) / 2)
            self._settle(job, cost_usd(job.call, completion) if self.ledger else None)
            lane.measured(job, completion.usage, self.clock())
            created_s = completion.created_s or self.now()
            self._finish(job, replace(completion, attempts=job.attempts, created_s=created_s))

    def _settle(self, job: Job, cost: float | None) -> None:
        if self.ledger is not None:
            self.ledger.settle(job.worst_usd, cost)

    def _failed(self, lane: Lane, job: Job, error: CallError) -> None:
        now_s = self.clock()
        failure = self._failure(job, error, now_s - job.sent_s)
        self._slow_down(lane, job, error, now_s)
        if self.on_attempt is not None:
            self.on_attempt(job.call, failure)
        most = lane.candidate.limits.max_attempts
        delay_s = self.retry.delay_s(error, attempts=job.attempts, max_attempts=most, rng=self.rng)
        if delay_s is None or lane.stopped is not None:
            self._finish(job, failure)
            self._judge(lane, failure, error)
        elif not self.stopping:
            lane.sleeping[job] = asyncio.create_task(self._sleep(lane, job, delay_s))

    def _slow_down(self, lane: Lane, job: Job, error: CallError, now_s: float) -> None:
        """Lay a failure to the widest gate the call went through."""
        gate = lane.gates[-1]
        if self.retry.is_too_long(error):
            return  # the candidate is stopped; others of its key find out for themselves
        if error.kind == "rate_limited":
            gate.refused(now_s, job.sent_s, error.retry_after_s)
        elif error.kind in FALTERING_KINDS:
            gate.faltered(now_s, error.retry_after_s)

    async def _sleep(self, lane: Lane, job: Job, delay_s: float) -> None:
        await self.sleep(delay_s)
        del lane.sleeping[job]
        lane.retries.append(job)
        self._wake_one()

    def _finish(self, job: Job, result: Result) -> None:
        key = job.call.key
        self.pending.pop(key, None)
        if self.repeated is None or key in self.repeated:
            self.results[key] = result
        for call in (job.call, *(job.copies or ())):
            self._tell(call, result)

    def _tell(self, call: Call, result: Result) -> None:
        self.on_done(call, result)
        self.source.ask_again()

    def _judge(self, lane: Lane, failure: Failure, error: CallError) -> None:
        """Stop the candidate whose failures say that every further call would fail alike."""
        if not lane.answered and failure.kind not in OF_THE_SAMPLE:
            lane.failed_calls += 1
        never_reached = failure.kind == "connection" and not lane.answered
        of_the_candidate = failure.kind in STOPPING_KINDS or never_reached
        lane.streak = lane.streak + 1 if of_the_candidate else 0
        if lane.streak >= STOP_AFTER:
            why = f"not asked again after {STOP_AFTER} such failures in a row: {failure.message}"
            self._stop(lane, failure, why)
        elif not lane.answered and lane.failed_calls >= HOPELESS_AFTER:
            why = f"not asked again, its first {HOPELESS_AFTER} calls failed: {failure.message}"
            self._stop(lane, failure, why)
        elif self.retry.is_too_long(error):
            why = (
                f"not asked again, it wants {error.retry_after_s:.0f} s of rest: {failure.message}"
            )
            self._stop(lane, failure, why)

    def _stop(self, lane: Lane, failure: Failure, message: str) -> None:
        if lane.stopped is not None:
            return
        lane.stopped = replace(failure, message=message, latency_s=None)
        self.queued -= len(lane.queue)
        if self.on_stopped is not None:
            self.on_stopped(lane.candidate, failure)
        for job in lane.take_waiting():
            self._finish(job, self._unsent(lane.stopped, job))

    def _spent(self, lane: Lane, job: Job, ledger: Ledger) -> None:
        """Stop the candidate whose next call could pass the cap."""
        failure = self._failure(job, ledger.no_room(job.worst_usd), None)
        ledger.unsent += 1
        self._finish(job, failure)
        self._stop(lane, failure, failure.message)

    def _failure(self, job: Job, error: CallError, latency_s: float | None) -> Failure:
        return Failure(
            key=job.call.key,
            kind=error.kind,
            message=redact(str(error), self.secrets),
            status=error.status,
            latency_s=latency_s,
            attempts=job.attempts,
            created_s=self.now(),
        )

    def _unsent(self, stopped: Failure, job: Job) -> Failure:
        if self.ledger is not None and stopped.kind == BudgetSpent.kind:
            self.ledger.unsent += 1
        return replace(stopped, key=job.call.key, attempts=job.attempts, created_s=self.now())


def _repeated_keys(calls: Iterable[Call] | CallSource) -> frozenset[str] | None:
    if not isinstance(calls, Sequence):
        return None
    counts = Counter(call.key for call in calls)
    return frozenset(key for key, count in counts.items() if count > 1)


def _with_share(call: Call, completion: Completion, in_flight: float) -> Completion:
    """The answer with its share of a machine that is paid by the hour.

    A machine that answers several calls at once is paid for once: each is charged its latency
    divided by the calls in flight, on average over its start and end.
    """
    price = call.candidate.price
    if price is None or price.usd_per_hour is None:
        return completion
    if completion.busy_s is not None or completion.latency_s is None:
        return completion
    return replace(completion, busy_s=completion.latency_s / max(in_flight, 1.0))

"""Calls → Completions and Failures: many in flight, every candidate in a lane of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmroute.calls.budget import Ledger, cost_usd, is_unbilled
from llmroute.calls.intake import Intake, Result
from llmroute.calls.lane import Job, Lane
from llmroute.calls.lanes import Lanes, Pacing
from llmroute.calls.lookout import Lookout
from llmroute.calls.rest import Rest
from llmroute.calls.retry import Randomness, RetryRule
from llmroute.calls.source import CallSource
from llmroute.calls.unanswered import Unanswered
from llmroute.errors import CallError
from llmroute.records import Call, Candidate, Failure

if TYPE_CHECKING:
    from llmroute.calls.client import Client


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
    intake = Intake.of(calls, on_done, ledger)
    lanes = Lanes(client_for, pacing or Pacing(), concurrency, ledger, on_limit, clock())
    unanswered = Unanswered(lanes, ledger, frozenset(secrets), now)
    run = _Execution(
        intake=intake,
        lanes=lanes,
        lookout=Lookout(intake, lanes, unanswered, clock),
        unanswered=unanswered,
        rest=Rest(sleep),
        on_attempt=on_attempt,
        on_stopped=on_stopped,
        ledger=ledger,
        retry=retry or RetryRule(),
        rng=rng,
        clock=clock,
        now=now,
        sleep=sleep,
    )
    await run.run(concurrency, stop, grace_s)


@dataclass(slots=True, eq=False)
class _Execution:
    """One run of `execute`: the workers that empty the lanes."""

    intake: Intake
    lanes: Lanes
    lookout: Lookout
    unanswered: Unanswered
    rest: Rest
    on_attempt: Callable[[Call, Failure], None] | None
    on_stopped: Callable[[Candidate, Failure], None] | None
    ledger: Ledger | None
    retry: RetryRule
    rng: Randomness
    clock: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    stopping: bool = False

    # -- the run ----------------------------------------------------------------------------------

    async def run(self, concurrency: int, stop: asyncio.Event | None, grace_s: float) -> None:
        self.stopping = stop is not None and stop.is_set()
        workers = [asyncio.create_task(self._work()) for _ in range(concurrency)]
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
        self.rest.wake_all()
        await asyncio.wait(workers, timeout=grace_s, return_when=asyncio.FIRST_EXCEPTION)

    async def _cancel(self, tasks: Sequence[asyncio.Task[object]]) -> None:
        self.stopping = True
        lanes = self.lanes.by_name.values()
        sleepers = [task for lane in lanes for task in lane.sleeping.values()]
        if self.rest.alarm is not None:
            sleepers.append(self.rest.alarm)
        for task in (*tasks, *sleepers):
            task.cancel()
        await asyncio.gather(*tasks, *sleepers, return_exceptions=True)

    async def _work(self) -> None:
        while not (self.stopping or self.intake.is_over):
            lane = self.lookout.next_lane()
            if lane is not None:
                await self._serve(lane)
            elif self.lookout.may_scout:
                await self.lookout.scout()
            elif self.intake.pending or self.lookout.scouting:
                self._set_alarm()
                await self.rest.wait()
            elif not self.intake.source.exhausted:
                raise RuntimeError("the source has no calls for now, but nothing is under way")
        self.rest.wake_all()

    def _pass_on(self) -> None:
        """Let a resting worker go on, now or as soon as there is something to do."""
        if self.lookout.may_scout or self.lanes.fairest(self.clock()) is not None:
            self.rest.wake_one()
        else:
            self._set_alarm()

    def _set_alarm(self) -> None:
        now_s = self.clock()
        self.rest.wake_at(self.lanes.opens_at(now_s), now_s)

    # -- what became of it ------------------------------------------------------------------------

    async def _serve(self, lane: Lane) -> None:
        job = lane.next_job()
        if not lane.queue:
            self.intake.source.ask_again()
        if self.ledger is not None and self.ledger.room_for(job.worst_usd) == "never":
            self._spent(lane, job, self.ledger)
            return
        if self.ledger is not None:
            self.ledger.reserve(job.worst_usd)
        lane.sent(job, self.clock())
        if self.rest.idle:
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
            completion = lane.with_share(completion, (beside + lane.in_flight) / 2)
            self._settle(job, cost_usd(job.call, completion) if self.ledger else None)
            lane.measured(job, completion.usage, self.clock())
            created_s = completion.created_s or self.now()
            self.intake.finish(job, replace(completion, attempts=job.attempts, created_s=created_s))

    def _settle(self, job: Job, cost: float | None) -> None:
        if self.ledger is not None:
            self.ledger.settle(job.worst_usd, cost)

    def _failed(self, lane: Lane, job: Job, error: CallError) -> None:
        now_s = self.clock()
        failure = self.unanswered.failed(job, error, now_s - job.sent_s)
        # One that wants too long a rest is stopped; others of its key find out for themselves.
        if not self.retry.is_too_long(error):
            lane.slow_down(job, error, now_s)
        if self.on_attempt is not None:
            self.on_attempt(job.call, failure)
        most = lane.candidate.limits.max_attempts
        delay_s = self.retry.delay_s(error, attempts=job.attempts, max_attempts=most, rng=self.rng)
        if delay_s is None or lane.stopped is not None:
            self.intake.finish(job, failure)
            self._judge(lane, failure, error)
        elif not self.stopping:
            lane.sleeping[job] = asyncio.create_task(self._sleep(lane, job, delay_s))

    async def _sleep(self, lane: Lane, job: Job, delay_s: float) -> None:
        await self.sleep(delay_s)
        del lane.sleeping[job]
        lane.retries.append(job)
        self.rest.wake_one()

    def _judge(self, lane: Lane, failure: Failure, error: CallError) -> None:
        """Stop the candidate whose failures say that every further call would fail alike."""
        why = lane.standing.failed(failure)
        if why is None and self.retry.is_too_long(error):
            why = (
                f"not asked again, it wants {error.retry_after_s:.0f} s of rest: {failure.message}"
            )
        if why is not None:
            self._stop(lane, failure, why)

    def _stop(self, lane: Lane, failure: Failure, message: str) -> None:
        if lane.stopped is not None:
            return
        lane.stopped = replace(failure, message=message, latency_s=None)
        if self.on_stopped is not None:
            self.on_stopped(lane.candidate, failure)
        for job in self.lanes.take_waiting(lane):
            self.intake.finish(job, self.unanswered.unsent(job, lane.stopped))

    def _spent(self, lane: Lane, job: Job, ledger: Ledger) -> None:
        """Stop the candidate whose next call could pass the cap."""
        failure = self.unanswered.failed(job, ledger.no_room(job.worst_usd), None)
        ledger.unsent += 1
        self.intake.finish(job, failure)
        self._stop(lane, failure, failure.message)

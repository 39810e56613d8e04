"""Calls to come → the lane that is served next, looked for as far ahead as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from llmroute.calls.intake import Intake
from llmroute.calls.lane import Lane
from llmroute.calls.lanes import Lanes
from llmroute.calls.unanswered import Unanswered

READ_AHEAD = 4096
"""Calls known but not yet sent: enough to see every candidate, few enough to hold."""
FARTHEST_AHEAD = 2**17
"""Calls known where all of them belong to full lanes: others may stand behind them."""
PULLS_A_TURN = 512
"""Calls pulled before the event loop gets its turn, where all seen belong to full lanes."""


@dataclass(slots=True, eq=False)
class Lookout:
    """Takes calls in and lets them wait in their lanes."""

    intake: Intake
    lanes: Lanes
    unanswered: Unanswered
    clock: Callable[[], float]
    scouting: bool = False
    """A worker is looking further ahead for a lane that is not full."""

    @property
    def may_scout(self) -> bool:
        """Whether there is more to be seen, and nobody looks yet."""
        ahead = self.lanes.queued
        return not (self.intake.source.dry or self.scouting) and ahead < FARTHEST_AHEAD

    async def scout(self) -> None:
        """Let the event loop have its turn, before the same worker looks on."""
        self.scouting = True
        await asyncio.sleep(0)
        self.scouting = False

    def next_lane(self) -> Lane | None:
        """The lane to be served, or None where every lane seen so far is empty or full."""
        while self.lanes.queued < READ_AHEAD and not self.intake.source.dry:
            self._pull()
        lane = self.lanes.fairest(self.clock())
        pulls = 0
        while lane is None and self.may_scout and pulls < PULLS_A_TURN:
            pulls += 1
            pulled = self._pull()
            lane = pulled if pulled is not None and self._is_open(pulled) else None
        if lane is not None:
            self.lanes.take_turn(lane)
        return lane

    def _is_open(self, lane: Lane) -> bool:
        now_s = self.clock()
        return lane.opens_at(now_s, self.lanes.ledger) <= now_s

    def _pull(self) -> Lane | None:
        """Take one call in: the lane it now waits in, or None where it needs no sending."""
        job = self.intake.take()
        if job is None:
            return None
        lane = self.lanes.of(job.call.candidate)
        if lane.stopped is not None:
            self.intake.finish(job, self.unanswered.unsent(job, lane.stopped))
            return None
        self.lanes.put(lane, job)
        return lane

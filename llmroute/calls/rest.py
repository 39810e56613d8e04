"""Workers that have nothing to do, and what wakes them: another worker, or the clock."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

SHORTEST_ALARM_S = 0.001


@dataclass(slots=True, eq=False)
class Rest:
    """Who rests, in the order they came, and the one alarm that is set."""

    sleep: Callable[[float], Awaitable[None]]
    idle: deque[asyncio.Future[None]] = field(default_factory=deque)
    alarm: asyncio.Task[None] | None = None
    alarm_s: float = math.inf

    async def wait(self) -> None:
        """Rest until woken."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle.append(place)
        await place

    def wake_one(self) -> None:
        """Let the worker go on that has rested longest."""
        while self.idle:
            place = self.idle.popleft()
            if not place.done():
                place.set_result(None)
                return

    def wake_all(self) -> None:
        """Let everyone go on."""
        while self.idle:
            self.wake_one()

    def wake_at(self, time_s: float, now_s: float) -> None:
        """Wake one at this time, if no alarm is set for an earlier one; infinite sets none."""
        if time_s >= self.alarm_s or time_s == math.inf:
            return
        if self.alarm is not None:
            self.alarm.cancel()
        self.alarm_s = time_s
        self.alarm = asyncio.create_task(self._ring(max(SHORTEST_ALARM_S, time_s - now_s)))

    async def _ring(self, delay_s: float) -> None:
        await self.sleep(delay_s)
        self.alarm, self.alarm_s = None, math.inf
        self.wake_one()

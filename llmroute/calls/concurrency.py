"""Answers and refusals → how many calls may be in flight at once."""

from __future__ import annotations

from collections.abc import Callable

START = 20
FLOOR = 10
SHRINK = 0.8
GROWTH = 1.05
COOLDOWN_S = 15.0
DISPROVED = 1.2
"""Times the last refused limit at which growth is free again: it was a burst that was refused."""


class AdaptiveLimit:
    """Doubles until the first refusal, then feels its way along the edge.

    A round is as many answers as the limit stands at; it is clean where no call was refused, timed
    out or failed on the server's side, and it counts only where the limit was reached: an idle
    candidate says nothing about what its endpoint bears.

    Source of the constants: Inspect's adaptive connections (inspect.aisi.org.uk): start at 20,
    double each clean round until the first 429, × 0.8 for each 429 *episode* (15 s, longer where
    `Retry-After` says so), + 5 % for each clean round after it, never below 10. Ours is the return
    to doubling once the limit stands clearly above where it was refused.
    """

    def __init__(
        self,
        cap: int,
        *,
        start: int = START,
        floor: int = FLOOR,
        on_change: Callable[[float, int], None] | None = None,
    ) -> None:
        self.limit = min(start, cap)
        """Most calls in flight at present."""
        self._cap = cap
        self._floor = min(floor, cap)
        self._on_change = on_change
        self._answers = 0
        self._reached = False
        self._edge = 0.0
        """Where growth was last refused."""
        self._cooldown_until_s = 0.0

    def sent(self, in_flight: int) -> None:
        """A call was sent and `in_flight` are under way, itself included."""
        self._reached = self._reached or in_flight >= self.limit

    def answered(self, now_s: float) -> None:
        """A call was answered; the last of a clean round raises the limit."""
        if self.limit == self._cap or now_s < self._cooldown_until_s:
            return
        self._answers += 1
        if self._answers >= self.limit and self._reached:
            careful = max(self.limit + 1, int(self.limit * GROWTH))
            grown = careful if self.limit < DISPROVED * self._edge else self.limit * 2
            self._change(min(self._cap, grown), now_s)

    def refused(self, now_s: float, pause_s: float) -> None:
        """A call was refused for its rate; of one episode only the first one counts.

        Args:
            now_s: monotonic.
            pause_s: how long nothing is sent on its account.
        """
        self._answers = 0
        if now_s < self._cooldown_until_s:
            return
        self._edge = self.limit
        self._cooldown_until_s = now_s + max(COOLDOWN_S, pause_s)
        self._change(max(self._floor, int(self.limit * SHRINK)), now_s)

    def faltered(self) -> None:
        """A call timed out or failed on the server's side: the round is not clean."""
        self._answers = 0

    def _change(self, limit: int, now_s: float) -> None:
        self._answers = 0
        self._reached = False
        if limit != self.limit:
            self.limit = limit
            if self._on_change is not None:
                self._on_change(now_s, limit)

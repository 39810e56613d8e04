"""Every candidate's lane, opened when first needed, and which of them is next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmroute.calls.budget import Ledger
from llmroute.calls.concurrency import FLOOR, START, AdaptiveLimit
from llmroute.calls.lane import Job, Lane
from llmroute.calls.limits import Gate, shared_name
from llmroute.records import Candidate, Limits

if TYPE_CHECKING:
    from llmroute.calls.client import Client


@dataclass(frozen=True, slots=True)
class Pacing:
    """How hard endpoints are driven beside what each candidate states."""

    key_limits: Mapping[str, Limits] = field(default_factory=dict)
    """Provider or host of an api_base → what all candidates of one key keep to together."""
    start: int = START
    """Calls in flight a candidate begins with."""
    floor: int = FLOOR
    """Calls in flight below which refusals do not press a candidate."""


@dataclass(slots=True, eq=False)
class Lanes:
    """The lanes of one run."""

    client_for: Callable[[Candidate], Client]
    pacing: Pacing
    concurrency: int
    """Most calls in flight, all candidates together."""
    ledger: Ledger | None
    on_limit: Callable[[str, float, int], None] | None
    started_s: float
    by_name: dict[str, Lane] = field(default_factory=dict)
    shared: dict[tuple[str, str | None], Gate] = field(default_factory=dict)
    """(stated name, key) → the gate of all candidates that share it."""
    queued: int = 0
    """Jobs that were never sent, in all lanes."""
    turn: int = 0

    def of(self, candidate: Candidate) -> Lane:
        """The candidate's lane."""
        return self.by_name.get(candidate.name) or self._open_lane(candidate)

    def put(self, lane: Lane, job: Job) -> None:
        """Let the job wait at the end of its lane."""
        lane.queue.append(job)
        self.queued += 1

    def fairest(self, now_s: float) -> Lane | None:
        """Of the lanes that are open the one with the fewest calls in flight, or None."""
        best: Lane | None = None
        for lane in self.by_name.values():
            if lane.opens_at(now_s, self.ledger) > now_s:
                continue
            if best is None or (lane.in_flight, lane.served) < (best.in_flight, best.served):
                best = lane
        return best

    def take_turn(self, lane: Lane) -> None:
        """The lane's next job is about to be taken out."""
        self.turn += 1
        lane.served = self.turn
        self.queued -= not lane.retries

    def take_waiting(self, lane: Lane) -> list[Job]:
        """Every job of the lane that is not in flight, taken out."""
        self.queued -= len(lane.queue)
        return lane.take_waiting()

    def opens_at(self, now_s: float) -> float:
        """The time at which the first of them opens; infinite where none does by waiting."""
        lanes = self.by_name.values()
        return min((lane.opens_at(now_s, self.ledger) for lane in lanes), default=math.inf)

    @property
    def keys(self) -> frozenset[str]:
        """The keys their candidates are called with."""
        keys = (lane.candidate.api_key for lane in self.by_name.values())
        return frozenset(key for key in keys if key)

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
        self.by_name[candidate.name] = lane
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

"""A logged request and the map's decision on it → Served: what was, beside what would have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from llmroute.logs.pricing import Prices
from llmroute.records import (
    Cascade,
    LoggedRequest,
    Outcome,
    Price,
    QueryRouter,
    TaskRoute,
    Usage,
)
from llmroute.router import Decision
from llmroute.shadow.lengths import Length, Lengths
from llmroute.shadow.names import Names

Basis = Literal["same", "measured", "ratio", "mean", "bench"]
"""Where a cost comes from: the same model answered; the other's own answer to this request; its
tokens, input as logged and output estimated by a ratio or a mean; or its mean cost in the bench."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the map's model would have cost, and what makes that doubtful."""

    usd: float
    basis: Basis
    length: Length | None = None
    """The estimate behind it, which other requests share."""
    slopes: tuple[float, float] = (0.0, 0.0)
    """Dollars more if the length's input ratio, or its output, were larger by one."""
    noise: float = 0.0
    """Variance of this one answer's cost around its expectation."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request twice: as it was answered, and as the map would have had it."""

    task: str | None
    """None: not recognised."""
    layer: str
    logged: str | None
    """The candidate that answered; None: none of the map's."""
    name: str
    """What the log calls it."""
    routed: str
    paid_usd: float | None
    cost: Cost | None
    """None: not known, and `unknown_cost` says why."""
    unknown_cost: str | None
    score: float | None
    routed_score: float | None
    propensity: float | None
    bench_quality: float | None
    """Of the routed model on the task, from the map's evidence."""
    bench_logged: float | None
    """Likewise of the model that answered."""
    routed_answer: str | None = None
    """Its own answer to this request, where there is one."""

    @property
    def changed(self) -> bool:
        """Whether the map would have asked another model."""
        return self.logged != self.routed


Results = Mapping[str, Mapping[str, Outcome]]
"""Request id → candidate → its result."""


@dataclass(frozen=True, slots=True)
class Accountant:
    """What is known of candidates, to put figures on a decision."""

    names: Names
    prices: Prices
    lengths: Lengths
    results: Results
    tasks: Mapping[str, TaskRoute]
    query_router: QueryRouter | None = None
    cascade: Cascade | None = None

    def reads_text(self, decision: Decision) -> bool:
        """Whether the decision hangs on what is asked, and not on what is said of it alone."""
        by_prompt = any(
            one is not None and one.task in (None, decision.task)
            for one in (self.query_router, self.cascade)
        )
        return by_prompt or decision.layer not in ("only_task", "tag")

    def serve(self, request: LoggedRequest, decision: Decision) -> Served:
        """The request with its figures.

        Where a cascade asks the weak model first, its answer says who has the last word: nothing
        but the first call is known of such a request.
        """
        served = self._serve(request, decision)
        if not self._is_first_of_two(decision):
            return served
        return replace(
            served,
            cost=None,
            unknown_cost="cascade",
            routed_score=None,
            propensity=None,
            bench_quality=None,
            routed_answer=None,
        )

    def _is_first_of_two(self, decision: Decision) -> bool:
        cascade = self.cascade
        return (
            cascade is not None
            and cascade.task in (None, decision.task)
            and decision.model == cascade.weak
        )

    def _serve(self, request: LoggedRequest, decision: Decision) -> Served:
        logged = self.names.find(request.models)
        paid = self.prices.paid_usd(request)
        other = self._other(request, decision.model)
        cost, unknown = self._cost(request, decision, logged, paid, other)
        score = request.score if request.score is not None else self._known_score(request, logged)
        route = self.tasks.get(decision.task or "")
        return Served(
            task=decision.task,
            layer=decision.layer,
            logged=logged,
            name=logged or (request.models[-1] if request.models else "(not named)"),
            routed=decision.model,
            paid_usd=paid,
            cost=cost,
            unknown_cost=unknown,
            score=score,
            routed_score=score if logged == decision.model else other.score if other else None,
            propensity=request.propensity,
            bench_quality=None if route is None else route.quality(decision.model),
            bench_logged=None if route is None else route.quality(logged or ""),
            routed_answer=other.output if other else None,
        )

    def _other(self, request: LoggedRequest, candidate: str) -> Outcome | None:
        """The candidate's own result on this request, where there is one."""
        for other in request.others:
            if self.names.find([other.candidate]) == candidate:
                return other
        return self.results.get(request.id or "", {}).get(candidate)

    def _known_score(self, request: LoggedRequest, logged: str | None) -> float | None:
        found = self.results.get(request.id or "", {}).get(logged or "")
        return found.score if found else None

    def _cost(
        self,
        request: LoggedRequest,
        decision: Decision,
        logged: str | None,
        paid: float | None,
        other: Outcome | None,
    ) -> tuple[Cost | None, str | None]:
        """The routed model's cost, or why it is not known."""
        routed = decision.model
        if logged == routed:
            return (Cost(paid, "same"), None) if paid is not None else (None, "not counted")
        price = self.prices.of(routed)
        if other is not None and (measured := _measured(other, price)) is not None:
            return Cost(measured, "measured"), None
        length = self.lengths.of(decision.task, routed, logged)
        estimated = estimate_cost(request.usage, price, length)
        if estimated is not None:
            return estimated, None
        if decision.expected_usd_per_1k is not None and decision.task is not None:
            return Cost(decision.expected_usd_per_1k / 1000, "bench"), None
        return None, "no price" if price is None else "not counted"


def _measured(other: Outcome, price: Price | None) -> float | None:
    if other.recorded_cost_usd is not None or price is None:
        return other.recorded_cost_usd
    return price.cost_usd(other.usage, other.latency_s)


def estimate_cost(usage: Usage, price: Price | None, length: Length | None) -> Cost | None:
    """What a model would have cost: tokens as expected beside the logged ones, at its price.

    None where price, counts or expectation are not known, or the machine is paid by the hour.
    """
    if price is None or length is None or price.usd_per_hour is not None:
        return None
    made = 1 if length.basis == "mean" else usage.output_tokens
    given = price.cost_usd(Usage(usage.input_tokens, 0, usage.cached_input_tokens))
    if made is None or given is None or price.output_usd_per_mtok is None:
        return None
    per_token = price.output_usd_per_mtok / 1e6
    ratio = 1.0 if length.input_ratio is None else length.input_ratio.value
    return Cost(
        usd=given * ratio + per_token * made * length.output.value,
        basis=length.basis,
        length=length,
        slopes=(given, per_token * made),
        noise=(per_token * length.output.spread) ** 2,
    )

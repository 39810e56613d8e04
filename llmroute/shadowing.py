"""A log and a routing map → Shadow: what the map would have done, and what that would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from llmroute.errors import LogFormatError
from llmroute.logs.pricing import Prices
from llmroute.recogniser.request import Messages, read_request
from llmroute.records import LoggedRequest, Outcome, Outcomes, Price, RoutingMap
from llmroute.shadow.costs import Costs, CostSummary
from llmroute.shadow.drift import Drift, measure_drift
from llmroute.shadow.lengths import Lengths
from llmroute.shadow.names import candidate_prices, read_names
from llmroute.shadow.off_policy import OffPolicy, OffPolicySummary
from llmroute.shadow.qualities import BenchQualities, BenchSummary, Qualities, QualitySummary
from llmroute.shadow.reservoir import Reservoir
from llmroute.shadow.served import Accountant, Served

if TYPE_CHECKING:
    from llmroute.logs.read import Log
    from llmroute.router import Decision, Router

BATCH = 512
"""Requests decided at once."""
MOST_NAMES = 1000
"""Names of models the map does not have that are told apart."""
OTHER_NAMES = "(others)"


@dataclass(frozen=True, slots=True)
class Share:
    """Requests that go one way."""

    task: str | None
    layer: str
    routed: str
    n: int


@dataclass(frozen=True, slots=True)
class Example:
    """One request as a person looks at it; hostile text."""

    where: str
    text: str
    task: str | None
    layer: str
    logged: str
    routed: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Both answers to one request that would have gone to another model; hostile text."""

    request: str | Messages
    logged_answer: str
    routed_answer: str
    models: tuple[str, ...]
    """Every name of both models."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """What the map would have done with a log."""

    reference: str
    n_requests: int
    """Everything in the log."""
    apart: Mapping[str, int]
    """Why a request is not decided ("failed", "cached", "no_chat", "no_prompt") → how many."""
    shares: tuple[Share, ...]
    n_changed: int
    logged: Mapping[str, int]
    """Candidate → requests it answered."""
    strangers: Mapping[str, int]
    """Model that is none of the map's → requests it answered."""
    cost: CostSummary | None
    unknown_costs: Mapping[str, int]
    quality: QualitySummary | None
    bench: BenchSummary | None
    off_policy: OffPolicySummary | None
    drift: Drift | None
    first_s: float | None
    last_s: float | None
    """Unix times of the first and the last request."""
    examples: tuple[Example, ...] = ()
    pairs: tuple[Pair, ...] = ()
    n_pairs: int = 0
    """Requests with both answers' texts, of which the pairs were drawn; 0 where none was asked."""

    @property
    def n_decided(self) -> int:
        """Requests the map decides."""
        return sum(share.n for share in self.shares)

    @property
    def n_unknown(self) -> int:
        """Decided requests that are recognised as no task's, so that the reference answers."""
        return sum(share.n for share in self.shares if share.task is None)


def prepare_accountant(
    routing_map: RoutingMap,
    *,
    prices: Mapping[str, Price],
    lengths: Outcomes | None = None,
    results: Outcomes | None = None,
    aliases: Mapping[str, str] | None = None,
) -> Accountant:
    """Names, prices, token counts and further results, found once for a whole log.

    Args:
        routing_map: the map.
        prices: model or candidate → price, before the map's own and LiteLLM's.
        lengths: outcomes of the bench: how many tokens candidates answer with.
        results: outcomes of the logged requests, by their ids.
        aliases: the log's name of a model → candidate.
    """
    counted = [*(lengths.rows if lengths else ()), *(results.rows if results else ())]
    return Accountant(
        names=read_names(routing_map, aliases),
        prices=Prices({**prices, **candidate_prices(routing_map, prices)}),
        lengths=Lengths(counted),
        results=_by_id(results.rows if results else ()),
        tasks={task.task: task for task in routing_map.tasks},
        query_router=routing_map.query_router,
        cascade=routing_map.cascade,
    )


def _by_id(rows: Iterable[Outcome]) -> dict[str, dict[str, Outcome]]:
    found: dict[str, dict[str, Outcome]] = {}
    for row in rows:
        known = found.setdefault(row.sample_id, {}).setdefault(row.candidate, row)
        if known is not row:
            raise LogFormatError(
                f"id {row.sample_id!r} has two results of {row.candidate!r}:"
                " which is the logged request's?",
                where="--outcomes",
                fix="Give one result a request and model, under the request's id.",
            )
    return found


def shadow_log(
    log: Log,
    router: Router,
    accountant: Accountant,
    *,
    show: int = 0,
    pairs: int = 0,
    seed: int = 0,
) -> Shadow:
    """Every request of a log decided by a map, in one pass and with bounded memory.

    Args:
        log: the requests.
        router: decides.
        accountant: puts figures on decisions.
        show: so many requests are kept as examples, drawn at random.
        pairs: so many pairs of answers are kept for a judge, drawn at random.
        seed: of that draw.

    Raises:
        LogFormatError: the log can't be read.
    """
    rng = np.random.default_rng(seed)
    tally = _Tally(log, Reservoir(show, rng), Reservoir(pairs, rng))
    for batch in _batches(log.requests()):
        asked = [request for request in batch if tally.takes(request)]
        decisions = router.decide_many(
            [request.request or "" for request in asked],
            tags=[_tags(request) for request in asked],
            metadata=[request.metadata for request in asked],
        )
        for request, decision in zip(asked, decisions, strict=True):
            tally.add(request, decision, accountant)
    weights = {task.task: task.weight for task in router.routing_map.tasks}
    return tally.shadow(router.routing_map.reference, weights)


def _batches(requests: Iterator[LoggedRequest]) -> Iterator[list[LoggedRequest]]:
    while batch := list(islice(requests, BATCH)):
        yield batch


def _tags(request: LoggedRequest) -> Sequence[str]:
    """A task the log names is a tag among others: the map may not have it."""
    return (*request.tags, request.task) if request.task else request.tags


@dataclass(slots=True)
class _Tally:
    """Takes requests in, and keeps sums."""

    log: Log
    examples: Reservoir[Example]
    pairs: Reservoir[Pair]
    n_requests: int = 0
    apart: Counter[str] = field(default_factory=Counter)
    shares: Counter[tuple[str | None, str, str]] = field(default_factory=Counter)
    changed: int = 0
    logged: Counter[str] = field(default_factory=Counter)
    strangers: Counter[str] = field(default_factory=Counter)
    costs: Costs = field(default_factory=Costs)
    qualities: Qualities = field(default_factory=Qualities)
    bench: BenchQualities = field(default_factory=BenchQualities)
    off_policy: OffPolicy = field(default_factory=OffPolicy)
    times_s: tuple[float, float] | None = None

    def takes(self, request: LoggedRequest) -> bool:
        """Whether there is something to decide; what is not is counted."""
        self.n_requests += 1
        if (at := request.time_s) is not None:
            first, last = self.times_s or (at, at)
            self.times_s = (min(first, at), max(last, at))
        if request.fate != "answered":
            self.apart[request.fate] += 1
        return request.fate == "answered"

    def add(self, request: LoggedRequest, decision: Decision, accountant: Accountant) -> None:
        """One decided request."""
        if request.request is None and accountant.reads_text(decision):
            self.apart["no_prompt"] += 1
            return
        served = accountant.serve(request, decision)
        self.shares[served.task, served.layer, served.routed] += 1
        self.changed += served.changed
        self._count_model(served)
        for sums in (self.costs, self.qualities, self.bench, self.off_policy):
            sums.add(served)
        self.examples.offer(lambda: _example(request, served, decision))
        if served.changed and served.routed_answer is not None and self.pairs.size:
            self._offer_pair(request, served, accountant)

    def _count_model(self, served: Served) -> None:
        if served.logged is not None:
            self.logged[served.logged] += 1
        elif served.name in self.strangers or len(self.strangers) < MOST_NAMES:
            self.strangers[served.name] += 1
        else:
            self.strangers[OTHER_NAMES] += 1

    def _offer_pair(self, request: LoggedRequest, served: Served, accountant: Accountant) -> None:
        answer, other = self.log.answer(request), served.routed_answer
        if request.request is None or answer is None or other is None:
            return
        asked, models = request.request, (*request.models, *accountant.names.of(served.routed))
        self.pairs.offer(lambda: Pair(asked, answer, other, models))

    def shadow(self, reference: str, weights: Mapping[str, float]) -> Shadow:
        """Everything taken in."""
        counts: Counter[str] = Counter()
        for (task, _, _), n in self.shares.items():
            if task is not None:
                counts[task] += n
        first_s, last_s = self.times_s or (None, None)
        return Shadow(
            reference=reference,
            n_requests=self.n_requests,
            apart=dict(self.apart),
            shares=tuple(Share(*key, n) for key, n in self.shares.most_common()),
            n_changed=self.changed,
            logged=dict(self.logged),
            strangers=dict(self.strangers),
            cost=self.costs.summary(),
            unknown_costs=dict(self.costs.unknown),
            quality=self.qualities.summary(),
            bench=self.bench.summary(),
            off_policy=self.off_policy.summary(),
            drift=measure_drift(counts, weights),
            first_s=first_s,
            last_s=last_s,
            examples=tuple(self.examples.items),
            pairs=tuple(self.pairs.items),
            n_pairs=self.pairs.n_seen,
        )


def _example(request: LoggedRequest, served: Served, decision: Decision) -> Example:
    return Example(
        where=request.where,
        text=read_request(request.request or "").read,
        task=served.task,
        layer=served.layer,
        logged=served.name,
        routed=served.routed,
        reason=decision.reason,
    )

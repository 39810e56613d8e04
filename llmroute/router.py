"""Routing map → Router: which model answers a request, decided in the process that asks.

Request → its task (`recogniser/`) → the task's route, or whom its query router or cascade asks
first; and of the answer, whether it stands (`review.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmroute import records
from llmroute.errors import InputError, UnknownName
from llmroute.recogniser.artefact import Learned
from llmroute.recogniser.recognise import Layer, Recogniser, Recognition
from llmroute.recogniser.request import Messages, Request, read_request
from llmroute.records import RoutingMap
from llmroute.review import Review, Reviewer

if TYPE_CHECKING:
    from llmroute.cascades.decide import Cascade
    from llmroute.routers.decide import QueryRouter

Chosen = tuple[str, float | None, str]
"""Model, strong_win_rate and reason."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Which model answers, and why."""

    model: str
    task: str | None
    """None: not recognised, so the reference answers."""
    layer: Layer
    """What recognised the task."""
    reason: str
    fallbacks: tuple[str, ...] = ()
    """Who answers when the model cannot, in order."""
    strong_win_rate: float | None = None
    """In [0, 1], as the query router estimates it; None where the static map decides."""
    similarity: float | None = None
    """To the likeliest task's samples, in about [0, 1]; None where likeness was not asked."""
    expected_usd_per_1k: float | None = None
    """What 1,000 such requests cost, as the bench measured it; None: not known."""
    recognition: Recognition | None = field(default=None, repr=False, compare=False)
    """What each layer saw."""

    @property
    def query_routed(self) -> bool:
        """Whether the query router decided within the task."""
        return self.strong_win_rate is not None


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """A routing map that decides: it recognises a request's task, and knows who answers there.

    >>> router = Router.load("llmroute-out/routing-map.yaml")  # doctest: +SKIP
    >>> router.decide("How many eggs are left?").model  # doctest: +SKIP
    'small'
    """

    routing_map: RoutingMap
    recogniser: Recogniser
    query_router: QueryRouter | None
    reviewer: Reviewer = field(default_factory=Reviewer)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The map in this file, its saved query router and cascade beside it.

        Raises:
            ConfigError: the map can't be read.
            InputError: what is saved is missing, damaged, edited, or not the map's; or the map
                names a check that is not installed.
        """
        from llmroute.routing_map.file import read_map

        place = Path(path)
        routing_map = read_map(place)
        query_router = _load_query_router(routing_map, place)
        cascade = _load_cascade(routing_map, place)
        return cls.of(routing_map, query_router, cascade, where=str(place))

    @classmethod
    def of(
        cls,
        routing_map: RoutingMap,
        query_router: QueryRouter | None = None,
        cascade: Cascade | None = None,
        *,
        where: str = "routing map",
    ) -> Self:
        """The router of a map that is at hand, and of the query router and cascade it names."""
        tasks = [route.task for route in routing_map.tasks]
        fitted = routing_map.recogniser
        likeness = None if fitted is None else Learned.of(fitted, where)
        recogniser = Recogniser.of(tasks, routing_map.matches, likeness, where=where)
        reviewer = Reviewer.of(routing_map, cascade, where=where)
        return cls(routing_map, recogniser, query_router, reviewer)

    def decide(
        self,
        request: str | Messages,
        *,
        task: str | None = None,
        tags: Collection[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Decision:
        """The model for one request; the reference where its task is not recognised.

        Args:
            request: a text, or chat messages; the last user turn is what is asked.
            task: where it is known.
            tags: what else is known of it: task names, and what the suites list under
                `match: tags:`. Others are passed over.
            metadata: of the request: `task` and `tags` in it are read as tags, and any other
                entry as the tag `key:value`.

        Raises:
            UnknownName: the map has no such task.
            InputError: the request is neither text nor chat messages.
        """
        return self.decide_many([request], tasks=[task], tags=[tags], metadata=[metadata])[0]

    def decide_many(
        self,
        requests: Sequence[str | Messages],
        *,
        tasks: Sequence[str | None] | None = None,
        tags: Sequence[Collection[str]] | None = None,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
    ) -> tuple[Decision, ...]:
        """The models for many requests, likeness and query router asked once for all.

        Each decision is the one `decide` would give; arguments and errors as there, row by row.
        """
        n = len(requests)
        read = [read_request(request) for request in requests]
        named = [self._known(task) for task in tasks or [None] * n]
        rows = zip(tags or [()] * n, metadata or [None] * n, strict=True)
        said = [_all_tags(own, more) for own, more in rows]
        return self._route(read, self._recognise(read, named, said))

    def explain(self, request: str | Messages, decision: Decision) -> tuple[str, ...]:
        """What the query router's choice rests on, a line each; nothing where it was not asked.

        What the other layers saw is in `decision.recognition`.
        """
        if self.query_router is None or not decision.query_routed:
            return ()
        return self.query_router.explain(read_request(request).text, decision.task)

    def review(
        self, prompt: str, answer: str | None, task: str | None = None, *, model: str | None = None
    ) -> Review:
        """Whether an answer stands, or who is asked next.

        Args:
            prompt: what was asked.
            answer: what came back; None or blank: nothing did.
            task: where it is known; else it is recognised.
            model: who answered; default: whom `decide` names.

        Raises:
            UnknownName: the map has no such task.
            InputError: the map's tasks check their answers, and this one's is not recognised.
        """
        decision = self.decide(prompt, task=task)
        return self.reviewer.review(prompt, answer, decision.task, model or decision.model)

    def _known(self, task: str | None) -> str | None:
        names = [route.task for route in self.routing_map.tasks]
        if task is not None and task not in names:
            raise UnknownName("task", task, names)
        return task

    def _recognise(
        self,
        requests: Sequence[Request],
        named: Sequence[str | None],
        said: Sequence[Collection[str]],
    ) -> list[Recognition]:
        """Each request's task, as it is named or else recognised."""
        left = [row for row, task in enumerate(named) if task is None]
        found = self.recogniser.recognise_many(
            [requests[row] for row in left], [said[row] for row in left]
        )
        recognised = dict(zip(left, found, strict=True))
        return [
            recognised[row] if task is None else _named(task)
            for row, task in zip(range(len(requests)), named, strict=True)
        ]

    def _route(
        self, requests: Sequence[Request], recognised: Sequence[Recognition]
    ) -> tuple[Decision, ...]:
        """The task's route, or whom query router or cascade ask first where they are for it."""
        tasks = [one.task for one in recognised]
        chosen = self._cascaded(requests, tasks) | self._query_routed(requests, tasks)
        return tuple(self._decide(one, chosen.get(row)) for row, one in enumerate(recognised))

    def _query_routed(
        self, requests: Sequence[Request], tasks: Sequence[str | None]
    ) -> dict[int, Chosen]:
        rows = _rows_of(self.routing_map.query_router, tasks)
        if not rows or self.query_router is None:
            return {}
        found = self.query_router.decide_many(
            [requests[row].text for row in rows], [tasks[row] for row in rows]
        )
        rates = found.strong_win_rate.tolist()
        return dict(zip(rows, zip(found.models, rates, found.reasons, strict=True), strict=True))

    def _cascaded(
        self, requests: Sequence[Request], tasks: Sequence[str | None]
    ) -> dict[int, Chosen]:
        """The weak model first, but for prompts it should not be trusted with at all."""
        stated, cascade = self.routing_map.cascade, self.reviewer.cascade
        rows = _rows_of(stated, tasks)
        if not rows or stated is None or cascade is None:
            return {}
        first = f"{stated.weak} answers first; review(prompt, answer) says whether that stands"
        objections = cascade.objections([requests[row].text for row in rows])
        return {
            row: (stated.weak, None, first) if why is None else (stated.strong, None, why)
            for row, why in zip(rows, objections, strict=True)
        }

    def _decide(self, found: Recognition, chosen: Chosen | None) -> Decision:
        if found.task is None:
            return self._refer(found)
        route = next(route for route in self.routing_map.tasks if route.task == found.task)
        model, rate, reason = chosen or (route.route, None, route.reason)
        pair = self.routing_map.query_router or self.routing_map.cascade
        stronger = (pair.strong,) if chosen and pair and model == pair.weak else ()
        after = (*stronger, *route.fallbacks, self.routing_map.reference)
        return Decision(
            model,
            found.task,
            found.layer,
            reason,
            fallbacks=tuple(dict.fromkeys(name for name in after if name != model)),
            strong_win_rate=rate,
            similarity=found.similarity,
            expected_usd_per_1k=route.cost_usd_per_1k(model),
            recognition=found,
        )

    def _refer(self, found: Recognition) -> Decision:
        """The reference answers what no task is known of."""
        return Decision(
            self.routing_map.reference,
            None,
            found.layer,
            f"{found.reason}: the reference answers",
            similarity=found.similarity,
            expected_usd_per_1k=self.routing_map.savings.reference_usd_per_1k,
            recognition=found,
        )


def _named(task: str) -> Recognition:
    return Recognition(task, "tag", "the request names its task", left=(task,))


def _all_tags(tags: Collection[str], metadata: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The tags of a request, those in its metadata among them."""
    if isinstance(tags, str):
        raise InputError("tags are a list, not one text", fix=f"Write [{tags!r}].")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InputError("metadata is no mapping", fix='Write {"task": "...", "tags": ["..."]}.')
    said = dict(metadata or {})
    more = said.pop("tags", None)
    listed = [more] if isinstance(more, str) else more if isinstance(more, list | tuple) else []
    named = [said["task"]] if "task" in said else []
    pairs = [f"{key}:{value}" for key, value in said.items() if isinstance(value, str | int)]
    return (*tags, *(tag for tag in (*listed, *named, *pairs) if isinstance(tag, str)))


def _rows_of(
    stated: records.QueryRouter | records.Cascade | None, tasks: Sequence[str | None]
) -> list[int]:
    """The requests it was calibrated for."""
    if stated is None:
        return []
    return [row for row, task in enumerate(tasks) if task and stated.task in (None, task)]


def _load_query_router(routing_map: RoutingMap, place: Path) -> QueryRouter | None:
    if routing_map.query_router is None:
        return None
    from llmroute.routers.decide import QueryRouter

    return QueryRouter.load(_beside(routing_map.query_router, place, "query router"))


def _load_cascade(routing_map: RoutingMap, place: Path) -> Cascade | None:
    if routing_map.cascade is None:
        return None
    from llmroute.cascades.decide import Cascade

    return Cascade.load(_beside(routing_map.cascade, place, "cascade"))


def _beside(stated: records.QueryRouter | records.Cascade, place: Path, noun: str) -> Path:
    """The file that the map names, as it was when the map was written."""
    from llmroute.digest import file_digest

    path = place.with_name(stated.artefact)
    again = "Make both again: llmroute calibrate. The map and what it names belong together."
    if not path.is_file():
        raise InputError(f"the map's {noun} is not beside it", where=str(path), fix=again)
    if file_digest(path) != stated.sha256:
        raise InputError(f"this is not the {noun} the map names", where=str(path), fix=again)
    return path

"""Routing map → Router: which model answers a request, decided in the process that asks.

Request → its task (`recogniser/`) → the task's route, or its query router's choice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmroute.errors import InputError, UnknownName
from llmroute.recogniser.recognise import Layer, Recogniser, Recognition
from llmroute.recogniser.request import Messages, Request, read_request
from llmroute.records import RoutingMap
from llmroute.review import Review, Reviewer

if TYPE_CHECKING:
    from llmroute.routers.decide import QueryRouter


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
        """The map in this file, its saved query router beside it.

        Raises:
            ConfigError: the map can't be read.
            InputError: the saved router is missing, damaged, edited, or not the map's; or the map
                names a check that is not installed.
        """
        from llmroute.routing_map.file import read_map

        place = Path(path)
        routing_map = read_map(place)
        query_router = _load_query_router(routing_map, place)
        return cls.of(routing_map, query_router, where=str(place))

    @classmethod
    def of(
        cls,
        routing_map: RoutingMap,
        query_router: QueryRouter | None = None,
        *,
        where: str = "routing map",
    ) -> Self:
        """The router of a map that is at hand, and of the query router it names."""
        tasks = [route.task for route in routing_map.tasks]
        recogniser = Recogniser.of(tasks, routing_map.matches, None, where=where)
        return cls(routing_map, recogniser, query_router, Reviewer.of(routing_map, where=where))

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
        """The task's route, or the query router's choice where it is calibrated for the task."""
        asked = [row for row, one in enumerate(recognised) if self._is_query_routed(one.task)]
        chosen: dict[int, tuple[str, float, str]] = {}
        if asked and self.query_router is not None:
            found = self.query_router.decide_many(
                [requests[row].text for row in asked], [recognised[row].task for row in asked]
            )
            rates = found.strong_win_rate.tolist()
            rows = zip(found.models, rates, found.reasons, strict=True)
            chosen = dict(zip(asked, rows, strict=True))
        return tuple(self._decide(one, chosen.get(row)) for row, one in enumerate(recognised))

    def _is_query_routed(self, task: str | None) -> bool:
        stated = self.routing_map.query_router
        return stated is not None and task is not None and stated.task in (None, task)

    def _decide(self, found: Recognition, chosen: tuple[str, float, str] | None) -> Decision:
        if found.task is None:
            return self._refer(found)
        route = next(route for route in self.routing_map.tasks if route.task == found.task)
        model, rate, reason = chosen or (route.route, None, route.reason)
        pair = self.routing_map.query_router
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
    return Recognition(task, "tag", "the request names its task", {task: task})


def _all_tags(tags: Collection[str], metadata: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The tags of a request, those in its metadata among them."""
    if isinstance(tags, str):
        raise InputError("tags are a list, not one text", fix=f"Write [{tags!r}].")
    said = dict(metadata or {})
    more = said.pop("tags", None)
    listed = [more] if isinstance(more, str) else more if isinstance(more, list | tuple) else []
    named = [said["task"]] if "task" in said else []
    pairs = [f"{key}:{value}" for key, value in said.items() if isinstance(value, str | int)]
    return (*tags, *(tag for tag in (*listed, *named, *pairs) if isinstance(tag, str)))


def _load_query_router(routing_map: RoutingMap, place: Path) -> QueryRouter | None:
    stated = routing_map.query_router
    if stated is None:
        return None
    from llmroute.digest import file_digest
    from llmroute.routers.decide import QueryRouter

    path = place.with_name(stated.artefact)
    again = "Make both again: llmroute calibrate. Map and router belong together."
    if not path.is_file():
        raise InputError("the map's query router is not beside it", where=str(path), fix=again)
    if file_digest(path) != stated.sha256:
        raise InputError("this is not the query router the map names", where=str(path), fix=again)
    return QueryRouter.load(path)

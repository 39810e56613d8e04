"""Routing map → Router: which model answers a prompt, decided in the process that asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from llmroute.errors import InputError, UnknownName
from llmroute.records import RoutingMap
from llmroute.review import Review, Reviewer

if TYPE_CHECKING:
    from llmroute.routers.decide import QueryRouter


@dataclass(frozen=True, slots=True)
class Decision:
    """Which model answers, and why."""

    model: str
    strong_win_rate: float | None
    """In [0, 1], as the query router estimates it; None where the static map decides."""
    task: str | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """A routing map that decides: by its query router where it has one, else by task.

    >>> router = Router.load("llmroute-out/routing-map.yaml")  # doctest: +SKIP
    >>> router.decide("How many eggs are left?").model  # doctest: +SKIP
    'small'
    """

    routing_map: RoutingMap
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
        reviewer = Reviewer.of(routing_map, where=str(place))
        return cls(routing_map, _load_query_router(routing_map, place), reviewer)

    def decide(self, prompt: str, task: str | None = None) -> Decision:
        """The model for one prompt.

        Args:
            prompt: what is asked.
            task: where it is known; the static map needs it once it has several tasks.

        Raises:
            UnknownName: the map has no such task.
            InputError: the map has several tasks, no query router for all, and none is named.
        """
        task = self._known(task)
        if self.query_router is None or not self._is_for_router(task):
            return self._static(task)
        found = self.query_router.decide(prompt, task)
        return Decision(found.model, found.strong_win_rate, task, found.reason)

    def decide_many(
        self, prompts: Sequence[str], tasks: Sequence[str | None] | None = None
    ) -> tuple[Decision, ...]:
        """The models for many prompts, the query router's scores taken all at once.

        Raises:
            UnknownName: as `decide`.
            InputError: as `decide`.
        """
        named = [self._known(task) for task in tasks or [None] * len(prompts)]
        asked = [row for row, task in enumerate(named) if self._is_for_router(task)]
        decided: dict[int, Decision] = {}
        if asked and self.query_router is not None:
            found = self.query_router.decide_many(
                [prompts[row] for row in asked], [named[row] for row in asked]
            )
            threshold = self.query_router.saved.routing_threshold
            rows = zip(asked, found.models, found.strong, found.strong_win_rate, strict=True)
            for row, model, strong, rate in rows:
                reason = _reason(float(rate), threshold, strong=bool(strong))
                decided[row] = Decision(model, float(rate), named[row], reason)
        return tuple(decided.get(row) or self._static(task) for row, task in enumerate(named))

    def review(
        self, prompt: str, answer: str | None, task: str | None = None, *, model: str | None = None
    ) -> Review:
        """Whether an answer stands, or who is asked next.

        Args:
            prompt: what was asked.
            answer: what came back; None or blank: nothing did.
            task: where it is known.
            model: who answered; default: whom `decide` names.

        Raises:
            UnknownName: the map has no such task.
            InputError: the map has several tasks whose answers are checked, and none is named.
        """
        task = self._known(task)
        answered = model or self.decide(prompt, task).model
        return self.reviewer.review(prompt, answer, task, answered)

    def _known(self, task: str | None) -> str | None:
        """The task, or the only one there is."""
        names = [route.task for route in self.routing_map.tasks]
        if task is not None and task not in names:
            raise UnknownName("task", task, names)
        return names[0] if task is None and len(names) == 1 else task

    def _is_for_router(self, task: str | None) -> bool:
        stated = self.routing_map.query_router
        return stated is not None and stated.task in (None, task)

    def _static(self, task: str | None) -> Decision:
        routes = {route.task: route for route in self.routing_map.tasks}
        if task is None:
            raise InputError(
                f"the map has {len(routes)} tasks and no query router for all of them, so the"
                " prompt's task must be known",
                fix=f"Name it: decide(prompt, task=...), one of {', '.join(sorted(routes))}.",
            )
        return Decision(routes[task].route, None, task, routes[task].reason)


def _reason(rate: float, threshold: float, *, strong: bool) -> str:
    if strong and rate < threshold:
        return "empty, or unlike the training prompts: strong, to be safe"
    sign = ">=" if strong else "<"
    return f"strong_win_rate {rate:.3f} {sign} routing_threshold {threshold:.3f}"


def _load_query_router(routing_map: RoutingMap, place: Path) -> QueryRouter | None:
    from llmroute.digest import file_digest
    from llmroute.routers.decide import QueryRouter

    stated = routing_map.query_router
    if stated is None:
        return None
    path = place.with_name(stated.artefact)
    again = "Make both again: llmroute calibrate. Map and router belong together."
    if not path.is_file():
        raise InputError("the map's query router is not beside it", where=str(path), fix=again)
    if file_digest(path) != stated.sha256:
        raise InputError("this is not the query router the map names", where=str(path), fix=again)
    return QueryRouter.load(path)

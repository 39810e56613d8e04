"""Answer → Review: whether it stands, or who is asked next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from llmroute import records
from llmroute.errors import InputError
from llmroute.records import Sample

if TYPE_CHECKING:
    from llmroute.cascades.decide import Cascade, Look
    from llmroute.checks import Check
    from llmroute.records import RoutingMap, TaskRoute


@dataclass(frozen=True, slots=True)
class Review:
    """Whether an answer stands, and what is to be done where it does not."""

    accepted: bool
    escalation_score: float | None
    """In [0, 1], as the cascade estimates it; None where checks alone decide."""
    model_next: str | None
    """Who is asked next; None: the answer stands, or nobody is left to ask."""
    reason: str
    failed_checks: tuple[str, ...]
    """"check.feature" of each fault that was found."""


@dataclass(frozen=True, slots=True, eq=False)
class Reviewer:
    """Looks at answers as the map says: with its cascade, else by the checks that tasks name.

    Where a cascade was calibrated, its score decides, and failed checks are told beside it: they
    are weighed in the score already. Alone, one failed check turns an answer down.
    """

    routes: Mapping[str, TaskRoute] = field(default_factory=dict)
    checks: Mapping[str, Mapping[str, Check]] = field(default_factory=dict)
    """Task → its checks by name."""
    pair: records.QueryRouter | records.Cascade | None = None
    """What the map was calibrated for: the strong model stands behind the weak one."""
    cascade: Cascade | None = None

    @classmethod
    def of(
        cls,
        routing_map: RoutingMap,
        cascade: Cascade | None = None,
        *,
        where: str | None = None,
    ) -> Self:
        """The reviewer of a map, and of the cascade it names.

        Raises:
            UnknownName: the map names a check that is not installed.
            InputError: a check refuses its parameters.
        """
        from llmroute.checks import build_checks

        return cls(
            {route.task: route for route in routing_map.tasks},
            {
                task: build_checks(plugins, where=f"{where}, task {task!r}" if where else None)
                for task, plugins in routing_map.checks.items()
            },
            routing_map.query_router or routing_map.cascade,
            cascade,
        )

    def review(self, prompt: str, answer: str | None, task: str | None, model: str) -> Review:
        """Whether the answer of `model` stands.

        Raises:
            InputError: tasks name checks, and the answer's is not known.
        """
        from llmroute.checks import failed_checks

        if self.cascade is not None and self._is_weak(model, task):
            return self._looked_at(self.cascade.look(prompt, answer, task), model, task)
        checks = self._checks_of(task)
        if answer is None or not answer.strip():
            return self._turned_down("there is no answer", model, task)
        failed = failed_checks(checks, Sample("", prompt), answer)
        if failed:
            return self._turned_down(f"failed {', '.join(failed)}", model, task, failed)
        why = f"passed {', '.join(checks)}" if checks else "no check is named for its task"
        return Review(True, None, None, why, ())

    def _looked_at(self, look: Look, model: str, task: str | None) -> Review:
        score, failed = look.escalation_score, look.failed_checks
        if look.stands:
            return Review(True, score, None, look.reason, failed)
        return self._turned_down(look.reason, model, task, failed, score)

    def _turned_down(
        self,
        what: str,
        model: str,
        task: str | None,
        failed: tuple[str, ...] = (),
        score: float | None = None,
    ) -> Review:
        following = self._after(model, task)
        ending = f"{following} is asked next" if following else "nobody is left to ask"
        return Review(False, score, following, f"{what}: {ending}", failed)

    def _checks_of(self, task: str | None) -> Mapping[str, Check]:
        if task is None and self.checks:
            names = ", ".join(sorted(self.routes))
            raise InputError(
                f"the map names checks a task, and has {len(self.routes)} tasks, so the answer's"
                " task must be known",
                fix=f"Name it: review(prompt, answer, task=...), one of {names}.",
            )
        return self.checks.get(task or "", {})

    def _after(self, model: str, task: str | None) -> str | None:
        """Who stands behind the model; behind a stranger, the first of all."""
        order = self._order(model, task)
        place = order.index(model) + 1 if model in order else 0
        return order[place] if place < len(order) else None

    def _order(self, model: str, task: str | None) -> tuple[str, ...]:
        """The calibrated pair where it is of the model, else route and fallbacks."""
        pair = self.pair
        if pair and pair.task in (None, task) and model in (pair.weak, pair.strong):
            return pair.weak, pair.strong
        route = self.routes.get(task or "")
        return () if route is None else (route.route, *route.fallbacks)

    def _is_weak(self, model: str, task: str | None) -> bool:
        pair = self.pair
        return pair is not None and pair.task in (None, task) and model == pair.weak

"""Request → Recognition: its task, the layer that decided, and what each layer saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from llmroute.recogniser.request import Request
from llmroute.recogniser.rules import Rule, Sign
from llmroute.records import Match

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Layer = Literal["only_task", "tag", "rule", "semantic", "unknown"]


class Likeness(Protocol):
    """What the semantic layer can do."""

    tasks: tuple[str, ...]
    threshold: float

    def similarities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Shape (n_texts, n_tasks): about 1 for a text like the task's, about 0 for another's."""
        ...


@dataclass(frozen=True, slots=True)
class Recognition:
    """The task of one request, and what spoke for it."""

    task: str | None
    """None: unknown."""
    layer: Layer
    reason: str
    tags: Mapping[str, str] = field(default_factory=dict)
    """Task → the tag that names it."""
    signs: Mapping[str, tuple[Sign, ...]] = field(default_factory=dict)
    """Task → what its rules found."""
    similarities: Mapping[str, float] = field(default_factory=dict)
    """Task → likeness, the highest first; empty where likeness was not asked."""

    @property
    def similarity(self) -> float | None:
        """Of the likeliest task; None where likeness was not asked."""
        return next(iter(self.similarities.values()), None)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The layers in their order, each of which narrows down what the one before has left."""

    tasks: tuple[str, ...]
    tags: Mapping[str, Collection[str]]
    """Task → the tags that name it."""
    rules: Mapping[str, Rule]
    likeness: Likeness | None

    @classmethod
    def of(
        cls,
        tasks: Sequence[str],
        matches: Mapping[str, Match],
        likeness: Likeness | None,
        *,
        where: str = "match",
    ) -> Recogniser:
        """The recogniser of these tasks.

        Raises:
            ConfigError: a pattern is no regular expression.
        """
        tags = {task: {task, *matches.get(task, Match()).tags} for task in tasks}
        rules = {
            task: Rule.of(matches[task], where=f"{where}, task {task!r}")
            for task in tasks
            if task in matches
        }
        return cls(tuple(tasks), tags, rules, likeness)

    def recognise(self, request: Request, tags: Collection[str] = ()) -> Recognition:
        """The task of one request.

        Args:
            request: what is asked.
            tags: what is said of it; those that name no task are passed over.
        """
        return self.recognise_many([request], [tags])[0]

    def recognise_many(
        self, requests: Sequence[Request], tags: Sequence[Collection[str]]
    ) -> tuple[Recognition, ...]:
        """The tasks of many requests, likeness measured for all that need it at once."""
        found = [self._by_hand(*one) for one in zip(requests, tags, strict=True)]
        open_rows = [row for row, one in enumerate(found) if one.task is None]
        asked = [row for row in open_rows if requests[row].text.strip()]
        if self.likeness is not None and asked:
            measured = self.likeness.similarities([requests[row].read for row in asked])
            for row, values in zip(asked, measured.tolist(), strict=True):
                known = dict(zip(self.likeness.tasks, values, strict=True))
                found[row] = _by_likeness(found[row], known, self.likeness.threshold)
        return tuple(found)

    def _by_hand(self, request: Request, tags: Collection[str]) -> Recognition:
        """What people wrote decides, where it leaves one task."""
        if len(self.tasks) == 1:
            return Recognition(self.tasks[0], "only_task", "the map has no other task")
        named = {task: tag for task in self.tasks for tag in sorted(tags) if tag in self.tags[task]}
        if len(named) == 1:
            [(task, tag)] = named.items()
            return Recognition(task, "tag", f"tag {tag!r}", named)
        tried = {
            task: rule.signs(request)
            for task, rule in self.rules.items()
            if task in named or not named
        }
        signs = {task: found for task, found in tried.items() if found}
        if len(signs) == 1:
            [(task, found)] = signs.items()
            return Recognition(task, "rule", str(found[0]), named, signs)
        return Recognition(None, "unknown", _why_open(request, named, signs), named, signs)


def _why_open(request: Request, named: Collection[str], signs: Collection[str]) -> str:
    if signs:
        return f"the rules of {' and '.join(sorted(signs))} match alike"
    if named:
        return f"its tags name {' and '.join(sorted(named))}"
    return "no tag or rule names its task" if request.text.strip() else "the request is empty"


def _by_likeness(
    found: Recognition, measured: Mapping[str, float], threshold: float
) -> Recognition:
    """The likeliest of the tasks that are left, or unknown where it is not like enough."""
    left = found.signs or found.tags or measured
    ranked = sorted((task for task in left if task in measured), key=lambda t: (-measured[t], t))
    similarities = {task: measured[task] for task in ranked}
    if not ranked:
        return found
    task, similarity = ranked[0], measured[ranked[0]]
    if similarity >= threshold:
        reason = f"like its samples ({similarity:.2f}, at least {threshold:.2f} is needed)"
        return replace(found, task=task, layer="semantic", reason=reason, similarities=similarities)
    reason = f"{found.reason}, and it is like none ({task} {similarity:.2f}, below {threshold:.2f})"
    return replace(found, reason=reason, similarities=similarities)

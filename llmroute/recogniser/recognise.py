"""Request → Recognition: its task, the layer that decided, and what each layer saw."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those it knows samples of."""
        ...

    @property
    def threshold(self) -> float:
        """A similarity from which a request is taken for a task's."""
        ...

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
    signs: Mapping[str, tuple[Sign, ...]] = field(default_factory=dict)
    """Task → what tags and rules saw of it, among the tasks that were still open."""
    left: tuple[str, ...] = ()
    """The tasks that tags and rules leave open."""
    similarities: Mapping[str, float] = field(default_factory=dict)
    """Open task → likeness, the highest first; empty where likeness was not asked."""
    threshold: float | None = None
    """What the highest of them has to reach."""

    @property
    def similarity(self) -> float | None:
        """Of the likeliest task; None where likeness was not asked."""
        return next(iter(self.similarities.values()), None)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The layers in their order; each narrows down what the one before it has left open."""

    rules: tuple[Rule, ...]
    """One a task, in the map's order."""
    likeness: Likeness | None = None

    @classmethod
    def of(
        cls,
        tasks: Sequence[str],
        matches: Mapping[str, Match],
        likeness: Likeness | None = None,
        *,
        where: str = "match",
    ) -> Recogniser:
        """The recogniser of these tasks.

        Raises:
            ConfigError: a pattern is no regular expression.
        """
        rules = (Rule.of(task, matches.get(task, Match()), where=where) for task in tasks)
        return cls(tuple(rules), likeness)

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
        asked = [row for row, one in enumerate(found) if one.task is None and requests[row].text]
        if self.likeness is not None and asked:
            measured = self.likeness.similarities([requests[row].read for row in asked])
            for row, values in zip(asked, measured.tolist(), strict=True):
                known = dict(zip(self.likeness.tasks, values, strict=True))
                found[row] = _by_likeness(found[row], known, self.likeness.threshold)
        return tuple(found)

    def _by_hand(self, request: Request, tags: Collection[str]) -> Recognition:
        """What is said of the request, and what people wrote of the tasks."""
        if len(self.rules) == 1:
            return Recognition(self.rules[0].task, "only_task", "the map has no other task")
        looks: tuple[tuple[Layer, Callable[[Rule], tuple[Sign, ...]]], ...] = (
            ("tag", lambda rule: rule.tagged(tags)),
            ("rule", lambda rule: rule.own_words(request)),
            ("rule", lambda rule: rule.matched(request)),
        )
        left, signs = self.rules, dict[str, tuple[Sign, ...]]()
        for layer, look in looks:
            seen = [(rule, found) for rule in left if (found := look(rule))]
            signs |= {rule.task: signs.get(rule.task, ()) + found for rule, found in seen}
            left = tuple(rule for rule, _ in seen) or left
            if len(left) == 1:
                task = left[0].task
                return Recognition(task, layer, str(seen[0][1][0]), signs, (task,))
        names = tuple(sorted(rule.task for rule in left))
        return Recognition(None, "unknown", _why_open(request, names, signs), signs, names)


def _why_open(request: Request, left: Sequence[str], signs: Collection[str]) -> str:
    if signs:
        return f"tags and rules speak for {' and '.join(left)} alike"
    return "no tag or rule names its task" if request.text else "the request is empty"


def _by_likeness(
    found: Recognition, measured: Mapping[str, float], threshold: float
) -> Recognition:
    """The likeliest of the open tasks, or unknown where it is not like enough."""
    known = [task for task in found.left if task in measured]
    ranked = sorted(known, key=lambda task: (-measured[task], task))
    if not ranked:
        return found
    similarities = {task: measured[task] for task in ranked}
    seen = replace(found, similarities=similarities, threshold=threshold)
    best = measured[ranked[0]]
    if best >= threshold:
        reason = f"like its samples: {best:.2f}, and {threshold:.2f} is enough"
        return replace(seen, task=ranked[0], layer="semantic", reason=reason)
    return replace(
        seen, reason=f"{found.reason}, and it is like none: {best:.2f} is below {threshold:.2f}"
    )

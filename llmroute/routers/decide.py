"""Prompt → Decision, in the process that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.pair import Floats, Query
from llmroute.routers.artefact import SavedRouter, read_router


@dataclass(frozen=True, slots=True)
class Decision:
    """Which model answers, and why."""

    model: str
    strong_win_rate: float
    """In [0, 1], as the router estimates it."""
    task: str | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Many decisions as arrays, row by row."""

    strong: NDArray[np.bool_]
    """Whether the strong model answers."""
    strong_win_rate: Floats
    novelty: Floats
    """Share of a prompt that the training prompts do not know, in [0, 1]; 0 where not measured."""
    models: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class QueryRouter:
    """A saved router, ready to decide; on doubt, strong.

    >>> router = QueryRouter.load("router.json")  # doctest: +SKIP
    >>> router.decide("How many eggs are left?").model  # doctest: +SKIP
    'small'
    """

    saved: SavedRouter

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The router in this file, its arrays beside it.

        Raises:
            InputError: a file is missing, damaged, edited or of a later version.
        """
        return cls(read_router(Path(path)))

    def decide(self, text: str, task: str | None = None) -> Decision:
        """The model for one prompt.

        Args:
            text: what the user asks.
            task: the prompt's task, where it is known; a router that learned tasks does better.
        """
        all_of = self.decide_many([text], [task])
        rate = float(all_of.strong_win_rate[0])
        return Decision(all_of.models[0], rate, task, all_of.reasons[0])

    def decide_many(
        self, texts: Sequence[str], tasks: Sequence[str | None] | None = None
    ) -> Decisions:
        """The models for many prompts at once."""
        known = tasks if tasks is not None else [None] * len(texts)
        queries = [Query(text, task) for text, task in zip(texts, known, strict=True)]
        rates = np.asarray(self.saved.learned.strong_win_rate(queries), np.float64)
        novelty = np.zeros(len(texts))
        if self.saved.novelty is not None:
            novelty = self.saved.novelty.measure(texts)
        empty = np.array([not text.strip() for text in texts], np.bool_)
        # `not below` rather than `at or above`: a score that is not a number goes to strong.
        strong = ~(rates < self.saved.routing_threshold) | (novelty > self._radius) | empty
        names = (self.saved.weak, self.saved.strong)
        reasons = map(self._reason, texts, rates.tolist(), novelty.tolist())
        models = tuple(names[int(flag)] for flag in strong)
        return Decisions(strong, rates, novelty, models, tuple(reasons))

    def explain(self, text: str, task: str | None = None) -> tuple[str, ...]:
        """What the decision on one prompt rests on, a line each; arguments as of `decide`."""
        found = self.decide_many([text], [task])
        rate, threshold = float(found.strong_win_rate[0]), self.saved.routing_threshold
        lines = [
            f"{self.saved.learned.name}: strong_win_rate {rate:.3f}, {threshold:.3f} is strong"
        ]
        if self.saved.novelty is not None:
            novelty = float(found.novelty[0])
            lines.append(f"novelty {novelty:.2f}, beyond {self._radius:.2f} is strong")
        reasons = getattr(self.saved.learned, "reasons", None)
        return (*lines, *(reasons(text) if reasons else ()))

    @property
    def _radius(self) -> float:
        return 1.0 if self.saved.novelty is None else self.saved.novelty.radius

    def _reason(self, text: str, rate: float, novelty: float) -> str:
        threshold = self.saved.routing_threshold
        if not text.strip():
            return "the prompt is empty: strong, to be safe"
        if novelty > self._radius:
            return (
                f"unlike the training prompts (novelty {novelty:.2f} > {self._radius:.2f}): "
                "strong, to be safe"
            )
        sign = "<" if rate < threshold else ">="
        return f"strong_win_rate {rate:.3f} {sign} routing_threshold {threshold:.3f}"

"""Prompt and weak answer → escalation_score: the plugin room of what decides in a cascade.

A cascade asks the weak model first, looks at its answer, and asks the strong one where the answer
does not hold up. An escalator is a dataclass whose fields are its parameters. It learns from a
`Pair` with answers into attributes that end in `_`, and then says of a prompt and an answer, in
[0, 1], how much the strong model is worth on top: `escalation_score >= routing_threshold` asks it.
The scale is that of routers, (1 + expected gap) / 2. Scoring needs numpy only. Other packages offer
escalators through the entry-point group `llmroute.escalators`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.checks import Check
from llmroute.records import Sample
from llmroute.registry import Registry

ESCALATORS = Registry(
    "escalator",
    {"answer_scorer": "llmroute.cascades.answer_scorer:AnswerScorer"},
    "llmroute.escalators",
)


class Escalator(Protocol):
    """What decides, the weak answer in hand, whether to ask the strong model too."""

    name: ClassVar[str]

    def fit(self, pair: Pair, *, samples: Sequence[Sample] | None = None, seed: int = 0) -> Self:
        """Learn from scored queries and the weak model's answers; returns itself."""
        ...

    def escalation_score(
        self,
        queries: Sequence[Query],
        answers: Sequence[str | None],
        *,
        samples: Sequence[Sample] | None = None,
    ) -> Floats:
        """Shape (n,), in [0, 1]: (1 + expected gap) / 2; 1 where the weak model did not answer."""
        ...

    def checks_of(self, task: str | None) -> Mapping[str, Check]:
        """The checks by which it looks at the task's answers."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was learned: JSON values, and arrays by name. Never a pickle."""
        ...

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The escalator that `state` was taken from."""
        ...

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from llmroute.records import Outcome, Outcomes, Usage

MakeOutcomes = Callable[..., Outcomes]


@pytest.fixture
def outcomes_of() -> MakeOutcomes:
    """Outcomes from {candidate: scores}; a score of None is a call that timed out."""

    def make(
        scores: dict[str, Sequence[float | None]],
        *,
        task: str = "t",
        tokens: dict[str, tuple[int, int]] | None = None,
        groups: Sequence[str] | None = None,
    ) -> Outcomes:
        rows = []
        for candidate, values in scores.items():
            for index, score in enumerate(values):
                rows.append(
                    Outcome(
                        task=task,
                        sample_id=f"s{index}",
                        candidate=candidate,
                        score=score,
                        answered=score is not None,
                        reason=None if score is not None else "timed_out",
                        usage=Usage(*(tokens or {}).get(candidate, (None, None))),
                        group=groups[index] if groups else None,
                    )
                )
        return Outcomes(tuple(rows))

    return make

"""What a small program scores on each suite: the floor a model must beat."""

from __future__ import annotations

from collections.abc import Sequence

from llmroute.builtin.rules import Rules
from llmroute.records import Suite
from llmroute.scores.score import build_scorer
from llmroute.suites.prompt import render_messages

FLOOR = "builtin/rules"
PROBED = 200
"""Samples asked of a suite; more say the same."""


def measure_floors(suites: Sequence[Suite]) -> dict[str, float]:
    """Task → mean score of `builtin/rules` over its first samples; tasks it cannot be scored on
    are missing."""
    floors = {}
    for suite in suites:
        scores = _scores(suite)
        if scores:
            floors[suite.task] = sum(scores) / len(scores)
    return floors


def _scores(suite: Suite) -> list[float]:
    scorer, program = build_scorer(suite), Rules()
    values = (
        scorer.score(sample, program.answer(render_messages(suite, sample), suite.labels)).value
        for sample in suite.samples[:PROBED]
    )
    return [value for value in values if value is not None]

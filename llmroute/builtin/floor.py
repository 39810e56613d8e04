"""Suite → the mean score a program without a model reaches on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import fsum

from llmroute.builtin import PROGRAMS, Program
from llmroute.records import Suite

FLOOR = "builtin/rules"
PROBED = 200
"""Samples asked of a suite by `measure_floors`; more say the same."""


def measure_floors(suites: Iterable[Suite]) -> dict[str, float]:
    """Task → what `builtin/rules` scores on its first samples; unscored tasks are missing."""
    floors = {s.task: measure_floor(replace(s, samples=s.samples[:PROBED])) for s in suites}
    return {task: quality for task, quality in floors.items() if quality is not None}


def measure_floor(suite: Suite, program: str = "rules") -> float | None:
    """Weighted mean score of a program that takes no parameters, in [0, 1], without a call.

    None where nothing can be scored here: an empty suite, one that only a judge grades, or one
    whose answers would be run as code.

    Raises:
        UnknownName: no program carries the name.
        SuiteError: the suite's prompt or metric is not usable.
    """
    from llmroute.scores.score import build_scorer, runs_code
    from llmroute.suites.prompt import render_messages

    if not suite.metrics or runs_code(suite):
        return None
    answering: Program = PROGRAMS.build(program, {})
    scorer = build_scorer(suite)
    scored = [
        (s.weight, scorer.score(s, answering.answer(render_messages(suite, s), suite.labels)).value)
        for s in suite.samples
    ]
    values = [(weight, value) for weight, value in scored if value is not None]
    total = fsum(weight for weight, _ in values)
    return fsum(weight * value for weight, value in values) / total if total else None

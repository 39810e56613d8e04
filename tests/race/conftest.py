from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from llmroute.analysis.compare import compare
from llmroute.race.race import TaskRace
from llmroute.race.rule import RaceCandidate, RaceRule
from llmroute.records import Outcome, Outcomes, QualityRule, Sample
from llmroute.routing_map.choose import choose_routes

Scores = Mapping[str, Mapping[tuple[str, int], float | None]]
"""Candidate → (sample, repeat) → score."""


@pytest.fixture(scope="session")
def run_race() -> Callable[..., TaskRace]:
    """A race run to its end on known scores."""

    def run(
        scores: Scores,
        costs: Mapping[str, float | None],
        samples: Sequence[Sample],
        rule: RaceRule,
        seed: int = 0,
    ) -> TaskRace:
        candidates = [RaceCandidate(name, costs[name]) for name in scores]
        race = TaskRace("t", samples, candidates, rule, seed=seed)
        while batch := race.next_batch():
            for name, sample in batch:
                for repeat in range(rule.repeats):
                    score = scores[name][sample, repeat]
                    cost = costs[name] if score is not None else None
                    race.record(name, sample, score, cost, repeat=repeat)
        return race

    return run


@pytest.fixture(scope="session")
def grid_route() -> Callable[..., str | None]:
    """What the whole pipeline of analysis and choice says of the full grid; None: the fallback."""

    def route(
        scores: Scores,
        costs: Mapping[str, float | None],
        samples: Sequence[Sample],
        rule: QualityRule,
        reference: str,
    ) -> str | None:
        by_id = {sample.id: sample for sample in samples}
        rows = [
            Outcome(
                task="t",
                sample_id=sample,
                candidate=name,
                repeat=repeat,
                score=score,
                answered=score is not None,
                reason=None if score is not None else "timed_out",
                recorded_cost_usd=costs[name] if score is not None else None,
                weight=by_id[sample].weight,
                group=by_id[sample].group,
            )
            for name, results in scores.items()
            for (sample, repeat), score in results.items()
        ]
        compared = compare(Outcomes(tuple(rows)), {}, rule, reference=reference)
        chosen = choose_routes(compared).tasks[0]
        return None if chosen.verdict == "fallback" else chosen.route

    return route

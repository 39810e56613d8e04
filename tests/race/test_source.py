from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace

import pytest

from llmroute.errors import InputError
from llmroute.plan.matrix import Plan, plan_calls
from llmroute.race.source import RaceSource, lay_out_races
from llmroute.records import (
    Call,
    Candidate,
    Completion,
    Plugin,
    Price,
    QualityRule,
    Sample,
    Suite,
    TaskLimits,
    Usage,
)

CHEAP = Candidate("cheap", "x/cheap", price=Price(0.1, 0.1))
MIDDLE = Candidate("middle", "x/middle", price=Price(1, 1))
DEAR = Candidate("dear", "x/dear", price=Price(10, 10))
SHARE_RIGHT = {"cheap": 0.3, "middle": 0.97, "dear": 1.0}


@pytest.fixture
def plan() -> Plan:
    samples = tuple(Sample(f"s{i}", f"question {i}", "yes") for i in range(60))
    suite = Suite(name="s", task="t", samples=samples, metrics=(Plugin("exact"),))
    return plan_calls([suite], [DEAR, CHEAP, MIDDLE])


def answer(call: Call) -> Completion:
    """Right as often as the candidate is, the same for the same call."""
    rng = random.Random(f"{call.candidate.name}/{call.sample_id}")
    output = "yes" if rng.random() < SHARE_RIGHT[call.candidate.name] else "no"
    return Completion(call.key, output, Usage(10, 2), latency_s=0.5)


def source_of(
    plan: Plan,
    answers: dict[str, Completion] | None = None,
    limits: dict[str, TaskLimits] | None = None,
) -> RaceSource:
    races = lay_out_races(
        plan, QualityRule(), thresholds={}, limits=limits or {}, reference="dear", seed=0
    )
    return RaceSource(plan, races, limits or {}, answers or {})


def run(source: RaceSource) -> list[Call]:
    asked: list[Call] = []
    while (calls := source.next_calls()) is not None:
        batch = list(calls)
        assert batch, "nothing is under way, so there must be calls or an end"
        for call in batch:
            asked.append(call)
            source.answered(call, answer(call))
    return asked


def test_answers_whose_scoring_runs_code_lead_to_the_same_race(plan: Plan, sandbox: None) -> None:
    tests = {"tests": ["assert f(1) == 2", "assert f(2) == 3"]}
    suite = replace(
        plan.suites[0],
        samples=tuple(replace(s, fields=tests) for s in plan.suites[0].samples),
        metrics=(Plugin("python_tests", {"mode": "all"}),),
    )
    code = {"yes": "def f(x): return x + 1", "no": "def f(x): return x"}
    source = source_of(plan_calls([suite], plan.candidates))
    asked: list[Call] = []
    with closing(source):
        while (calls := source.next_calls()) is not None:
            batch = list(calls)
            assert batch, "nothing is under way, so there must be calls or an end"
            for call in batch:
                asked.append(call)
                completion = answer(call)
                source.done(call, replace(completion, output=code[completion.output]))
    assert names(asked) == names(run(source_of(plan)))


def names(calls: list[Call]) -> dict[str, int]:
    return {n: sum(c.candidate.name == n for c in calls) for n in ("cheap", "middle", "dear")}


def test_a_race_asks_the_route_fully_the_hopeless_briefly_and_the_dearer_never(plan: Plan) -> None:
    asked = names(run(source_of(plan)))
    assert asked["middle"] == 60
    assert 5 <= asked["cheap"] <= 30
    assert asked["dear"] == 0


def test_stored_answers_are_looked_up_and_not_asked_again(plan: Plan) -> None:
    first = run(source_of(plan))
    answers = {call.key: answer(call) for call in first}
    assert run(source_of(plan, answers)) == []
    half = dict(list(answers.items())[: len(answers) // 2])
    assert len(run(source_of(plan, half))) == len(answers) - len(half)


def test_a_failing_candidate_is_left_behind(plan: Plan) -> None:
    source = source_of(plan)
    asked = []
    while (calls := source.next_calls()) is not None:
        for call in calls:
            asked.append(call)
            if call.candidate.name == "middle":
                source.failed(call)
            else:
                source.answered(call, answer(call))
    assert names(asked)["middle"] < 60
    assert names(asked)["dear"] == 60


def test_a_route_that_breaks_a_limit_is_ruled_out_and_the_race_goes_on(plan: Plan) -> None:
    limits = {"t": TaskLimits(max_cost_usd_per_1k=0.005)}
    assert names(run(source_of(plan, limits=limits)))["dear"] == 60


def test_an_excluded_candidate_is_not_asked(plan: Plan) -> None:
    limits = {"t": TaskLimits(excluded=("middle",))}
    asked = names(run(source_of(plan, limits=limits)))
    assert asked["middle"] == 0
    assert asked["dear"] == 60


def test_a_race_needs_a_reference(plan: Plan) -> None:
    with pytest.raises(InputError, match="a race needs a reference"):
        lay_out_races(plan, QualityRule(), thresholds={}, limits={}, reference=None, seed=0)


def test_repeats_of_a_sample_are_asked_together(plan: Plan) -> None:
    twice = plan_calls(plan.suites, plan.candidates, repeats=2)
    first = list(source_of(twice).next_calls() or ())
    assert {(c.sample_id, c.repeat) for c in first} == {
        (c.sample_id, r) for c in first for r in (0, 1)
    }
    assert replace(first[0], repeat=0).sample_id == first[0].sample_id

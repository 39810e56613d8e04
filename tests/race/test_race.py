from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmroute.errors import InputError, UnknownName
from llmroute.race.race import TaskRace
from llmroute.race.rule import RaceCandidate, RaceRule
from llmroute.records import QualityRule, QualityThreshold, Sample

NAMES = ("a", "b", "c", "d")
CERTAIN = 1e-12
"""At so small a risk only what is certain is decided before the last sample."""


@st.composite
def grids(draw, *, binary: bool | None = None):
    """(scores, costs, samples, RaceRule) of a small task with every kind of trouble."""
    binary = draw(st.booleans()) if binary is None else binary
    n = draw(st.integers(6, 24))
    repeats = 1 if binary else draw(st.integers(1, 2))
    groups = draw(st.booleans()) and not binary
    weights = draw(st.sampled_from([(1.0,), (2.0,), (0.5, 1.0)]))
    samples = [
        Sample(
            f"s{i:02}", "", weight=weights[i % len(weights)], group=f"g{i % 9}" if groups else None
        )
        for i in range(n)
    ]
    rng = draw(st.randoms(use_true_random=False))
    values = [0.0, 1.0] if binary else [0.0, 0.25, 0.5, 0.9, 1.0]
    names = NAMES[: draw(st.integers(1, 4))]
    scores = {}
    for name in names:
        good, fails = (
            draw(st.sampled_from([0.1, 0.6, 0.8, 0.95, 1.0])),
            draw(st.sampled_from([0, 0.05])),
        )
        scores[name] = {
            (s.id, r): None
            if rng.random() < fails
            else (1.0 if rng.random() < good else rng.choice(values))
            for s in samples
            for r in range(repeats)
        }
    costs = {name: draw(st.sampled_from([0.001, 0.002, 0.01])) for name in names}
    rule = QualityRule(
        QualityThreshold(
            draw(st.sampled_from([0.5, 0.8, 0.9])), draw(st.sampled_from([None, None, "reference"]))
        ),
        evidence=draw(st.sampled_from(["likely", "mean", "proven"])),
        margin=draw(st.sampled_from([0.05, 0.2, 0.4])),
        min_coverage=draw(st.sampled_from([0.8, 0.98])),
    )
    race = RaceRule(rule, reference=names[-1], right_or_wrong=binary, repeats=repeats)
    return scores, costs, samples, race


def with_risk(rule: RaceRule, risk: float, ahead: int = 1) -> RaceRule:
    return RaceRule(
        rule.rule,
        reference=rule.reference,
        right_or_wrong=rule.right_or_wrong,
        repeats=rule.repeats,
        risk=risk,
        ahead=ahead,
    )


slow = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(grids(), st.integers(0, 3), st.integers(1, 4))
@slow
def test_without_risk_the_route_is_the_grids(run_race, grid_route, grid, seed, ahead):
    scores, costs, samples, rule = grid
    if any(not any(s is not None for s in each.values()) for each in scores.values()):
        return  # "proven" then divides by fewer candidates than the race counts on

    race = run_race(scores, costs, samples, with_risk(rule, CERTAIN, ahead), seed)

    assert race.route == grid_route(scores, costs, samples, rule.rule, rule.reference)


@given(grids(), st.integers(0, 3))
@slow
def test_a_race_never_routes_to_whom_the_grid_rejects(run_race, grid_route, grid, seed):
    scores, costs, samples, rule = grid

    route = run_race(scores, costs, samples, with_risk(rule, 0.5), seed).route

    if route is not None:
        alone = {name: 1.0 if name != route else 0.001 for name in scores}
        assert grid_route(scores, alone, samples, rule.rule, rule.reference) == route


@given(grids(binary=True), st.randoms(use_true_random=False))
@slow
def test_order_of_candidates_samples_and_arrival_changes_nothing(run_race, grid, rng):
    scores, costs, samples, rule = grid
    first = run_race(scores, costs, samples, rule)
    names, shuffled = list(scores), list(samples)
    rng.shuffle(names)
    rng.shuffle(shuffled)
    race = TaskRace("t", shuffled, [RaceCandidate(name, costs[name]) for name in names], rule)

    while batch := race.next_batch():
        arrival = list(batch)
        rng.shuffle(arrival)
        for name, sample in arrival:
            score = scores[name][sample, 0]
            race.record(name, sample, score, None if score is None else costs[name])

    assert race.route == first.route
    assert race.standings == first.standings


@given(grids(binary=True))
@slow
def test_an_unpriced_candidate_is_not_asked_and_changes_nothing(run_race, grid):
    scores, costs, samples, rule = grid
    if rule.bar.relative_to or rule.rule.evidence == "proven":
        return
    perfect = {(sample.id, 0): 1.0 for sample in samples}

    race = run_race({**scores, "zz": perfect}, {**costs, "zz": None}, samples, rule)

    assert race.route == run_race(scores, costs, samples, rule).route
    assert race.contenders["zz"].n_recorded == 0
    assert race.standings[-1].status == "unpriced"


SAMPLES = [Sample(f"s{i:03}", "") for i in range(40)]
RULE = RaceRule(QualityRule(), right_or_wrong=True)


def answers(wrong: int, n: int = 40) -> dict[tuple[str, int], float | None]:
    return {(f"s{i:03}", 0): float(i >= wrong) for i in range(n)}


def test_dearer_candidates_are_not_asked_once_a_cheaper_one_clears(run_race):
    scores = {"cheap": answers(0), "dear": answers(0)}

    race = run_race(scores, {"cheap": 0.001, "dear": 0.06}, SAMPLES, RULE)

    assert race.route == "cheap"
    assert [(s.candidate, s.status, s.n_asked) for s in race.standings] == [
        ("cheap", "clears", 40),
        ("dear", "not needed", 0),
    ]


def test_a_hopeless_candidate_is_dropped_after_one_batch(run_race):
    scores = {"cheap": answers(40), "dear": answers(0)}

    race = run_race(scores, {"cheap": 0.001, "dear": 0.06}, SAMPLES, RULE)

    assert race.route == "dear"
    assert race.contenders["cheap"].n_recorded == 5
    assert 0.03 < race.risk_bound <= 0.05


def test_a_suite_too_small_for_any_evidence_is_not_asked_at_all(run_race):
    few = SAMPLES[:10]

    race = run_race({"a": answers(0, 10)}, {"a": 0.001}, few, RULE)

    assert race.route is None
    assert race.standings[0].n_asked == 0
    assert race.standings[0].reason == "even 10 of 10 right would not be evidence enough"


def test_too_many_failed_calls_put_a_candidate_out(run_race):
    scores = {"a": answers(0) | {(f"s{i:03}", 0): None for i in range(20)}, "b": answers(0)}

    race = run_race(scores, {"a": 0.001, "b": 0.002}, SAMPLES, RULE)

    assert race.route == "b"
    assert "have no score" in race.contenders["a"].reason


def test_a_candidate_that_proves_cheaper_than_expected_becomes_the_route():
    candidates = [RaceCandidate("terse", 0.003, 0.0005), RaceCandidate("wordy", 0.002)]
    race = TaskRace("t", SAMPLES, candidates, RULE)
    while batch := race.next_batch():
        for name, sample in batch:
            race.record(name, sample, 1.0, {"terse": 0.001, "wordy": 0.002}[name])

    assert race.route == "terse"


def test_a_route_that_is_ruled_out_lets_the_race_go_on(run_race):
    scores = {"a": answers(0), "b": answers(0)}
    race = run_race(scores, {"a": 0.001, "b": 0.002}, SAMPLES, RULE)

    race.rule_out("a", "p95 latency 9 s is over the limit")

    assert {name for name, _ in race.next_batch()} == {"b"}
    assert race.route is None


def test_a_bar_relative_to_the_best_asks_the_full_grid(run_race):
    rule = RaceRule(QualityRule(QualityThreshold(0.9, "best")), right_or_wrong=True)

    race = run_race({"a": answers(40), "b": answers(0)}, {"a": 0.001, "b": None}, SAMPLES, rule)

    assert [s.n_asked for s in race.standings] == [40, 40]
    assert race.full_grid == "the bar is relative to the best, who is known only when all are asked"
    assert race.risk_bound == 0.0


def test_the_reference_is_asked_as_far_as_anyone_compared_with_it(run_race):
    rule = RaceRule(
        QualityRule(QualityThreshold(0.9, "reference")), reference="dear", right_or_wrong=True
    )
    scores = {"poor": answers(35), "good": answers(0), "dear": answers(1)}

    race = run_race(scores, {"poor": 0.001, "good": 0.002, "dear": 0.06}, SAMPLES, rule)

    assert race.route == "good"
    assert race.contenders["poor"].n_recorded < 40
    assert race.contenders["dear"].n_recorded == 40


def test_what_was_handed_out_and_not_recorded_is_handed_out_again():
    race = TaskRace("t", SAMPLES, [RaceCandidate("a", 0.001)], RULE)
    batch = race.next_batch()
    race.record(*batch[2], 1.0, 0.001)

    assert race.next_batch() == batch[:2] + batch[3:]


def test_groups_are_asked_together():
    samples = [Sample(f"s{i:02}", "", group=f"g{i // 4}") for i in range(24)]
    race = TaskRace("t", samples, [RaceCandidate("a", 0.001)], RULE)

    asked = {sample for _, sample in race.next_batch()}

    assert len(asked) == 8
    assert len({int(sample[1:]) // 4 for sample in asked}) == 2


@pytest.mark.parametrize(
    ("score", "message"),
    [(1.5, "not in 0 to 1"), (float("nan"), "not in 0"), (0.5, "right or wrong")],
)
def test_a_score_that_cannot_be_is_refused(score, message):
    race = TaskRace("t", SAMPLES, [RaceCandidate("a", 0.001)], RULE)

    with pytest.raises(InputError, match=message):
        race.record("a", "s000", score, None)


def test_unknown_names_and_impossible_settings_are_refused():
    race = TaskRace("t", SAMPLES, [RaceCandidate("a", 0.001)], RULE)
    with pytest.raises(UnknownName):
        race.record("b", "s000", 1.0, None)
    with pytest.raises(UnknownName):
        race.record("a", "s999", 1.0, None)
    with pytest.raises(InputError, match="named twice"):
        TaskRace("t", SAMPLES, [RaceCandidate("a", 1.0), RaceCandidate("a", 2.0)], RULE)
    with pytest.raises(InputError, match="risk"):
        TaskRace("t", SAMPLES, [RaceCandidate("a", 1.0)], RaceRule(QualityRule(), risk=0.0))
    with pytest.raises(InputError, match="nothing to race"):
        TaskRace("t", [], [RaceCandidate("a", 1.0)], RULE)


def test_equal_prices_are_equal_however_many_answers_they_are_of(run_race, grid_route):
    # In floating point the mean of twelve times 0.01 is less than that of nine times 0.01.
    samples = tuple(Sample(f"s{i:02}", "") for i in range(12))
    scores = {
        "full": {(s.id, 0): float(s.id != "s00") for s in samples},
        "part": {(s.id, 0): 1.0 if i < 9 else None for i, s in enumerate(samples)},
    }
    costs = dict.fromkeys(scores, 0.01)
    rule = RaceRule(
        QualityRule(QualityThreshold(0.5), evidence="mean", min_coverage=0.7),
        reference="full",
        right_or_wrong=True,
    )
    race = run_race(scores, costs, samples, with_risk(rule, CERTAIN))
    assert race.route == grid_route(scores, costs, samples, rule.rule, rule.reference) == "part"

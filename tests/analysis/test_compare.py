from __future__ import annotations

from collections.abc import Callable

import pytest

from llmroute.analysis.compare import TaskRules, compare
from llmroute.errors import InputError, UnknownName
from llmroute.records import (
    Cell,
    Outcome,
    Outcomes,
    Price,
    QualityRule,
    QualityThreshold,
    Usage,
)

MakeOutcomes = Callable[..., Outcomes]
CHEAP, DEAR = Price(0.1, 0.1), Price(10.0, 10.0)


def cells(
    outcomes: Outcomes, rule: QualityRule | None = None, **options: object
) -> dict[str, Cell]:
    comparison = compare(outcomes, {"a": CHEAP, "b": DEAR}, rule or QualityRule(), **options)  # type: ignore[arg-type]
    return {cell.candidate: cell for task in comparison.tasks for cell in task.cells}


def right(k: int, n: int) -> list[float]:
    return [1.0] * k + [0.0] * (n - k)


@pytest.mark.parametrize(
    ("k", "n", "verdict"),
    [
        (190, 200, "proven"),  # Clopper-Pearson at 97.5 % (two candidates): 0.910
        (90, 100, "likely"),  # at 95 %: 0.836, within 0.05 of 0.85
        (18, 20, "undecided"),  # at 95 %: 0.717
        (84, 100, "fails"),
    ],
)
def test_verdict_follows_the_lower_bound(
    outcomes_of: MakeOutcomes, k: int, n: int, verdict: str
) -> None:
    assert cells(outcomes_of({"a": right(k, n), "b": right(n, n)}))["a"].verdict == verdict


def test_proven_is_corrected_for_the_number_of_candidates(outcomes_of: MakeOutcomes) -> None:
    alone = {"a": right(184, 204)}  # Clopper-Pearson at 95 %: 0.8605; at 99.5 %: 0.8388
    many = alone | {f"c{i}": right(0, 204) for i in range(9)}
    assert cells(outcomes_of(alone))["a"].verdict == "proven"
    assert cells(outcomes_of(many))["a"].verdict == "likely"


def test_a_candidate_below_98_percent_coverage_cannot_clear(outcomes_of: MakeOutcomes) -> None:
    cell = cells(outcomes_of({"a": [None] * 3 + right(97, 97), "b": right(100, 100)}))["a"]
    assert (cell.quality, cell.coverage, cell.verdict) == (1.0, 0.97, "undecided")
    assert "only 97 of 100 calls are scored (3 timed out)" in cell.reason
    assert cell.samples_needed is None


def test_calls_nobody_made_count_against_coverage(outcomes_of: MakeOutcomes) -> None:
    cell = cells(outcomes_of({"a": right(50, 50), "b": right(100, 100)}))["a"]
    assert cell.coverage == 0.5
    assert cell.failures == {"not_asked": 50}


def test_nothing_scored_is_not_a_quality_of_zero(outcomes_of: MakeOutcomes) -> None:
    cell = cells(outcomes_of({"a": [None] * 30, "b": right(30, 30)}))["a"]
    assert cell.quality is None
    assert cell.quality_low is None
    assert (cell.verdict, cell.reason) == ("undecided", "nothing was scored (30 timed out)")


def test_samples_needed_would_settle_the_cell(outcomes_of: MakeOutcomes) -> None:
    cell = cells(outcomes_of({"a": right(18, 20)}))["a"]
    needed = cell.samples_needed
    assert needed is not None
    n = 20 + needed
    settled = cells(outcomes_of({"a": right(round(0.9 * n), n)}))["a"]
    assert settled.verdict == "likely"
    assert needed < 60


def test_groups_are_one_cluster_each(outcomes_of: MakeOutcomes) -> None:
    independent = cells(outcomes_of({"a": right(57, 60)}))["a"]
    grouped = cells(outcomes_of({"a": right(57, 60)}, groups=[str(i // 6) for i in range(60)]))["a"]
    assert grouped.quality == pytest.approx(0.95)
    assert independent.quality_low is not None
    assert grouped.quality_low is not None
    assert grouped.quality_low < independent.quality_low - 0.1


def test_repeats_are_not_counted_as_new_evidence() -> None:
    once = [Outcome("t", f"s{i}", "a", score=1.0, answered=True) for i in range(20)]
    thrice = [
        Outcome("t", f"s{i}", "a", repeat=r, score=1.0, answered=True)
        for i in range(20)
        for r in range(3)
    ]
    one, three = cells(Outcomes(tuple(once)))["a"], cells(Outcomes(tuple(thrice)))["a"]
    assert three.quality_low == one.quality_low
    assert (three.n_samples, three.n_planned) == (20, 60)


def test_sample_weights_shift_the_quality() -> None:
    rows = tuple(
        Outcome(
            "t", f"s{i}", "a", score=float(i == 0), answered=True, weight=3.0 if i == 0 else 1.0
        )
        for i in range(4)
    )
    assert cells(Outcomes(rows))["a"].quality == pytest.approx(0.5)


def test_threshold_relative_to_the_reference_uses_paired_differences(
    outcomes_of: MakeOutcomes,
) -> None:
    # Both fail the same half: unpaired noise is large, paired there is none.
    half = [1.0, 0.0] * 100
    rule = QualityRule(QualityThreshold(0.95, "reference"))
    found = cells(outcomes_of({"a": half, "b": half}), rule, reference="b")
    assert found["a"].quality_threshold == pytest.approx(0.475)
    assert found["a"].verdict == "proven"
    assert (
        cells(outcomes_of({"a": half}), QualityRule(QualityThreshold(0.475)))["a"].verdict
        == "likely"
    )
    assert found["a"].difference is not None
    assert found["a"].difference.value == pytest.approx(0.025)
    assert found["b"].verdict == "proven"


def test_threshold_relative_to_an_unscored_reference_decides_nothing(
    outcomes_of: MakeOutcomes,
) -> None:
    rule = QualityRule(QualityThreshold(0.95, "reference"))
    found = cells(outcomes_of({"a": right(30, 30), "b": [None] * 30}), rule, reference="b")
    assert found["a"].verdict == "undecided"
    assert found["a"].quality_threshold is None


def test_cost_is_measured_tokens_times_price(outcomes_of: MakeOutcomes) -> None:
    found = cells(outcomes_of({"a": right(5, 5)}, tokens={"a": (1000, 500)}))["a"]
    assert found.cost_usd_per_1k == pytest.approx(0.15)
    assert found.cost_basis == "measured"


def test_recorded_cost_comes_before_tokens_times_price() -> None:
    rows = tuple(
        Outcome(
            "t",
            f"s{i}",
            "a",
            score=1.0,
            answered=True,
            usage=Usage(10, 10),
            recorded_cost_usd=0.002,
        )
        for i in range(5)
    )
    cell = cells(Outcomes(rows))["a"]
    assert (cell.cost_usd_per_1k, cell.cost_basis) == (pytest.approx(2.0), "recorded")


def test_list_price_blends_three_input_tokens_to_one_output_token(
    outcomes_of: MakeOutcomes,
) -> None:
    comparison = compare(outcomes_of({"a": right(5, 5)}), {"a": Price(1.0, 5.0)}, QualityRule())
    cell = comparison.tasks[0].cells[0]
    assert (cell.cost_usd_per_1k, cell.cost_basis) == (pytest.approx(2.0), "list_price")


def test_unknown_price_is_no_cost_at_all(outcomes_of: MakeOutcomes) -> None:
    comparison = compare(outcomes_of({"a": right(5, 5)}), {}, QualityRule())
    cell = comparison.tasks[0].cells[0]
    assert (cell.cost_usd_per_1k, cell.cost_basis) == (None, None)
    assert cell.unpriced_reason == "no price is known for it"
    assert not cell.on_frontier


def test_cost_known_for_some_answers_only_is_not_a_mean_of_those() -> None:
    rows = tuple(
        Outcome("t", f"s{i}", "a", score=1.0, answered=True, recorded_cost_usd=0.1 if i else None)
        for i in range(5)
    )
    comparison = compare(Outcomes(rows), {}, QualityRule())
    cell = comparison.tasks[0].cells[0]
    assert cell.cost_usd_per_1k is None
    assert cell.unpriced_reason == "only 4 of 5 answers have a known cost"


def test_reference_defaults_to_the_best_mean_quality_among_the_widely_covered(
    outcomes_of: MakeOutcomes,
) -> None:
    outcomes = outcomes_of({"partial": right(10, 10), "b": right(80, 100), "a": right(70, 100)})
    assert compare(outcomes, {}, QualityRule()).reference == "b"


def test_an_unknown_reference_is_refused_with_a_proposal(outcomes_of: MakeOutcomes) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'gpt-4o'"):
        compare(outcomes_of({"gpt-4o": right(5, 5)}), {}, QualityRule(), reference="gpt-4")


def test_no_outcomes_are_an_input_error() -> None:
    with pytest.raises(InputError, match="no outcomes"):
        compare(Outcomes(()), {}, QualityRule())


def test_a_task_may_have_its_own_bar(outcomes_of: MakeOutcomes) -> None:
    rules = TaskRules(thresholds={"t": QualityThreshold(0.5)})
    assert cells(outcomes_of({"a": right(70, 100)}), task_rules=rules)["a"].verdict == "proven"

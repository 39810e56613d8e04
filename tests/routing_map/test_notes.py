from __future__ import annotations

from llmroute.analysis.compare import compare
from llmroute.records import Comparison, Outcome, Outcomes, Price, QualityRule, Usage
from llmroute.routing_map.notes import write_notes

PRICES = {"a": Price(1, 1), "b": Price(2, 2)}


def comparison_of(
    scores: dict[str, list[float | None]],
    *,
    tasks: tuple[str, ...] = ("t",),
    rule: QualityRule | None = None,
    reference: str | None = "a",
    prices: dict[str, Price] | None = None,
) -> Comparison:
    rows = tuple(
        Outcome(
            task,
            f"s{i}",
            name,
            score=score,
            answered=score is not None,
            reason=None if score is not None else "timed_out",
            usage=Usage(10, 10),
        )
        for task in tasks
        for name, values in scores.items()
        for i, score in enumerate(values)
    )
    rule = rule or QualityRule()
    return compare(Outcomes(rows), PRICES if prices is None else prices, rule, reference=reference)


def test_a_sound_comparison_needs_no_note() -> None:
    assert write_notes(comparison_of({"a": [1.0] * 200, "b": [1.0] * 200})) == ()


def test_few_samples_are_said_once_for_all_tasks_with_the_number_it_takes() -> None:
    notes = write_notes(comparison_of({"a": [1.0] * 20}, tasks=("t", "u")))
    assert len(notes) == 1
    assert "t (20 samples, 94 for a chance of 0.80), u (20 samples" in notes[0]


def test_a_suite_that_the_floor_program_clears_is_called_too_easy() -> None:
    comparison = comparison_of({"a": [1.0] * 200})
    assert "too easy" in write_notes(comparison, {"t": 0.9})[0]
    assert write_notes(comparison, {"t": 0.5}) == ()


def test_a_floor_that_is_a_candidate_is_judged_by_its_cell() -> None:
    prices = {"a": Price(1, 1), "builtin/rules": Price(0, 0)}
    scores: dict[str, list[float | None]] = {"a": [1.0] * 200, "builtin/rules": [1.0] * 200}
    assert "too easy" in write_notes(comparison_of(scores, prices=prices))[0]


def test_missing_scores_are_said_once_a_candidate_in_words() -> None:
    scores: dict[str, list[float | None]] = {"a": [1.0] * 200, "b": [None] * 20 + [1.0] * 180}
    notes = write_notes(comparison_of(scores, tasks=("t", "u")))
    assert len(notes) == 1
    assert notes[0].startswith("b cannot clear for want of scores on t (180 of 200 scored: 20 ")
    assert "timed_out" not in notes[0]


def test_unpriced_candidates_and_unnamed_references_are_said() -> None:
    notes = write_notes(comparison_of({"a": [1.0] * 200}, prices={}, reference=None))
    assert any("No reference was named, so it is a" in note for note in notes)
    assert any("a is not priced, so it is never chosen on t" in note for note in notes)


def test_the_naive_rule_is_labelled() -> None:
    notes = write_notes(comparison_of({"a": [1.0] * 20}, rule=QualityRule(evidence="mean")))
    assert "observed means alone" in notes[0]

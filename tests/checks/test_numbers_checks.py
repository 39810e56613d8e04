from __future__ import annotations

import pytest

from llmroute.checks import build_check, run_checks
from llmroute.records import Plugin, Sample

EGGS = "Ducks lay 16 eggs. She eats three and bakes with four. She sells the rest at $2 each. How"
EGGS += " much in dollars does she make?"
RIGHT = "3 + 4 = 7 eggs.\n16 - 7 = 9 eggs.\n9 * 2 = $18.\n#### 18"


def seen(name: str, output: str, prompt: str = EGGS, **params: object) -> dict[str, float]:
    return dict(build_check(Plugin(name, params)).check(Sample("q1", prompt), output))


def test_a_consistent_answer_has_no_wrong_sum() -> None:
    found = seen("arithmetic", RIGHT)
    assert (found["present"], found["any_wrong"], found["wrong_share"]) == (1.0, 0.0, 0.0)


def test_one_wrong_sum_of_three_is_a_third() -> None:
    found = seen("arithmetic", RIGHT.replace("= 9", "= 8"))
    assert found["any_wrong"] == 1.0
    assert found["wrong_share"] == pytest.approx(1 / 3)
    assert found["last_wrong"] == 0.0


def test_an_answer_without_sums_is_told_apart_from_one_that_is_right() -> None:
    assert set(seen("arithmetic", "Eighteen dollars.").values()) == {0.0}


def test_two_results_of_one_sum_contradict_each_other() -> None:
    assert seen("arithmetic", "9 * 2 = 18. So 9 * 2 = 19.")["contradicts"] == 1.0


def test_a_final_number_is_derived_where_a_sum_gives_it() -> None:
    found = seen("final_number", RIGHT)
    assert (found["derived"], found["last_result"], found["whole"]) == (1.0, 1.0, 1.0)


def test_a_final_number_from_nowhere_is_not_derived() -> None:
    found = seen("final_number", RIGHT.replace("#### 18", "#### 20"))
    assert (found["derived"], found["last_result"], found["said_before"]) == (0.0, 0.0, 0.0)


def test_numbers_of_the_question_in_words_count_as_used() -> None:
    assert seen("final_number", RIGHT)["used_share"] == 1.0
    assert seen("final_number", "16 * 2 = 32\n#### 32")["used_share"] == 0.5


def test_a_fraction_of_things_that_are_counted_is_odd() -> None:
    question = "How many years will it take?"
    assert seen("final_number", "#### 27.5", question)["fraction_of_count"] == 1.0
    assert seen("final_number", "#### 27", question)["fraction_of_count"] == 0.0


def test_a_negative_final_number_is_seen() -> None:
    assert seen("final_number", "#### -4")["negative"] == 1.0


def test_operands_come_from_the_question_an_earlier_result_or_nowhere() -> None:
    found = seen("derivation", "16 - 7 = 9\n9 * 5 = 45")
    assert (found["given"], found["earlier"], found["nowhere"]) == (0.25, 0.25, 0.5)


def test_an_answer_that_breaks_off_in_a_sum_is_broken() -> None:
    assert seen("truncation", "She has 15 + 25 = <<15+2")["broken"] == 1.0
    assert seen("truncation", "So we set up the equation:")["ends_in_colon"] == 1.0
    assert seen("truncation", "```python\nx = 1")["open_fence"] == 1.0
    assert seen("truncation", RIGHT)["broken"] == 0.0


def test_two_different_conclusions_are_seen() -> None:
    text = "The answer is 7. Wait, that is not correct. The answer is 9."
    assert seen("answer", text)["claims_differ"] == 1.0
    assert seen("hedging", text)["corrects"] > 0.4
    assert seen("answer", RIGHT)["claims_differ"] == 0.0


@pytest.mark.parametrize(
    ("output", "mark"),
    [
        ("#### 18", "hashes"),
        ('{"answer": "18"}', "field"),
        ("\\boxed{18}", "boxed"),
        ("The answer is 18.", "says"),
        ("Therefore, she makes 18.", "concludes"),
        ("18", "unmarked"),
    ],
)
def test_how_a_final_answer_is_marked(output: str, mark: str) -> None:
    assert seen("answer", output)[mark] == 1.0


def test_checks_of_a_suite_are_named_by_check_and_feature() -> None:
    checks = {name: build_check(Plugin(name)) for name in ("arithmetic", "refusal")}
    found = run_checks(checks, Sample("q1", EGGS), "2 + 2 = 5")
    assert found["arithmetic.any_wrong"] == 1.0
    assert found["refusal.opens"] == 0.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.checks.equations import MAX_EQUATIONS, equations, numbers


@pytest.mark.parametrize(
    "text",
    [
        "3 + 4 = 7",
        "16 eggs - 3 eggs - 4 eggs = 9 eggs",
        "She makes 9 * $2 = $18 every day.",
        "80,000 + 50,000 = $130,000",
        "2 hours x 60 = 120 minutes",
        "2 centimeters x 5 hours = 10 centimeters",
        "20% of 80 = 16",
        "20% of 80 is 16",
        "half of 80 = 40",
        "(12 / 20) x 100 = 60%",
        "12 / 20 = 60%",
        "5 × 4 − 2 ÷ 2 = 19",
        "3 \\times 4 = 12",
        "\\frac{1}{2} \\cdot 6 = 3",
        "2^3 = 8",
        "-3 + 5 = 2",
        "3 - -5 = 8",
        "10 / 3 = 3.33",
        "10 / 3 ≈ 3.3",
        "3 plus 4 equals 7",
        "200 / 100 \\* 40 = 80",
        "½ * 10 = 5",
        "€3 + €4 = €7",
        "12 (chicken meal) + 5 * 3 (milk) = 27",
        "7 = 3 + 4",
    ],
)
def test_a_sum_that_comes_out_holds(text: str) -> None:
    found = equations(text)
    assert len(found) == 1
    assert found[0].holds


@pytest.mark.parametrize(
    ("text", "computed", "stated"),
    [
        ("3 + 4 = 8", 7, 8),
        ("16 - 3 = 12 eggs", 13, 12),
        ("$<<9*2=19>>19", 18, 19),
        ("20% of 80 is 15", 16, 15),
        ("5 * 5 = 25.5", 25, 25.5),
        ("1,000 - 1 = 99", 999, 99),
    ],
)
def test_a_sum_that_does_not_come_out_is_told_with_both_values(
    text: str, computed: float, stated: float
) -> None:
    found = [one for one in equations(text) if not one.holds]
    assert [(one.computed, one.stated) for one in found] == [(computed, stated)]


def test_rounding_to_the_digits_shown_holds_and_is_marked() -> None:
    exact, rounded = equations("10 / 4 = 2.5 and 10 / 3 = 3.33.")
    assert (exact.holds, exact.rounded) == (True, False)
    assert (rounded.holds, rounded.rounded) == (True, True)


def test_chains_are_checked_link_by_link() -> None:
    found = equations("(2 + 3) * 4 = 5 * 4 = 21")
    assert [(one.computed, one.stated, one.holds) for one in found] == [
        (20, 20, True),
        (20, 21, False),
    ]


def test_a_chain_that_runs_on_holds() -> None:
    assert [one.holds for one in equations("5 + 3 = 8 * 2 = 16")] == [True, True]


def test_an_annotation_and_the_text_around_it_are_one_sum() -> None:
    assert len(equations("16 - 3 = <<16-3=13>>13 eggs")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "x + 3 = 7",
        "2x = 8",
        "the cost of 3 vaccines is 3 * $20",
        "4 times the 3rd floor",
        "1 hour = 60 minutes",
        "a = b",
        "f(3) = 4 + y",
        "",
    ],
)
def test_what_holds_a_variable_or_computes_nothing_is_no_sum(text: str) -> None:
    assert equations(text) == []


def test_operands_and_signs_are_those_of_the_side_that_computes() -> None:
    found = equations("Total = 3 pens * $2 + 1 = $7")
    assert (found[0].operands, found[0].signs) == ((3, 2, 1), "*+")


def test_no_more_sums_are_read_than_the_bound() -> None:
    text = "".join(f"{n} + 1 = {n + 1};\n" for n in range(1000))
    assert len(equations(text)) == MAX_EQUATIONS


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from("+-*"))
def test_a_true_sum_of_whole_numbers_holds_and_one_beside_it_does_not(
    left: int, right: int, sign: str
) -> None:
    result = {"+": left + right, "-": left - right, "*": left * right}[sign]
    assert [one.holds for one in equations(f"{left:,} {sign} {right} = {result}")] == [True]
    assert [one.holds for one in equations(f"{left} {sign} {right:,} = {result + 1}")] == [False]


@given(st.text(max_size=300))
def test_any_text_is_read_to_an_end(text: str) -> None:
    for one in equations(text):
        assert one.computed == one.computed
    assert all(number >= 0 for number in numbers(text))


def test_numbers_are_read_without_separators_and_units() -> None:
    assert numbers("$1,234.50, 3 apples; 20% and .5") == [1234.5, 3.0, 20.0, 0.5]

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import InputError
from llmroute.metrics import Unscorable, build_metric
from llmroute.metrics.numerals import last_number
from llmroute.metrics.numeric import Numeric, final_number
from llmroute.records import Plugin, Sample


def score(target, prediction: str, **params) -> float:
    return Numeric(**params).score(Sample("q1", "", target=target), prediction)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", 1234),
        ("1.234,5", 1234.5),
        ("1,234,567.89", 1234567.89),
        ("1.234.567", 1234567),
        ("1'234.5", 1234.5),
        ("1\u00a0234,5", 1234.5),
        ("1\u202f234", 1234),
        ("1{,}000", 1000),
        ("1,23,456", 123456),
        ("1,5", 1.5),
        ("0,123", 0.123),
        ("12,50 €", 12.5),
        ("1.234", 1.234),
        (".5", 0.5),
        ("18.", 18),
        ("1, 2, 3", 3),
        ("1,2,3", 3),
        ("3/4", 0.75),
        ("1 3/4", 1.75),
        ("2½", 2.5),
        ("¾", 0.75),
        (r"\frac{3}{4}", 0.75),
        (r"-\dfrac{3}{4}", -0.75),
        ("01/02/2024", 2024),
        ("1.2.2024", 2024),
        ("5/0", 0),
        ("-3", -3),
        ("−3", -3),
        ("–3", -3),
        ("-$5", -5),
        ("$-5", -5),
        ("= -5", -5),
        ("10-12", 12),
        ("5 - 3", 3),
        ("x-5", 5),
        ("(3)-5", 5),
        ("1e6", 1e6),
        ("1.2E-3", 0.0012),
        ("1.2 × 10^6", 1.2e6),
        (r"1.2 \times 10^{6}", 1.2e6),
        ("10^5", 1e5),
        ("2^10", 1024),
        ("$1,234.50", 1234.5),
        ("£5", 5),
        ("USD20", 20),
        ("18kg", 18),
        ("about 3 kg of CO2", 3),
        ("2:00 pm", 2),
        ("at 14:30", 14.5),
        ("\uff11\uff12", 12),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    number = last_number(text)
    assert number is not None
    assert number.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["", "none", "CO", "H2O", "NaN", "Infinity", "٣"])
def test_text_without_a_number_has_none(text: str) -> None:
    assert last_number(text) is None


def test_a_set_decimal_sign_settles_what_one_comma_means() -> None:
    assert last_number("1,234", ",").value == 1.234
    assert last_number("1.234", ",").value == 1234
    assert last_number("1,234", ".").value == 1234
    assert last_number("1,5", ".").value == 5


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_every_integer_is_read_back_with_and_without_separators(number: int) -> None:
    assert last_number(f"It is {number}.").value == number
    assert last_number(f"It is {number:,}.").value == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_back(number: float) -> None:
    assert last_number(f"= {number!r}").value == number


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    number = last_number(text)
    assert number is None or isinstance(number.value, float)


def test_the_last_number_counts() -> None:
    assert score(4, "3 + 1 makes 4") == 1.0
    assert score(3, "3 + 1 makes 4") == 0.0


def test_a_number_after_hashes_goes_before_the_last_one() -> None:
    assert score(15, "#### 15\n\n(Note: I checked it 2 times.)") == 1.0


def test_a_heading_is_no_final_answer() -> None:
    assert score(8, "#### Step by step\n5 + 3 = 8") == 1.0


def test_a_boxed_number_goes_before_the_last_one() -> None:
    assert score(7, r"\boxed{7} in 3 steps") == 1.0


def test_the_answer_field_of_json_goes_before_all() -> None:
    assert score(42, '{"reasoning": "6*7", "answer": "42"}\nI needed 2 steps.') == 1.0
    assert score(42, '{"answer": 42, "steps": 3}') == 1.0


def test_percent_equals_its_share_and_its_number() -> None:
    assert score("45%", "0.45") == 1.0
    assert score(0.45, "45 %") == 1.0
    assert score(45, "45 percent") == 1.0
    assert score("45%", "45%") == 1.0
    assert score("45%", "0.45%") == 0.0


def test_tolerances_are_absolute_or_relative_to_the_target() -> None:
    assert score(100, "101") == 0.0
    assert score(100, "101", abs_tolerance=1) == 1.0
    assert score(100, "101", rel_tolerance=0.01) == 1.0
    assert score(100, "101.1", rel_tolerance=0.01) == 0.0
    assert score(1 / 3, "1/3") == 1.0


def test_a_list_target_is_a_list_of_alternatives() -> None:
    assert score([3, "7"], "7") == 1.0
    assert score([3, "7"], "5") == 0.0


def test_numbers_beyond_floats_are_compared_digit_by_digit() -> None:
    assert score("9" * 10_000, "9" * 10_000) == 1.0
    assert score("9" * 10_000, "9" * 9_999 + "8") == 0.0
    assert score("9" * 10_000, "1e999") == 0.0


def test_a_target_without_a_number_is_unscorable_and_noticed_before() -> None:
    sample = Sample("q1", "", target="many")
    assert Numeric().lacks(sample) == "no number in its target"
    with pytest.raises(Unscorable, match="no number"):
        Numeric().score(sample, "3")


def test_no_number_in_the_prediction_is_wrong_not_unscored() -> None:
    assert score(3, "I don't know") == 0.0


def test_final_number_of_nothing_is_none() -> None:
    assert final_number("") is None


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(InputError, match="must be 0 or more"):
        build_metric(Plugin("numeric", {"abs_tolerance": -1}))

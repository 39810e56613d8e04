from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.metrics.expression import same_value, values_of
from llmroute.metrics.math import Math, equivalent, final_answer
from llmroute.records import Sample


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\frac{1}{2}", "0.5"),
        (r"\dfrac12", r"\frac{1}{2}"),
        (r"-\frac{1}{2}", "-1/2"),
        (r"\frac{\sqrt{3}}{2}", r"\sqrt{3}/2"),
        (r"2\frac{3}{4}", "2.75"),
        (r"2\sqrt{3}", r"\sqrt{12}"),
        (r"\sqrt2", "√2"),
        (r"\sqrt[3]{8}", "2"),
        ("x = 5", "5"),
        (r"f(x) = 2x", "2x"),
        (r"x \in [1, 2]", "[1,2]"),
        ("y=2x+3", "y = 3+2x"),
        ("4x - y = 3", "y = 4x-3"),
        ("2x+3", "3+2x"),
        ("2(x+1)", "2x+2"),
        ("x^2", "x^{2}"),
        ("x^{10}", "x^10"),
        (r"90^\circ", "90"),
        (r"90^{\circ}", "90 degrees"),
        (r"5\text{ cm}", "5"),
        (r"5 \mathrm{cm}^2", "5"),
        ("15 miles per hour", "15"),
        (r"\$15", "15"),
        (r"50\%", "50"),
        ("12,000", "12000"),
        ("12{,}000", "12000"),
        (r"12\,000", "12000"),
        (r"\{1, 2\}", r"\{2, 1\}"),
        ("1, 2", "2 and 1"),
        (r"\left[0,\frac{1}{2}\right)", "[0, 0.5)"),
        (r"(-\infty,2]\cup[3,\infty)", r"(-\infty, 2] \cup [3, \infty)"),
        (r"3\pm\sqrt{2}", r"3+\sqrt2, 3-\sqrt2"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        (r"\text{Monday}", "monday"),
        (r"\text{(B)}", "B"),
        ("3+4i", "4i + 3"),
        ("5!", "120"),
        ("10^{-3}", "0.001"),
        (r"2\pi", "2π"),
        (r"\pi r^2", "πr²"),
        ("221_3", "221_{3}"),
        ("221", "221_3"),
        ("0", "0.0"),
    ],
)
def test_the_same_answer_typeset_otherwise_is_equal(one: str, other: str) -> None:
    assert equivalent(one, other)
    assert equivalent(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "2"),
        ("a", "b"),
        ("x", "y"),
        ("(1,2)", "(2,1)"),
        ("[0,1)", "(0,1)"),
        (r"6\sqrt{2}", "6"),
        ("12-10d", "12"),
        ("2, -1", "2"),
        ("0.333", r"\frac{1}{3}"),
        ("x=5", "y=6"),
        ("on", "no"),
        ("listen", "silent"),
        ("221_3", "221_4"),
        ("9^9^9^9", "1"),
        ("1/0", "1"),
        ("", ""),
    ],
)
def test_different_answers_are_not_equal(one: str, other: str) -> None:
    assert not equivalent(one, other)
    assert not equivalent(other, one)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"first \boxed{1}, then \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\fbox{7}", "7"),
        (r"\boxed 7", "7"),
        ("so it is.\n#### 7", "7"),
        ("The final answer is: $7$", "$7$"),
        ("**Answer**: 7", "7"),
        ("The sum of the two numbers is $7$.", "7"),
        ("The sum of the two numbers is 7.", "7"),
        ("x + 1", "x + 1"),
        ('{"reasoning": "\\boxed{3}", "answer": "4"}', "4"),
        ("We add.\nHence it is $3$ and then $x = 7$ holds.", "x = 7"),
    ],
)
def test_the_final_answer_is_found(text: str, answer: str) -> None:
    assert final_answer(text) == answer


def test_a_long_answer_without_a_result_has_none() -> None:
    assert final_answer("and so on\n" * 100) is None


def test_an_unclosed_box_is_no_answer() -> None:
    sample = Sample("q1", "", target="4")
    assert Math().score(sample, r"\boxed{4") == 0.0


def test_latex_that_json_escapes_ate_is_restored() -> None:
    sample = Sample("q1", "", target=r"\frac{1}{2}")
    assert Math().score(sample, "\x0crac{1}{2}") == 1.0
    assert Math().score(sample, "\x08oxed{\x0crac{1}{2}}") == 1.0


def test_a_list_target_is_a_list_of_alternatives() -> None:
    sample = Sample("q1", "", target=["3", r"\frac{1}{2}"])
    assert Math().score(sample, "0.5") == 1.0


def test_nothing_is_executed() -> None:
    assert values_of("__import__('os').system('true')") is None
    assert not same_value("exit()", "exit()")


@given(st.integers(-999, 999), st.integers(1, 999))
def test_a_fraction_equals_its_quotient(top: int, bottom: int) -> None:
    assert equivalent(rf"\frac{{{top}}}{{{bottom}}}", repr(top / bottom)) or (
        abs(top / bottom) < 1e-4  # Python writes these with an exponent
    )


@given(st.text(alphabet=r"\{}[]()^_$%&+-*/=,.0123456789xyfracsqrtbode ", max_size=60))
def test_any_expression_is_compared_without_a_fault(text: str) -> None:
    assert equivalent(text, text) in (True, False)
    assert Math().score(Sample("q1", "", target="1"), text) in (0.0, 1.0)

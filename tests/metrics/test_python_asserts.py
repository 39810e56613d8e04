from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import pytest

from llmroute.metrics.python_asserts import Check, read_tests
from llmroute.metrics.python_expected import Close, Compares, Raises
from llmroute.sandbox.python import Said
from llmroute.sandbox.values import Other

DIFFERENT = ["assert g(1) == 'one'", "assert g(2) == 'two'"]
"""So that no constant passes."""


def read(text: str) -> tuple[Check, ...]:
    return read_tests([text, *DIFFERENT])[0]


@pytest.mark.parametrize(
    ("text", "expression", "expected"),
    [
        ("assert f(1) == [2, (3,)]", "f(1)", Compares("==", [2, (3,)])),
        ("assert {'a': 1} == f(1)", "f(1)", Compares("==", {"a": 1})),
        ("assert f(1) != -2.5", "f(1)", Compares("!=", -2.5)),
        ("assert f(1) < 3", "f(1)", Compares("<", 3)),
        ("assert 3 < f(1)", "f(1)", Compares(">", 3)),
        ("assert 3 >= f(1)", "f(1)", Compares("<=", 3)),
        ("assert f(1) in (1, 2)", "f(1)", Compares("in", (1, 2))),
        ("assert f(1) not in [1]", "f(1)", Compares("not in", [1])),
        ("assert 'x' in f(1)", "f(1)", Compares("contains", "x")),
        ("assert f(1) is None", "f(1)", Compares("is", None)),
        ("assert f(1) is not None", "f(1)", Compares("is not", None)),
        ("assert f(1)", "bool(f(1))", Compares("==", True)),
        ("assert not f(1)", "bool(f(1))", Compares("==", False)),
        ("assert f(1) == set()", "f(1)", Compares("==", set())),
        ("assert f(1) == math.inf", "f(1)", Compares("==", math.inf)),
        ("assert f(1) == [Decimal('1.5')]", "f(1)", Compares("==", [Decimal("1.5")])),
        ("assert f(1) == datetime.date(2024, 2, 29)", "f(1)", Compares("==", date(2024, 2, 29))),
        ("assert abs(f(1) - 2.5) < 0.01", "f(1)", Close(2.5, 0.0, 0.01)),
        ("assert 0.01 >= abs(2.5 - f(1))", "f(1)", Compares("<=", 0.01)),
        ("assert isclose(f(1), 2.5)", "f(1)", Close(2.5, 1e-6, 1e-12)),
        ("assert math.isclose(2, f(1), rel_tol=0.1)", "f(1)", Close(2, 0.1, 1e-12)),
        ("assert f(1) == pytest.approx([1, 2], abs=1e-3)", "f(1)", Close([1, 2], 1e-6, 1e-3)),
        ("with raises(ValueError): f(1)", "None", Raises(("ValueError",))),
        ("with pytest.raises((KeyError, OSError)): f(1)", "None", Raises(("KeyError", "OSError"))),
    ],
)
def test_an_assert_is_an_expression_and_what_it_must_give(
    text: str, expression: str, expected: object
) -> None:
    (check,) = read(text)
    if text.startswith("assert 0.01 >= abs"):
        expression, expected = "f(1)", Close(2.5, 0.0, 0.01)
    assert (check.expression, check.expected) == (expression, expected)


def test_what_is_expected_never_goes_where_the_code_is() -> None:
    secret = "Zq7_expected"
    tests = read_tests(
        [f"x = f(1)\nassert x == {secret!r}", f"assert f(2) in ['{secret}']", *DIFFERENT]
    )
    assert secret not in "".join(c.statements + c.expression for test in tests for c in test)


def test_statements_stand_before_the_check_that_follows_them() -> None:
    checks = read("s = S()\ns.push(1)\nassert s.pop() == 1\ns.push(2)\nwith raises(E):\n    s.go()")
    assert [(check.statements, check.expression) for check in checks] == [
        ("s = S()\ns.push(1)", "s.pop()"),
        ("s.push(2)\ns.go()", "None"),
    ]


def test_and_makes_two_checks() -> None:
    assert [check.expression for check in read("assert f(1) == 2 and f(2) == 3")] == [
        "f(1)",
        "f(2)",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("assert f(1) == g(1)", "one side must be written out"),
        ("assert f(1) == [x]", "one side must be written out"),
        ("assert isclose(f(1), g(1))", "one side must be written out"),
        ("assert 1 not in f(1)", "one side must be written out"),
        ("assert 1 < f(1) < 3", "a chain of comparisons"),
        ("for x in (1, 2):\n    assert f(x) == x", "an assert inside a loop"),
        ("def check():\n    assert f(1) == 1\ncheck()", "an assert inside a loop"),
        ("with raises(ValueError):\n    assert f(1) == 1", "an assert inside a loop"),
        ("assert f(1) is 3", "use =="),
        ("f(1)", "no assert"),
        ("assert f(1) == 1\nf(2)", "its last statement is no assert"),
        ("assert f(", "not Python"),
        ("(" * 5000, "not Python"),
        ("assert f(1) == approx(1, 2)", "are known"),
        ("assert f(1) == approx(1, nan_ok=True)", "are known"),
        (7, "not Python"),
    ],
)
def test_what_cannot_be_split_is_refused_with_the_reason(text: object, why: str) -> None:
    with pytest.raises(ValueError, match=f"^test 1: .*{why}"):
        read_tests([text, *DIFFERENT])


@pytest.mark.parametrize("written", [None, "assert f(1) == 1", [], {}, ["assert f(1) == 1"] * 201])
def test_tests_are_a_list_of_texts(written: object) -> None:
    with pytest.raises(ValueError, match=r"a list of texts|more than 200"):
        read_tests(written)


@pytest.mark.parametrize(
    ("texts", "constant"),
    [
        (["assert f(1)", "assert f(2) is True"], "True to every call"),
        (["assert f(1) == 'a'", "assert f(2) == 'a'"], "'a' to every call"),
        (["assert f(1) in (1, 2)", "assert f(2) in (2, 3)"], "2 to every call"),
        (["with raises(ValueError): f(1)", "with raises(ValueError): f(2)"], "raising ValueError"),
        (["assert f(1) == 5"], "5 to every call"),
    ],
)
def test_tests_that_a_constant_passes_are_refused(texts: list[str], constant: str) -> None:
    with pytest.raises(ValueError, match=constant):
        read_tests(texts)


@pytest.mark.parametrize(
    ("expected", "right", "wrong"),
    [
        (Compares("==", [1, 2]), [1.0, 2], (1, 2)),
        (Compares("==", {"a": {1}}), {"a": {1}}, {"a": [1]}),
        (Compares("<", 3), 2, "2"),
        (Compares("<=", 3), 3, None),
        (Compares("contains", "x"), "axb", 5),
        (Compares("in", (1, 2)), 1, [1]),
        (Compares("is", None), None, 0),
        (Compares("is not", None), Other("Match"), None),
        (Compares("!=", 1), 2, Other("Always")),
        (Compares("not in", [1]), 2, Other("Always")),
        (Close(2.0, 0.0, 0.1), 2.05, 2.2),
        (Close([1.0, 2.0], 0.0, 0.1), [1.05, 2], [1.05]),
        (Close((1.0,), 0.0, 0.1), (1,), [1]),
        (Close(2.0, 0.0, 0.1), 2, "2.0"),
        (Close(2.0, 0.0, 0.1), 2, 10**400),
    ],
)
def test_expectations_are_met_by_what_they_say(
    expected: Compares | Close, right: object, wrong: object
) -> None:
    assert expected.met_by(Said(right))
    assert not expected.met_by(Said(wrong))
    assert not expected.met_by(Said(right, raised=("ValueError", "Exception")))


def test_an_error_is_met_by_itself_and_what_derives_from_it() -> None:
    assert Raises(("LookupError",)).met_by(Said(raised=("KeyError", "LookupError", "Exception")))
    assert not Raises(("KeyError",)).met_by(Said(raised=("LookupError", "Exception")))
    assert not Raises(("KeyError",)).met_by(Said("KeyError"))

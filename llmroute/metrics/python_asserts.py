"""A sample's tests, as Python asserts → what to evaluate, and what that must give.

`assert f(2) == [1, 4]` is two things: an expression, which is evaluated beside the code under test,
and a value, which never goes there. What cannot be split that way cannot be tested without trusting
the code, and is refused when the suite is loaded.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NoReturn

from llmroute.checks.code import parsed
from llmroute.metrics.python_expected import Close, Compares, Expected, Raises, refuse_constant

MAX_TESTS = 200


@dataclass(frozen=True, slots=True)
class Check:
    """One assert."""

    statements: str
    """What its test says before it, since the last check."""
    expression: str
    expected: Expected


Test = tuple[Check, ...]
"""The checks of one test, which share their names; all must hold."""


def read_tests(written: Any) -> tuple[Test, ...]:
    """The tests of a sample's field: a list of texts, each with one or more asserts.

    Allowed are `assert EXPRESSION == VALUE`, the other comparisons, `in`, `is None`, a bare or
    negated expression, `and`, closeness (`abs(EXPRESSION - VALUE) < 1e-6`, `isclose`, `approx`),
    and `with raises(ERROR): …`. A value is a literal; set(), Decimal, Fraction, date and their like
    may be called on literals.

    Raises:
        ValueError: there are none, or one is not of this form; the message says which and why.

    >>> tests = read_tests(["x = [3, 1]\\nassert f(x) == [1, 3]", "assert f([]) == []"])
    >>> tests[0]
    (Check(statements='x = [3, 1]', expression='f(x)', expected=Compares(sign='==', value=[1, 3])),)
    """
    if not isinstance(written, Sequence) or isinstance(written, str) or not written:
        raise ValueError("a list of texts is wanted, each with an assert")
    if len(written) > MAX_TESTS:
        raise ValueError(f"more than {MAX_TESTS} tests")
    tests = []
    for number, text in enumerate(written, start=1):
        try:
            tests.append(_read_test(text))
        except ValueError as error:
            raise ValueError(f"test {number}: {error}") from error
    refuse_constant([check.expected for test in tests for check in test])
    return tuple(tests)


def _read_test(text: Any) -> Test:
    tree = parsed(text) if isinstance(text, str) else None
    if tree is None:
        raise ValueError("not Python that can be parsed")
    checks: list[Check] = []
    pending: list[ast.stmt] = []
    for statement in tree.body:
        prepares, found = _read_statement(statement)
        pending += prepares
        for expression, expected in found:
            checks.append(Check(_unparsed(pending), expression, expected))
            pending = []
    if not checks:
        raise ValueError("no assert")
    if pending:
        raise ValueError("its last statement is no assert")
    return tuple(checks)


def _read_statement(
    statement: ast.stmt,
) -> tuple[Sequence[ast.stmt], Sequence[tuple[str, Expected]]]:
    """What a statement prepares, and (expression, expected) of each check it makes then."""
    if isinstance(statement, ast.Assert):
        return (), tuple(_split(statement.test))
    names = _raised_names(statement) if isinstance(statement, ast.With) else ()
    prepares = statement.body if isinstance(statement, ast.With) and names else [statement]
    if any(isinstance(node, ast.Assert) for one in prepares for node in ast.walk(one)):
        raise ValueError("an assert inside a loop, branch or function: write each one out")
    return prepares, [("None", Raises(names))] if names else ()


def _unparsed(statements: Sequence[ast.stmt]) -> str:
    return "\n".join(ast.unparse(statement) for statement in statements)


# -- assert → expression and expected -------------------------------------------------------------

_SIGN_OF: Mapping[type[ast.cmpop], str] = MappingProxyType(
    {
        ast.Eq: "==",
        ast.NotEq: "!=",
        ast.Lt: "<",
        ast.LtE: "<=",
        ast.Gt: ">",
        ast.GtE: ">=",
        ast.Is: "is",
        ast.IsNot: "is not",
        ast.In: "in",
        ast.NotIn: "not in",
    }
)
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "in": "contains"}


def _split(test: ast.expr) -> Iterator[tuple[str, Expected]]:
    """(expression, expected) of what is asserted."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for value in test.values:
            yield from _split(value)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield f"bool({ast.unparse(test.operand)})", Compares("==", False)
    elif isinstance(test, ast.Compare):
        yield _split_comparison(test)
    elif isinstance(test, ast.Call) and _last_name(test.func) == "isclose":
        yield _split_isclose(test)
    else:
        yield f"bool({ast.unparse(test)})", Compares("==", True)


def _split_comparison(test: ast.Compare) -> tuple[str, Expected]:
    if len(test.ops) != 1:
        raise ValueError("a chain of comparisons: write each one out")
    left, sign, right = test.left, _SIGN_OF[type(test.ops[0])], test.comparators[0]
    if _is_literal(left) and not _is_literal(right):
        if sign == "not in" or sign.startswith("is"):
            _refuse(test)
        left, sign, right = right, _MIRRORED.get(sign, sign), left
    if sign == "==" and isinstance(right, ast.Call) and _last_name(right.func) == "approx":
        return ast.unparse(left), _approx(right, "rel", "abs", right.args)
    if not _is_literal(right):
        _refuse(test)
    value = _literal(right)
    if sign in ("<", "<=") and (distance := _distance(left)):
        expression, centre = distance
        return ast.unparse(expression), Close(_literal(centre), 0.0, float(value))
    if sign.startswith("is") and not (value is None or isinstance(value, bool)):
        raise ValueError("'is' compares with None, True and False; use == for other values")
    return ast.unparse(left), Compares(sign, value)


def _refuse(test: ast.expr) -> NoReturn:
    raise ValueError(
        f"`{ast.unparse(test):.60}` compares with no literal value: the comparison is made where "
        "the code cannot reach it, so one side must be written out"
    )


def _split_isclose(test: ast.Call) -> tuple[str, Expected]:
    if len(test.args) != 2:
        raise ValueError("isclose takes an expression and a value")
    one, other = test.args
    if _is_literal(one):
        one, other = other, one
    if not _is_literal(other):
        _refuse(test)
    return ast.unparse(one), _approx(test, "rel_tol", "abs_tol", [other])


def _approx(call: ast.Call, rel: str, absolute: str, values: Sequence[ast.expr]) -> Close:
    """The defaults are pytest's: 1e-6 of the value, or 1e-12."""
    tolerances = {str(word.arg): float(_literal(word.value)) for word in call.keywords}
    if len(values) != 1 or not tolerances.keys() <= {rel, absolute}:
        raise ValueError(f"{ast.unparse(call):.60}: a value, {rel}= and {absolute}= are known")
    return Close(_literal(values[0]), tolerances.get(rel, 1e-6), tolerances.get(absolute, 1e-12))


def _distance(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """(expression, value) of `abs(expression - value)`."""
    if not (isinstance(node, ast.Call) and _last_name(node.func) == "abs" and len(node.args) == 1):
        return None
    inner = node.args[0]
    if not (isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub)):
        return None
    if _is_literal(inner.right):
        return inner.left, inner.right
    return (inner.right, inner.left) if _is_literal(inner.left) else None


def _raised_names(statement: ast.With) -> tuple[str, ...]:
    """The exceptions of `with raises(…):`, of pytest's and unittest's too; () of any other."""
    call = statement.items[0].context_expr
    if len(statement.items) != 1 or not isinstance(call, ast.Call):
        return ()
    if _last_name(call.func) not in ("raises", "assertRaises") or not call.args:
        return ()
    kinds = call.args[0].elts if isinstance(call.args[0], ast.Tuple) else call.args[:1]
    return tuple(_last_name(kind) for kind in kinds)


# -- values ---------------------------------------------------------------------------------------

_CALLS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "Decimal": Decimal,
        "Fraction": Fraction,
        "complex": complex,
        "date": date,
        "datetime": datetime,
        "float": float,
        "frozenset": frozenset,
        "set": set,
        "time": time,
    }
)
_CONSTANTS = {"inf": math.inf}


def _is_literal(node: ast.expr) -> bool:
    try:
        _literal(node)
    except ValueError:
        return False
    return True


def _literal(node: ast.expr) -> Any:
    """The value an expression writes out.

    Raises:
        ValueError: it would have to be computed.
    """
    try:
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
            return kind([_literal(item) for item in node.elts])
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            return {_literal(_given(key)): _literal(value) for key, value in pairs}
        if isinstance(node, ast.Call) and not node.keywords and _last_name(node.func) in _CALLS:
            return _CALLS[_last_name(node.func)](*map(_literal, node.args))
        if isinstance(node, ast.Attribute) and node.attr in _CONSTANTS:
            return _CONSTANTS[node.attr]
        return ast.literal_eval(node)
    except (TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ValueError(f"{ast.unparse(node):.60} is no value") from error


def _given(key: ast.expr | None) -> ast.expr:
    if key is None:
        raise ValueError("** in a mapping is not written out")
    return key


def _last_name(node: ast.expr) -> str:
    """`raises` of `raises` and of `pytest.raises`; "" of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""

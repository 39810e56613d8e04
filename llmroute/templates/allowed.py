"""Syntax tree → nothing, or what in it is not allowed."""

from __future__ import annotations

import math

from jinja2 import Environment, nodes

from llmroute.errors import did_you_mean
from llmroute.templates.filters import FILTERS, TemplateRefusedError

MAX_TREE_DEPTH = 40
MAX_TOKENS = 2_000
"""Words and signs inside the braces, of the whole template."""
MAX_FILTERS_IN_A_ROW = 10
MAX_COMPARISONS_IN_A_ROW = 10
MAX_NUMBER = 10_000
"""In a filter's brackets; a larger one is a trap, not a width."""

_TESTS = ("defined", "none", "undefined")
_ALLOWED = (
    nodes.And,
    nodes.Compare,
    nodes.CondExpr,
    nodes.Const,
    nodes.Getitem,
    nodes.List,
    nodes.Not,
    nodes.Operand,
    nodes.Or,
    nodes.Output,
    nodes.Pair,
    nodes.Template,
    nodes.TemplateData,
    nodes.Tuple,
)


def check_size(environment: Environment, text: str) -> None:
    """Nothing, where the template is short enough to be parsed and compiled quickly.

    Raises:
        TemplateRefusedError: there is too much between its braces.
    """
    n_tokens = 0
    for line, kind, _ in environment.lex(text):
        n_tokens += kind not in ("data", "whitespace", "comment")
        if n_tokens > MAX_TOKENS:
            what = f"holds more than {MAX_TOKENS:,} words and signs between its braces"
            raise TemplateRefusedError(what, "Put the text into the samples' fields.", line)


def check_tree(node: nodes.Node, depth: int = 0) -> None:
    """Nothing, where the node and all below it are allowed.

    Raises:
        TemplateRefusedError: something is not; with its line in the template.
    """
    if depth > MAX_TREE_DEPTH:
        raise TemplateRefusedError("is nested too deeply", "Simplify it.", node.lineno)
    match node:
        case nodes.Name(name=name):
            _check_name(name, node)
        case nodes.Getattr(attr=name):
            _check_name(name, node)
        case nodes.Getitem(arg=nodes.Slice()):
            raise TemplateRefusedError("slices are not allowed", _ALLOWED_FIX, node.lineno)
        case nodes.Getitem(arg=nodes.Const(value=str() as name)):
            _check_name(name, node)
        case nodes.Filter(name=name):
            _check_filter(node, name)
        case nodes.Const(value=float() as number) if not math.isfinite(number):
            raise TemplateRefusedError("the number is too large", "Shorten it.", node.lineno)
        case nodes.Compare(ops=ops) if len(ops) > MAX_COMPARISONS_IN_A_ROW:
            what = f"has more than {MAX_COMPARISONS_IN_A_ROW} comparisons in a row"
            raise TemplateRefusedError(what, "Use fewer.", node.lineno)
        case nodes.Test(name=name):
            if name not in _TESTS:
                fix = did_you_mean(name, _TESTS, kind="test")
                raise TemplateRefusedError(f"the test 'is {name}' is not allowed", fix, node.lineno)
        case nodes.For():
            _check_loop(node)
        case nodes.If() | nodes.Keyword():
            pass
        case _ if not isinstance(node, _ALLOWED):
            what = f"{_noun(node)} is not allowed"
            raise TemplateRefusedError(what, _ALLOWED_FIX, node.lineno)
    for child in node.iter_child_nodes():
        check_tree(child, depth + 1)


_ALLOWED_FIX = (
    "A template may fill in values ({{ name }}, {{ name.key }}), use if and for, compare, and use "
    f"the filters {', '.join(FILTERS)}."
)
_NOUNS = {
    "Call": "a call",
    "Concat": "joining with ~",
    "Dict": "a mapping",
    "Import": "import",
    "FromImport": "import",
    "Include": "include",
    "Extends": "extends",
    "Macro": "a macro",
    "CallBlock": "a call block",
    "FilterBlock": "a filter block",
    "Assign": "set",
    "AssignBlock": "set",
    "Block": "a block",
}


def _noun(node: nodes.Node) -> str:
    name = type(node).__name__
    return (
        "arithmetic"
        if isinstance(node, (nodes.BinExpr, nodes.UnaryExpr)) and not isinstance(node, nodes.Concat)
        else _NOUNS.get(name, f"'{name.lower()}'")
    )


def _check_name(name: str, node: nodes.Node) -> None:
    if name.startswith("_"):
        fix = "Rename the field: names that start with _ are not for templates."
        raise TemplateRefusedError(f"the name {name[:60]!r} is not allowed", fix, node.lineno)


def _check_filter(node: nodes.Filter, name: str) -> None:
    if name not in FILTERS:
        fix = did_you_mean(name, FILTERS, kind="filter")
        raise TemplateRefusedError(f"the filter {name[:60]!r} is not allowed", fix, node.lineno)
    if node.node is None:
        raise TemplateRefusedError("a filter block is not allowed", _ALLOWED_FIX, node.lineno)
    for argument in (*node.args, *(pair.value for pair in node.kwargs)):
        if _number(argument) > MAX_NUMBER:
            what = f"a number in {name}(…) is larger than {MAX_NUMBER:,}"
            raise TemplateRefusedError(what, "Write a smaller one.", node.lineno)
    row: nodes.Node | None = node
    for _ in range(MAX_FILTERS_IN_A_ROW):
        row = row.node if isinstance(row, nodes.Filter) else None
    if row is not None:
        what = f"has more than {MAX_FILTERS_IN_A_ROW} filters in a row"
        raise TemplateRefusedError(what, "Use fewer.", node.lineno)


def _number(node: nodes.Node) -> float:
    value = node.value if isinstance(node, nodes.Const) else None
    return value if isinstance(value, (int, float)) else 0.0


def _check_loop(node: nodes.For) -> None:
    if node.recursive or node.test is not None or node.else_:
        what = "a loop with 'recursive', 'if' or 'else' is not allowed"
        raise TemplateRefusedError(what, "Put an {% if %} inside or around it.", node.lineno)
    if not isinstance(node.iter, (nodes.Name, nodes.Getattr, nodes.Getitem)):
        fix = "Put the list into a field and loop over its name."
        raise TemplateRefusedError("a loop may only run over a variable", fix, node.lineno)

"""Whether an answer that should be a Python literal is one, of the type the code returns."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed
from llmroute.checks.asked import prompt_text, question_of
from llmroute.checks.code import parsed
from llmroute.checks.final_text import final_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_FUNCTION = re.compile(r"^def \w+\(.*?(?=^\S*assert\b|\Z|^```|^\[/)", re.DOTALL | re.MULTILINE)
_CALL = re.compile(r"\bassert\s+\w+\((.{0,4000}?)\)\s*==", re.DOTALL)
_TEXTS = frozenset(
    {
        "join", "replace", "upper", "lower", "strip", "lstrip", "rstrip", "title", "capitalize",
        "swapcase", "format", "ljust", "rjust", "center", "zfill", "removeprefix", "removesuffix",
        "casefold", "expandtabs", "translate",
    }
)  # fmt: skip
_LISTS = frozenset({"split", "rsplit", "splitlines", "sorted", "list"})
_BOOLS = frozenset(
    {
        "startswith", "endswith", "isdigit", "isalpha", "isupper", "islower", "isspace", "isalnum",
        "any", "all",
    }
)  # fmt: skip
_NUMBERS = frozenset(
    {"len", "sum", "count", "index", "find", "rfind", "int", "ord", "abs", "rindex"}
)


@dataclass(frozen=True, slots=True)
class Literal:
    """Where a prompt shows a Python function: is the answer a literal of the type it returns?

    In [0, 1]; nothing is executed. `mismatch`: the type is known and another; `invalid`: it is no
    literal; the rest says how large and how twisted the code and its input are. Without a function
    in the prompt all features are 0.
    """

    features: ClassVar[tuple[str, ...]] = (
        "asked", "invalid", "mismatch", "known_type", "text", "number", "truth", "sequence",
        "mapping", "is_input", "from_input", "length", "code_size", "loops", "branches",
        "input_size", "calls", "said_before", "spaces", "length_change", "mutates",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ("invalid", "mismatch")

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        question = question_of(prompt_text(sample))[:8000]
        shape = _shape_of(question)
        if shape is None:
            return dict.fromkeys(self.features, 0.0)
        final = final_of(output)
        text = final.text[:4000]
        kind = _kind_of(text)
        bare = text.strip("'\"")
        inputs = shape.inputs
        values = (
            1.0, float(kind is None),
            float(kind is not None and shape.returns is not None and kind != shape.returns),
            float(shape.returns is not None),
            *(float(kind == name) for name in ("text", "number", "truth", "sequence", "mapping")),
            float(bool(bare) and bare in (inputs, inputs.strip("'\""))),
            _share_from(bare, inputs), squashed(len(bare), 20), squashed(shape.size, 60),
            squashed(shape.loops, 1), squashed(shape.branches, 1), squashed(len(inputs), 30),
            squashed(shape.calls, 3), float(bool(bare) and bare in output[: final.start]),
            squashed(bare.count(" "), 3),
            abs(len(bare) - len(inputs)) / (len(bare) + len(inputs) + 1),
            float(shape.mutates),
        )  # fmt: skip
        return dict(zip(self.features, values, strict=True))


@dataclass(frozen=True, slots=True)
class _Shape:
    returns: str | None
    size: int
    loops: int
    branches: int
    calls: int
    mutates: bool
    inputs: str


@lru_cache(maxsize=256)
def _shape_of(question: str) -> _Shape | None:
    match = _FUNCTION.search(question)
    tree = None if match is None else parsed(match[0])
    if tree is None:
        return None
    nodes = list(ast.walk(tree))
    kinds = {_type_of(node.value) for node in nodes if isinstance(node, ast.Return)}
    call = _CALL.search(question)
    methods = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return _Shape(
        returns=kinds.pop() if len(kinds) == 1 else None,
        size=len(nodes),
        loops=sum(isinstance(node, (ast.For, ast.While, ast.comprehension)) for node in nodes),
        branches=sum(isinstance(node, (ast.If, ast.IfExp)) for node in nodes),
        calls=sum(isinstance(node, ast.Call) for node in nodes),
        mutates=bool(methods & {"pop", "remove", "insert", "update", "append", "sort", "reverse"}),
        inputs=call[1].strip() if call else "",
    )


def _type_of(node: ast.expr | None) -> str | None:
    """The kind of value an expression returns, where its outermost node tells."""
    match node:
        case ast.Constant():
            return _kind_of_value(node.value)
        case ast.JoinedStr():
            return "text"
        case ast.List() | ast.ListComp() | ast.Tuple() | ast.Set() | ast.SetComp():
            return "sequence"
        case ast.Dict() | ast.DictComp():
            return "mapping"
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return "truth"
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return _returned_by(name)
    return None


def _returned_by(name: str) -> str | None:
    if name in _TEXTS or name == "str":
        return "text"
    if name in _LISTS or name in ("tuple", "set"):
        return "sequence"
    if name in _BOOLS or name == "bool":
        return "truth"
    if name == "dict":
        return "mapping"
    return "number" if name in _NUMBERS else None


def _kind_of(text: str) -> str | None:
    """The kind of literal a text is; a bare word is none."""
    tree = parsed(text.strip())
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    node = tree.body[0].value
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if isinstance(node, ast.Constant):
        return _kind_of_value(node.value)
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return "sequence"
    return "mapping" if isinstance(node, ast.Dict) else None


def _kind_of_value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "truth"
    return "number" if isinstance(value, (int, float, complex)) else "text"


def _share_from(text: str, inputs: str) -> float:
    """Share of the answer's characters that stand in the input."""
    known = set(inputs)
    return sum(character in known for character in text) / len(text) if text else 0.0

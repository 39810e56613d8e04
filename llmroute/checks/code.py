"""Whether the code of an answer parses; none of it is run."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed
from llmroute.checks.asked import prompt_text
from llmroute.metrics.json_text import fenced_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

MAX_CODE = 20_000
_MAX_OPEN = 60
_PYTHON = frozenset({"python", "py", "python3"})


@dataclass(frozen=True, slots=True)
class Code:
    """Whether the answer's code blocks parse as Python; `failed`: one of them does not.

    In [0, 1]. Blocks in other languages count as `blocks` only. With `required`, an answer without
    Python that parses failed. A block over 20,000 characters does not parse.
    """

    features: ClassVar[tuple[str, ...]] = ("blocks", "python", "parses", "failed", "stubs")
    fails: ClassVar[tuple[str, ...]] = ("failed",)

    required: bool = False

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        blocks = fenced_blocks(output)[:20]
        in_python = "python" in prompt_text(sample).lower() or self.required
        python = [code for name, code in blocks if name in _PYTHON or (not name and in_python)]
        trees = [parsed(code) for code in python]
        n_parsed = sum(tree is not None for tree in trees)
        failed = n_parsed < len(python) or (self.required and not n_parsed)
        values = (
            squashed(len(blocks), 1),
            float(bool(python)),
            n_parsed / len(python) if python else 0.0,
            float(failed),
            float(any(tree is not None and _has_stub(tree) for tree in trees)),
        )
        return dict(zip(self.features, values, strict=True))


def parsed(code: str) -> ast.Module | None:
    """The syntax tree of a piece of Python, or None; nothing is executed.

    Text that could hurt the parser is not handed to it: over 20,000 characters, or with more than
    60 brackets or signs open at once.
    """
    if len(code) > MAX_CODE or "\x00" in code or _deepest(code) > _MAX_OPEN:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None


def _deepest(code: str) -> int:
    """How deep the parser would go at most: open brackets, runs of unary signs, indentation."""
    depth = deepest = run = 0
    for character in code:
        depth += (character in "([{") - (character in ")]}")
        run = run + 1 if character in "-+~ \t" else 0
        deepest = max(deepest, depth, run if run > 200 else 0)
    return deepest


def _has_stub(tree: ast.Module) -> bool:
    """Whether a function's body is left to the reader."""
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return any(len(body) == 1 and isinstance(body[0], (ast.Pass, ast.Expr)) for body in bodies)

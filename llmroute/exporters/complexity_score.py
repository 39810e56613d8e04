"""Prompt → the score of LiteLLM's complexity router, without importing LiteLLM.

The words, weights and token counts are read from the installed LiteLLM's source, and an export
writes them out, so that what was fitted is what runs. How they make a score was read from litellm
1.108.7 and 1.110.2 (`ComplexityRouter._score_and_classify`), which the tests run beside it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llmroute.errors import InputError

CONFIG_FILE = "router_strategy/complexity_router/config.py"
LOWEST, HIGHEST = -1.0, 2.0
"""Beyond what seven weighted parts, each of at most 1, can reach."""

_CJK = re.compile("[぀-ヿㇰ-ㇿ㐀-䶿一-鿿豈-﫿ｦ-ﾝ\U00020000-\U0003ffff]")
_STEPS = (r"(?i)first.*?then", r"(?i)step\s*\d", r"\d+\.\s", r"(?i)[a-z]\)\s")
_MANY_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class Scorer:
    """LiteLLM's words and weights, as its router's settings name them."""

    code_keywords: tuple[str, ...]
    reasoning_keywords: tuple[str, ...]
    technical_keywords: tuple[str, ...]
    simple_keywords: tuple[str, ...]
    dimension_weights: Mapping[str, float]
    token_thresholds: Mapping[str, int]

    def settings(self) -> dict[str, Any]:
        """The scorer as part of `complexity_router_config`."""
        return {
            "dimension_weights": dict(self.dimension_weights),
            "token_thresholds": dict(self.token_thresholds),
            "code_keywords": list(self.code_keywords),
            "reasoning_keywords": list(self.reasoning_keywords),
            "technical_keywords": list(self.technical_keywords),
            "simple_keywords": list(self.simple_keywords),
        }

    def score(self, prompt: str) -> float:
        """The weighted sum LiteLLM compares with its tier boundaries; higher is more complex."""
        text = prompt.lower()
        parts = {
            "tokenCount": self._length(prompt),
            "codePresence": _graded(text, self.code_keywords, (1, 0.5), (2, 1.0)),
            "reasoningMarkers": _graded(text, self.reasoning_keywords, (1, 0.7), (2, 1.0)),
            "technicalTerms": _graded(text, self.technical_keywords, (2, 0.5), (4, 1.0)),
            "simpleIndicators": _graded(text, self.simple_keywords, (1, -1.0), (2, -1.0)),
            "multiStepPatterns": 0.5 if any(re.search(step, text) for step in _STEPS) else 0.0,
            "questionComplexity": 0.5 if prompt.count("?") > _MANY_QUESTIONS else 0.0,
        }
        return sum(value * self.dimension_weights.get(part, 0.0) for part, value in parts.items())

    def _length(self, prompt: str) -> float:
        n_tokens = len(prompt) // 4
        if n_tokens < self.token_thresholds["simple"]:
            return -1.0
        return 1.0 if n_tokens > self.token_thresholds["complex"] else 0.0


def _graded(
    text: str, words: tuple[str, ...], some: tuple[int, float], many: tuple[int, float]
) -> float:
    n_found = sum(_contains(text, word.lower()) for word in words)
    if n_found < some[0]:
        return 0.0
    return many[1] if n_found >= many[0] else some[1]


def _contains(text: str, word: str) -> bool:
    """A phrase anywhere; a single word as a whole word, where its script has such."""
    if " " in word or _CJK.search(word):
        return word in text
    return _whole(word).search(text) is not None


@cache
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(word)}\b")


@cache
def installed_scorer() -> Scorer:
    """The scorer of the LiteLLM that is installed, read from its source.

    Raises:
        InputError: it has no complexity router, or writes it another way.
    """
    spec = find_spec("litellm")  # finds the folder, runs nothing in it
    path = Path(spec.origin).parent / CONFIG_FILE if spec and spec.origin else None
    if path is None or not path.is_file():
        raise InputError(
            "the installed LiteLLM has no complexity router",
            fix="Install a later one: pip install -U litellm",
        )
    return _read_scorer(path)


def _read_scorer(path: Path) -> Scorer:
    values = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            try:
                values[node.target.id] = ast.literal_eval(node.value)
            except (ValueError, TypeError):
                continue
    try:
        words = {
            f"{kind}_keywords": tuple(values[f"DEFAULT_{kind.upper()}_KEYWORDS"])
            for kind in ("code", "reasoning", "technical", "simple")
        }
        weights, tokens = values["DEFAULT_DIMENSION_WEIGHTS"], values["DEFAULT_TOKEN_THRESHOLDS"]
    except KeyError as error:
        raise InputError(
            f"the installed LiteLLM states its complexity router another way: no {error.args[0]}",
            where=str(path),
            fix="Use a LiteLLM that llmroute knows, such as 1.110.",
        ) from error
    return Scorer(**words, dimension_weights=weights, token_thresholds=tokens)

"""`rules`: keywords and patterns with weights, from a YAML file a person can read and edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.clip import clip
from llmroute.errors import ConfigError
from llmroute.patterns import compile_keywords, compile_pattern, find_all
from llmroute.routers.scale import learnable_gaps

if TYPE_CHECKING:
    import regex

SHIPPED = Path(__file__).with_name("rules.yaml")
MAX_RULES = 500
_KEYS = {"name", "weight", "most", "keywords", "patterns"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One signal: how often its keywords and patterns are found, up to `most`, times `weight`."""

    name: str
    weight: float
    most: int
    keywords: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass
class Rules:
    """A score from rules alone: nothing is learned, so nothing is known about your models."""

    name: ClassVar[str] = "rules"

    path: str | None = None
    """The YAML file; None: the one that ships with llmroute."""

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:  # noqa: ARG002
        """Read the rules; the scores are not looked at.

        Raises:
            ConfigError: the file is missing, or a rule in it is wrong.
        """
        learnable_gaps(pair)
        self.bias_, self.rules_ = read_rules(Path(self.path) if self.path else SHIPPED)
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in (0, 1)."""
        return np.array([self._rate(clip(query.text)) for query in queries], np.float64)

    def reasons(self, text: str) -> tuple[str, ...]:
        """The names of the rules that speak about this text."""
        return tuple(rule.name for rule in self.rules_ if _count(rule, clip(text)))

    def _rate(self, text: str) -> float:
        logit = self.bias_ + sum(
            rule.weight * min(rule.most, _count(rule, text)) for rule in self.rules_
        )
        return 1 / (1 + exp(-max(-30.0, min(30.0, logit))))

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The rules themselves: the file is not needed again."""
        rules = [
            {
                "name": rule.name,
                "weight": rule.weight,
                "most": rule.most,
                "keywords": list(rule.keywords),
                "patterns": list(rule.patterns),
            }
            for rule in self.rules_
        ]
        return {"bias": self.bias_, "rules": rules}, {}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:  # noqa: ARG003
        """The router that `state` was taken from."""
        router = cls()
        router.bias_, router.rules_ = _parsed(values, "the router's state")
        return router


def read_rules(path: Path) -> tuple[float, tuple[Rule, ...]]:
    """The bias and the rules of a YAML file.

    Raises:
        ConfigError: it can't be read, or a rule is wrong; the message says which.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(
            f"the rules cannot be read: {error}",
            where=str(path),
            fix=f"Start from a copy of {SHIPPED.name}, which ships with llmroute.",
        ) from error
    return _parsed(content, str(path))


def _parsed(content: Any, where: str) -> tuple[float, tuple[Rule, ...]]:
    if not isinstance(content, Mapping) or not isinstance(content.get("rules"), list):
        raise ConfigError("there is no list 'rules'", where=where, fix="Write 'rules:' and a list.")
    if len(content["rules"]) > MAX_RULES:
        raise ConfigError(f"more than {MAX_RULES} rules", where=where, fix="Merge some of them.")
    bias = _number(content.get("bias", 0.0), "bias", where)
    return bias, tuple(_rule(rule, i, where) for i, rule in enumerate(content["rules"], 1))


def _rule(content: Any, number: int, where: str) -> Rule:
    if not isinstance(content, Mapping):
        raise ConfigError(f"rule {number} is not a mapping", where=where)
    name = str(content.get("name", f"rule {number}"))
    here = f"{where}, rule {name!r}"
    unknown = sorted({str(key) for key in content} - _KEYS)
    if unknown:
        raise ConfigError(
            f"unknown key {unknown[0]!r}", where=here, fix=f"Known: {', '.join(sorted(_KEYS))}."
        )
    most = content.get("most", 1)
    if type(most) is not int or most < 1:
        raise ConfigError("'most' is not a whole number of at least 1", where=here)
    rule = Rule(
        name,
        _number(content.get("weight"), "weight", here),
        most,
        tuple(_texts(content, "keywords", here)),
        tuple(_texts(content, "patterns", here)),
    )
    _check_patterns(rule, here)
    return rule


def _number(value: Any, name: str, where: str) -> float:
    if type(value) not in (int, float) or not abs(value) <= 1000:
        raise ConfigError(f"{name!r} is not a number from -1000 to 1000", where=where)
    return float(value)


def _texts(content: Mapping[Any, Any], name: str, where: str) -> Iterator[str]:
    values = content.get(name, [])
    if not isinstance(values, (list, tuple)):
        raise ConfigError(f"{name!r} is not a list", where=where, fix="Write [one, two].")
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{name!r} holds {value!r}, not a text", where=where)
        yield value


def _expressions(rule: Rule) -> Iterator[regex.Pattern[str]]:
    if rule.keywords:
        yield compile_keywords(rule.keywords)
    for pattern in rule.patterns:
        yield compile_pattern(pattern, ignore_case=True, multiline=True)


def _count(rule: Rule, text: str) -> int:
    found = chain.from_iterable(find_all(pattern, text) for pattern in _expressions(rule))
    return sum(1 for _ in islice(found, rule.most))


def _check_patterns(rule: Rule, where: str) -> None:
    try:
        list(_expressions(rule))
    except ValueError as error:
        raise ConfigError(str(error), where=where, fix="Correct the pattern.") from error

"""Outcomes → how many tokens a model would have read and answered with.

Models cut the same text into different numbers of tokens, and answer it at different lengths. On
the samples both answered, each is a ratio, which carries over to requests that say more or less
than the suite's.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from llmroute.records import Outcome, Usage

LEAST_SAMPLES = 20
"""Answers from which a mean or a ratio is taken."""

Basis = Literal["ratio", "mean"]
Key = tuple[str | None, str]
"""Task, or None for all of them, and candidate."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, or a ratio to what another model took."""

    value: float
    error: float
    """Standard error."""
    spread: float
    """Standard deviation of one answer around it, in tokens."""


@dataclass(frozen=True, slots=True)
class Length:
    """What a model's answers take, beside another's or alone."""

    basis: Basis
    """Of the output."""
    output: Estimate
    input_ratio: Estimate | None
    """None: nothing to compare with, so that the input is taken as the other counted it."""


class Lengths:
    """Tokens of every answer, by task and candidate.

    >>> rows = [Outcome("t", str(i), m, usage=Usage(read, made + i))
    ...         for m, read, made in (("a", 100, 10), ("b", 90, 30)) for i in range(20)]
    >>> found = Lengths(rows).of("t", "b", beside="a")
    >>> found.basis, round(found.output.value, 3), found.input_ratio.value
    ('ratio', 2.026, 0.9)
    """

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        """Only counts are kept, and of every answer."""
        self._used: dict[Key, dict[tuple[str, str, int], Usage]] = defaultdict(dict)
        self._known: dict[tuple[Key, str | None], Length | None] = {}
        for row in outcomes:
            if row.usage.output_tokens is not None:
                at = (row.task, row.sample_id, row.repeat)
                for task in (row.task, None):
                    self._used[task, row.candidate][at] = row.usage

    def of(self, task: str | None, candidate: str, beside: str | None) -> Length | None:
        """What a candidate's answers are expected to take; None with too few of them.

        Args:
            task: whose samples; None: of all tasks.
            candidate: whose answers.
            beside: the candidate that did answer, where it is one.
        """
        key = ((task, candidate), beside)
        if key not in self._known:
            own = self._used.get((task, candidate), {})
            other = self._used.get((task, beside), {}) if beside else {}
            self._known[key] = _beside(own, other) or _alone(own)
        return self._known[key]


def _beside(
    own: Mapping[tuple[str, str, int], Usage], other: Mapping[tuple[str, str, int], Usage]
) -> Length | None:
    pairs = [(own[at], other[at]) for at in sorted(own.keys() & other.keys())]
    output = _ratio([(y.output_tokens or 0, x.output_tokens or 0) for y, x in pairs])
    if output is None:
        return None
    read = [(y.input_tokens, x.input_tokens) for y, x in pairs]
    return Length("ratio", output, _ratio([(y, x) for y, x in read if y and x]))


def _alone(own: Mapping[tuple[str, str, int], Usage]) -> Length | None:
    mean = _ratio([(usage.output_tokens or 0, 1) for usage in own.values()])
    return None if mean is None else Length("mean", mean, None)


def _ratio(pairs: list[tuple[int, int]]) -> Estimate | None:
    """Σy/Σx with its standard error (Cochran, "Sampling Techniques", 1977, §2.11)."""
    total = sum(x for _, x in pairs)
    if len(pairs) < LEAST_SAMPLES or total == 0:
        return None
    n, ratio = len(pairs), sum(y for y, _ in pairs) / total
    spread = math.sqrt(math.fsum((y - ratio * x) ** 2 for y, x in pairs) / (n - 1))
    return Estimate(ratio, spread / math.sqrt(n) / (total / n), spread)

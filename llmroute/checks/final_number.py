"""Whether the final number follows from the numbers that were stated."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed
from llmroute.checks.arithmetic import sums_of
from llmroute.checks.asked import last_question, prompt_text, question_of
from llmroute.checks.equations import numbers
from llmroute.checks.final_text import final_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_NAMED = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
    "fifty": 50, "hundred": 100, "twice": 2, "double": 2, "triple": 3, "half": 0.5, "third": 3,
    "quarter": 4, "dozen": 12, "week": 7, "weeks": 7, "weekly": 7,
}  # fmt: skip
_COMMON = frozenset({0.5, 1, 2, 3, 4, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000})
_WORD = re.compile(r"[a-z]+")
_COUNTS = re.compile(r"\bhow many\b", re.IGNORECASE)
_SHARES = re.compile(r"\bpercent|%|\bprobability|\bratio\b|\bfraction\b|\baverage\b", re.IGNORECASE)
_MONEY = re.compile(r"[$€£]|\bdollars?\b|\bcents?\b|\bcost|\bpay\b|\bmoney\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FinalNumber:
    """Where the final number comes from, and whether the question's numbers were used.

    In [0, 1]. `derived`: it is the result of one of the answer's sums, `last_result`: of the last;
    `stated`: it stands in the question. An answer without a number has `present` 0 and all else 0.
    """

    features: ClassVar[tuple[str, ...]] = (
        "present", "derived", "last_result", "stated", "said_before", "times_said", "only_number",
        "whole", "negative", "zero", "magnitude", "fraction_of_count", "money", "share",
        "unused_inputs", "used_share", "foreign_share", "n_inputs", "above_inputs",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ()

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        prompt = prompt_text(sample)
        final = final_of(output)
        found = numbers(final.text[:400])
        if not found:
            return dict.fromkeys(self.features, 0.0)
        value = found[0] if final.mark in ("hashes", "field", "boxed") else found[-1]
        if final.text.lstrip("$ ").startswith(("-", "−")):
            value = -abs(value)
        origins = self._origins(output, output[: final.start], prompt, value)
        kind = self._kind(value, last_question(prompt))
        inputs = self._inputs(output, prompt, value)
        values = (1.0, *origins, float(len(found) == 1), *kind, *inputs)
        return dict(zip(self.features, values, strict=True))

    def _origins(self, output: str, before: str, prompt: str, value: float) -> tuple[float, ...]:
        results = [one.stated for one in sums_of(output)]
        said = sum(_same(value, other) for other in numbers(before))
        return (
            float(any(_same(value, result) for result in results)),
            float(bool(results) and _same(value, results[-1])),
            float(any(_same(value, other) for other in inputs_of(prompt))),
            float(said > 0),
            squashed(said, 2),
        )

    def _kind(self, value: float, question: str) -> tuple[float, ...]:
        whole = math.isfinite(value) and value == math.floor(value)
        counts = _COUNTS.search(question) is not None and _SHARES.search(question) is None
        return (
            float(whole),
            float(value < 0),
            float(value == 0),
            min(1.0, math.log10(1 + min(abs(value), 1e30)) / 8),
            float(counts and not whole),
            float(_MONEY.search(question) is not None),
            float(_SHARES.search(question) is not None),
        )

    def _inputs(self, output: str, prompt: str, value: float) -> tuple[float, ...]:
        given = inputs_of(prompt)
        written = set(numbers(output)) | set(_named_in(output))
        unused = [one for one in given if not any(_same(one, other) for other in written)]
        operands = [operand for one in sums_of(output) for operand in one.operands]
        known = [*given, *_COMMON, *(one.stated for one in sums_of(output))]
        foreign = [one for one in operands if not any(_same(one, other) for other in known)]
        return (
            squashed(len(unused), 1),
            1 - len(unused) / len(given) if given else 1.0,
            len(foreign) / len(operands) if operands else 0.0,
            squashed(len(given), 5),
            float(bool(given) and value > sum(given)),
        )


@lru_cache(maxsize=256)
def inputs_of(prompt: str) -> tuple[float, ...]:
    """The different numbers of the question, in digits and in words, at most 60."""
    question = question_of(prompt)[:8000]
    return tuple(dict.fromkeys([*numbers(question), *_named_in(question)]))[:60]


def _named_in(text: str) -> list[float]:
    return [float(_NAMED[word]) for word in _WORD.findall(text.lower()) if word in _NAMED]


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(1.0, abs(one))

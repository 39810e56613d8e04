"""Whether the sums of an answer come out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed
from llmroute.checks.equations import Equation, equations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample


@lru_cache(maxsize=64)
def sums_of(output: str) -> tuple[Equation, ...]:
    """The sums of an output, read once for all checks that look at them."""
    return tuple(equations(output))


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Every sum of the answer recomputed: how many there are, which are wrong, what they do.

    In [0, 1]. Of an answer without sums all features are 0 (so is `present`, which tells the two
    apart).
    """

    features: ClassVar[tuple[str, ...]] = (
        "present", "count", "any_wrong", "wrong_share", "wrong_count", "last_wrong",
        "rounded_share", "fraction_share", "negative_share", "unused_share",
        "adds", "subtracts", "multiplies", "divides", "contradicts",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ("any_wrong",)

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:  # noqa: ARG002
        """The features by name."""
        sums = sums_of(output)
        if not sums:
            return dict.fromkeys(self.features, 0.0)
        n = len(sums)
        wrong = [not one.holds for one in sums]
        signs = "".join(one.signs for one in sums)
        values = (
            1.0, squashed(n, 4), float(any(wrong)), sum(wrong) / n, squashed(sum(wrong), 1),
            float(wrong[-1]),
            sum(one.rounded for one in sums) / n,
            sum(one.stated != int(one.stated) for one in sums) / n,
            sum(one.stated < 0 for one in sums) / n,
            _unused_share(sums),
            *(signs.count(sign) / max(1, len(signs)) for sign in "+-*/"),
            _contradictions(sums),
        )  # fmt: skip
        return dict(zip(self.features, values, strict=True))


def _unused_share(sums: tuple[Equation, ...]) -> float:
    """Results, the last left out, that no later sum goes on from."""
    if len(sums) < 2:
        return 0.0
    used = [
        any(
            abs(one.stated - operand) < 1e-9
            for later in sums[i + 1 :]
            for operand in later.operands
        )
        for i, one in enumerate(sums[:-1])
    ]
    return 1 - sum(used) / len(used)


def _contradictions(sums: tuple[Equation, ...]) -> float:
    """1.0 where one sum is given two results."""
    results: dict[tuple[tuple[float, ...], str], float] = {}
    for one in sums:
        if abs(results.setdefault((one.operands, one.signs), one.stated) - one.stated) > 1e-9:
            return 1.0
    return 0.0

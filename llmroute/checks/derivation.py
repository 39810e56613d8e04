"""How the sums of an answer build on the question's numbers and on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed
from llmroute.checks.arithmetic import sums_of
from llmroute.checks.asked import prompt_text
from llmroute.checks.final_number import inputs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.checks.equations import Equation
    from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class Derivation:
    """Where the operands come from: the question, an earlier result, or nowhere.

    In [0, 1]. Shares are over all operands; `last_…` looks at the last sum only; `again`: a number
    of the question is used by two sums; `grows` and `shrinks`: the last result beside the first;
    `loose_ends`: results that neither a later sum nor the end uses. Without sums all are 0.
    """

    features: ClassVar[tuple[str, ...]] = (
        "given", "earlier", "nowhere", "last_given", "last_earlier", "last_operands", "again",
        "again_count", "chained", "grows", "shrinks", "loose_ends", "last_adds", "last_subtracts",
        "last_multiplies", "last_divides", "percent_of", "long_sum", "distinct_results",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ()

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        sums = sums_of(output)
        if not sums:
            return dict.fromkeys(self.features, 0.0)
        given = inputs_of(prompt_text(sample))
        origins = [_origins(one, sums[:i], given) for i, one in enumerate(sums)]
        every = "".join(origins)
        uses = [sum(_holds(one.operands, number) for one in sums) for number in given]
        first, last = sums[0].stated, sums[-1].stated
        signs = sums[-1].signs
        values = (
            *(every.count(origin) / max(1, len(every)) for origin in "gen"),
            *(origins[-1].count(origin) / max(1, len(origins[-1])) for origin in "ge"),
            squashed(len(origins[-1]), 2),
            float(any(use > 1 for use in uses)), squashed(sum(use > 1 for use in uses), 1),
            sum("e" in origin for origin in origins[1:]) / max(1, len(sums) - 1),
            float(last > first), float(last < first), _loose_ends(sums),
            *(float(sign in signs) for sign in "+-*/"),
            float(any(_holds(one.operands, 100) for one in sums)),
            squashed(max(len(one.signs) for one in sums), 2),
            len({one.stated for one in sums}) / len(sums),
        )  # fmt: skip
        return dict(zip(self.features, values, strict=True))


def _origins(one: Equation, before: Sequence[Equation], given: Sequence[float]) -> str:
    """One letter an operand: g given, e earlier result, n nowhere."""
    results = [other.stated for other in before]
    return "".join(
        "e" if _holds(results, operand) else "g" if _holds(given, operand) else "n"
        for operand in one.operands
    )


def _loose_ends(sums: Sequence[Equation]) -> float:
    later = [operand for one in sums for operand in one.operands]
    loose = sum(not _holds(later, one.stated) for one in sums[:-1])
    return squashed(loose, 1)


def _holds(numbers: Sequence[float], wanted: float) -> bool:
    return any(math.isclose(number, wanted, rel_tol=1e-6, abs_tol=1e-9) for number in numbers)

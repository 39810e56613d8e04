"""How sure the model was of its tokens, where the outcomes say so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class LogProbabilities:
    """Mean, least and low-quantile token probability, from the field `field`: natural logarithms.

    In [0, 1]. The field is a list of numbers ≤ 0, one a token of this very answer; without it
    `known` is 0 and so is all else. Source: quantiles before means, arXiv 2404.10136.
    """

    features: ClassVar[tuple[str, ...]] = (
        "known",
        "mean",
        "least",
        "tenth",
        "unsure_share",
        "last",
    )
    fails: ClassVar[tuple[str, ...]] = ()

    field: str = "token_log_probabilities"

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:  # noqa: ARG002
        """The features by name."""
        shares = _probabilities(sample.fields.get(self.field))
        if not shares:
            return dict.fromkeys(self.features, 0.0)
        ordered = sorted(shares)
        values = (
            1.0,
            sum(shares) / len(shares),
            ordered[0],
            ordered[len(ordered) // 10],
            sum(share < 0.5 for share in shares) / len(shares),
            min(shares[-5:]),
        )
        return dict(zip(self.features, values, strict=True))


def _probabilities(value: Any) -> list[float]:
    if not isinstance(value, (list, tuple)):
        return []
    known = [one for one in value[:100_000] if isinstance(one, (int, float)) and one <= 0]
    return [math.exp(max(-700.0, float(one))) for one in known]

"""Whether the model says the same when asked again, where the outcomes hold repeats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from llmroute.builtin.words import read_words
from llmroute.checks import bounded, squashed
from llmroute.checks.equations import numbers
from llmroute.checks.final_text import final_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """Share of the model's other answers that come to the same final answer.

    In [0, 1]. The others are texts under the sample's field `field`; without them `known` is 0 and
    so is all else. `majority`: this answer is the commonest. Source: agreement as difficulty,
    arXiv 2310.03094.
    """

    features: ClassVar[tuple[str, ...]] = ("known", "count", "agree", "majority", "distinct")
    fails: ClassVar[tuple[str, ...]] = ()

    field: str = "other_outputs"

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        others = _texts(sample.fields.get(self.field))
        if not others:
            return dict.fromkeys(self.features, 0.0)
        own, said = _said(output), [_said(bounded(other)) for other in others]
        counts = Counter([own, *said])
        values = (
            1.0,
            squashed(len(said), 4),
            said.count(own) / len(said),
            float(counts[own] == max(counts.values())),
            (len(counts) - 1) / len(said),
        )
        return dict(zip(self.features, values, strict=True))


def _texts(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)):
        return []
    return [one for one in value[:100] if isinstance(one, str)]


def _said(output: str) -> str:
    """The final answer as it is compared: its last number, else its words."""
    final = final_of(output).text[:400]
    found = numbers(final)
    return f"{found[-1]:.9g}" if found else " ".join(read_words(final))

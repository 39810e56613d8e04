"""Whether an answer is there, how it is marked, and whether it is said twice in two ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks import squashed
from llmroute.checks.equations import numbers
from llmroute.checks.final_text import final_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_CLAIM = re.compile(
    r"(?:\b(?:the )?(?:final |correct )?answer(?: is|:)|^####|\b(?:therefore|thus|hence)\b)"
    r"([^\n.]{1,160})",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """Whether the answer is marked as final ("####", a field, a box, "the answer is"), and is one.

    In [0, 1]. `claims_differ` is 1 where an answer concludes twice and names different numbers;
    `reasoning` is the share of the output that stands before the final answer.
    """

    features: ClassVar[tuple[str, ...]] = (
        "empty", "hashes", "field", "boxed", "says", "concludes", "unmarked",
        "words", "in_words", "claims", "claims_differ", "reasoning", "text_after", "has_letters",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ("empty",)

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:  # noqa: ARG002
        """The features by name."""
        if not output.strip():
            return {name: float(name == "empty") for name in self.features}
        final = final_of(output)
        claims = [numbers(match[1])[-1:] for match in _CLAIM.finditer(output)][:50]
        claimed = [claim[0] for claim in claims if claim]
        n_words = len(final.text.split())
        after = len(output) - max(0, final.start) - len(final.text)
        values = (
            0.0,
            *(float(final.mark == mark) for mark in ("hashes", "field", "boxed", "says")),
            float(final.mark == "concludes"), float(final.mark == "end"),
            squashed(n_words, 3), float(n_words > 3), squashed(len(claimed), 2),
            float(len(set(claimed)) > 1),
            min(1.0, max(0, final.start) / len(output)),
            squashed(max(0, after), 200),
            float(any(character.isalpha() for character in final.text)),
        )  # fmt: skip
        return dict(zip(self.features, values, strict=True))

"""Whether what an answer quotes stands in the passage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.builtin.words import read_words
from llmroute.checks import squashed
from llmroute.checks.asked import prompt_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_QUOTED = re.compile(r'"([^"\n]{8,400})"|“([^”\n]{8,400})”|«([^»\n]{8,400})»')
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]+(?:\s[A-Z][a-z]+){0,3}|\b\d[\d,.]*\d\b|\b\d\b")
_MAX_QUOTES = 40


@dataclass(frozen=True, slots=True)
class Quote:
    """Share of the answer's quotes, names and numbers that the passage holds.

    In [0, 1]. The passage is the sample's field (`field`), else the prompt. Quotes are compared
    word by word. `quotes` is how many there are; without any, `found` is 1. `missing`: one is
    not there.
    """

    features: ClassVar[tuple[str, ...]] = ("quotes", "found", "missing", "grounded", "words")
    fails: ClassVar[tuple[str, ...]] = ("missing",)

    field: str = "passage"

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        passage = sample.fields.get(self.field)
        text = passage[:200_000] if isinstance(passage, str) else prompt_text(sample)
        known = f" {' '.join(read_words(text))} "
        quotes = [a or b or c for a, b, c in _QUOTED.findall(output)][:_MAX_QUOTES]
        found = _share_in(quotes, known)
        names = list(dict.fromkeys(_NAME.findall(output)))[:_MAX_QUOTES]
        written, passage_words = set(read_words(output)), set(known.split())
        values = (
            squashed(len(quotes), 2),
            found,
            float(found < 1),
            _share_in(names, known),
            len(written & passage_words) / len(written) if written else 1.0,
        )
        return dict(zip(self.features, values, strict=True))


def _share_in(texts: list[str], known: str) -> float:
    if not texts:
        return 1.0
    return sum(f" {' '.join(read_words(text))} " in known for text in texts) / len(texts)

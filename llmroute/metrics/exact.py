"""Exact match after light normalisation."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from llmroute.records import Sample

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’«»…–—¿¡。，、")


@dataclass(frozen=True, slots=True)
class Exact:
    """1.0 where the prediction equals a target, else 0.0.

    Runs of white space count as one space and none at the ends. A list target is a list of
    alternatives: the best one counts. Source: exact match of SQuAD (arXiv 1606.05250), without
    its removal of articles.
    """

    needs_target: ClassVar[bool] = True
    right_or_wrong: ClassVar[bool] = True

    ignore_case: bool = False
    ignore_punctuation: bool = False

    def score(self, sample: Sample, prediction: str) -> float:
        """1.0 or 0.0."""
        found = self._normal(prediction)
        return float(any(self._normal(text) == found for text in target_texts(sample)))

    def _normal(self, text: str) -> str:
        if self.ignore_case:
            text = text.casefold()
        if self.ignore_punctuation:
            text = text.translate(_NO_PUNCTUATION)
        return " ".join(text.split())

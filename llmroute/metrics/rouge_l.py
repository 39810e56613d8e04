"""ROUGE-L, equal to rouge-score and 20 to 100 times faster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, ClassVar

from rapidfuzz.distance import LCSseq

from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Sample

_WORD = re.compile(r"[a-z0-9]+")
_LONGEST_STEMMED = 100


@dataclass(frozen=True, slots=True)
class RougeL:
    """F-measure of the longest common subsequence of words: 2PR/(P+R), P = lcs/m, R = lcs/n.

    m and n count the words of prediction and target: lower case runs of a-z and 0-9, so scripts
    without them score 0. With `stemmer`, words of four letters and more are cut by Porter's
    stemmer. A list target is a list of alternatives: the best one counts. In [0, 1]; a text
    without words scores 0 even against itself. Source: Lin 2004, §3; equal to rouge-score 0.1.2
    (words of more than 100 letters are left unstemmed here).
    """

    needs_target: ClassVar[bool] = True

    stemmer: bool = False

    def score(self, sample: Sample, prediction: str) -> float:
        """The best F-measure over the alternatives, in [0, 1]."""
        found = _words(prediction, self.stemmer)
        return max(
            (_f_measure(found, _target_words(text, self.stemmer)) for text in target_texts(sample)),
            default=0.0,
        )


def _f_measure(found: list[str], wanted: list[str]) -> float:
    if not found or not wanted:
        return 0.0
    lcs: int = LCSseq.similarity(found, wanted)
    precision, recall = lcs / len(found), lcs / len(wanted)
    return 2 * precision * recall / (precision + recall) if lcs else 0.0


@lru_cache(maxsize=4096)
def _target_words(text: str, stemmer: bool) -> list[str]:
    return _words(text, stemmer)


def _words(text: str, stemmer: bool) -> list[str]:
    words = _WORD.findall(text.lower())
    if not stemmer:
        return words
    stem = _stem()
    return [stem(word) if 3 < len(word) <= _LONGEST_STEMMED else word for word in words]


@cache
def _stem() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer  # type: ignore[import-untyped]

    cached: Callable[[str], str] = lru_cache(maxsize=65536)(PorterStemmer().stem)
    return cached

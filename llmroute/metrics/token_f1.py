"""Word overlap as in SQuAD."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from llmroute.records import Sample

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


@dataclass(frozen=True, slots=True)
class TokenF1:
    """F1 of the words of prediction and target: 2·overlap / (words predicted + words of target).

    Words after SQuAD's normalisation: lower case, no punctuation, no articles. A list target is a
    list of alternatives: the best one counts. In [0, 1]. As in SQuAD 2.0, where either side has no
    words the value is 1.0 if both have none, else 0.0, so that "" can be the target of an
    unanswerable question. Source: arXiv 1606.05250 §6.1 and its evaluate-v2.0.py.
    """

    needs_target: ClassVar[bool] = True

    def score(self, sample: Sample, prediction: str) -> float:
        """The best F1 over the alternatives, in [0, 1]."""
        found = Counter(squad_words(prediction))
        return max((_f1(found, _target_counts(text)) for text in target_texts(sample)), default=0.0)


def squad_words(text: str) -> list[str]:
    """The words of a text after SQuAD's normalisation.

    >>> squad_words("The  Eiffel-Tower, a landmark.")
    ['eiffeltower', 'landmark']
    """
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


@lru_cache(maxsize=4096)
def _target_counts(text: str) -> Counter[str]:
    return Counter(squad_words(text))


def _f1(found: Counter[str], wanted: Counter[str]) -> float:
    if not found or not wanted:
        return float(not found and not wanted)
    small, large = sorted((found, wanted), key=len)
    overlap = sum(min(count, large[word]) for word, count in small.items())
    return 2 * overlap / (found.total() + wanted.total())

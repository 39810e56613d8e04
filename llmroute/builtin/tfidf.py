"""`builtin/tfidf`: the nearest few-shot example, passage sentence or label by TF-IDF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

from llmroute.builtin.ask import read_ask
from llmroute.builtin.similarity import answer_by_nearest
from llmroute.builtin.words import read_stems, weigh_rarity
from llmroute.records import Message

MAX_TERMS = 6_000


@dataclass(frozen=True, slots=True)
class Tfidf:
    """Answers with the nearest text the request came with."""

    too_far: float = 0.12
    """Cosine below which a passage is taken not to answer."""

    def answer(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> str:
        """The nearest example's answer, passage sentence or label; else the lead sentences."""
        return answer_by_nearest(read_ask(messages, labels), compare_texts, too_far=self.too_far)


def compare_texts(text: str, others: Sequence[str]) -> list[float]:
    """Cosine of TF-IDF vectors over word stems and the 3- to 5-grams of their letters, in [0, 1].

    Term frequency is 1 + ln(count), inverse document frequency is smoothed over `others`
    (scikit-learn's `sublinear_tf` and `smooth_idf`).

    >>> near = compare_texts("refund please", ["I want a refund", "the app crashes"])
    >>> near[0] > 0.3 > near[1]
    True
    """
    counts = [Counter(read_terms(other)) for other in others]
    rarity = weigh_rarity(counts)
    unseen = log(1 + len(others)) + 1
    vectors = [_scale(count, rarity, unseen) for count in counts]
    query = _scale(Counter(read_terms(text)), rarity, unseen)
    return [sum(query.get(term, 0.0) * weight for term, weight in v.items()) for v in vectors]


def read_terms(text: str) -> Iterator[str]:
    """Word stems, and letter n-grams marked apart from them, up to a cap."""
    stems = read_stems(text)[: MAX_TERMS // 4]
    yield from stems
    for stem in stems:
        padded = f" {stem} "
        for size in (3, 4, 5):
            yield from (f"#{padded[i : i + size]}" for i in range(len(padded) - size + 1))


def _scale(counts: Counter[str], rarity: Mapping[str, float], unseen: float) -> Mapping[str, float]:
    weights = {t: (1 + log(n)) * rarity.get(t, unseen) for t, n in counts.items()}
    length = sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {term: weight / length for term, weight in weights.items()}

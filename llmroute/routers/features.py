"""Text → what can be counted in it: length, numbers, questions, code, mathematics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log1p

import numpy as np
from numpy.typing import NDArray

from llmroute.clip import clip
from llmroute.routers.remember import read_each

Floats = NDArray[np.float64]

FEATURES = (
    "log_chars",
    "log_words",
    "log_sentences",
    "log_lines",
    "words_per_sentence",
    "chars_per_word",
    "distinct_word_share",
    "log_numbers",
    "log_distinct_numbers",
    "log_decimals",
    "log_long_numbers",
    "log_number_words",
    "log_money",
    "log_percent",
    "log_fractions",
    "log_ratios",
    "log_rates",
    "log_comparisons",
    "log_conditions",
    "log_times",
    "log_questions",
    "log_negations",
    "log_names",
    "log_commas",
    "log_code_marks",
    "log_maths_marks",
    "log_brackets",
    "log_quotes",
    "capital_share",
    "digit_share",
    "foreign_share",
    "log_steps",
)
"""Counts enter as ln(1 + count)."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SENTENCE = re.compile(r"[.!?。！？]+(?=\s|$)")
_NAME = re.compile(r"\b[A-Z][a-z]+\b")
_CAPITAL = re.compile(r"[A-Z]")
_DIGIT = re.compile(r"\d")
_FRACTION = re.compile(r"\d/\d")
_CODE = re.compile(r"```|\bdef \w+\(|[{};]|==|\(\w*\)")
_MATHS = re.compile(r"\\[a-z]+|\^|\$[^$\n]{1,80}\$|[=<>≤≥√∑∫]|\b[a-z]\b")
_WORDS = {
    "log_number_words": "one two three four five six seven eight nine ten eleven twelve dozen "
    "dozens hundred hundreds thousand thousands million millions",
    "log_money": "dollar dollars cent cents cost costs price prices pay pays paid spend "
    "spends spent",
    "log_percent": "percent",
    "log_fractions": "half halves third thirds quarter quarters fourth fourths fifth fifths "
    "fraction fractions",
    "log_ratios": "twice thrice double doubles doubled triple triples tripled times ratio",
    "log_rates": "per each every apiece",
    "log_comparisons": "more less fewer than older younger longer taller most least as",
    "log_conditions": "if when unless until after before then instead remaining rest left",
    "log_times": "day days week weeks month months year years hour hours minute minutes second "
    "seconds morning mornings night nights monday tuesday wednesday thursday friday "
    "saturday sunday",
    "log_questions": "what why how which who where",
    "log_negations": "not no never none without except",
    "log_steps": "prove derive explain analyze analyse compare step design optimize optimise",
    "log_code_marks": "return assert import",
}
_FEATURE_OF = {word: name for name, words in _WORDS.items() for word in words.split()}


def count_features(texts: Sequence[str]) -> Floats:
    """Shape (n_texts, n_features), columns as in `FEATURES`, every value finite.

    >>> row = dict(zip(FEATURES, count_features(["Tom has 3 eggs."])[0]))
    >>> [round(float(row[name]), 3) for name in ("log_words", "log_numbers")]
    [1.386, 0.693]
    """
    if not texts:
        return np.zeros((0, len(FEATURES)))
    rows = read_each("counts", texts, lambda some: [_count(clip(text)) for text in some])
    return np.array(rows, np.float64)


def _count(text: str) -> list[float]:
    lowered = text.lower()
    words = _WORD.findall(lowered)
    distinct = set(words)
    numbers = _NUMBER.findall(text)
    sentences = len(_SENTENCE.findall(text)) or 1
    n_chars = max(1, len(text))
    counts = dict.fromkeys(_WORDS, 0)
    for word in distinct & _FEATURE_OF.keys():
        counts[_FEATURE_OF[word]] += words.count(word)
    counts["log_money"] += sum(map(text.count, "$€£¥"))
    counts["log_percent"] += text.count("%")
    counts["log_fractions"] += len(_FRACTION.findall(text))
    counts["log_questions"] += text.count("?") + text.count("？")
    counts["log_negations"] += lowered.count("n't") + lowered.count("n’t")
    counts["log_code_marks"] += len(_CODE.findall(lowered))
    found = {
        **{name: log1p(count) for name, count in counts.items()},
        "log_chars": log1p(len(text)),
        "log_words": log1p(len(words)),
        "log_sentences": log1p(sentences),
        "log_lines": log1p(text.count("\n")),
        "words_per_sentence": log1p(len(words) / sentences),
        "chars_per_word": log1p(len("".join(words)) / max(1, len(words))),
        "distinct_word_share": len(distinct) / max(1, len(words)),
        "log_numbers": log1p(len(numbers)),
        "log_distinct_numbers": log1p(len(set(numbers))),
        "log_decimals": log1p(sum("." in number for number in numbers)),
        "log_long_numbers": log1p(sum(len(number) > 2 for number in numbers)),
        "log_names": log1p(len(set(_NAME.findall(text)))),
        "log_commas": log1p(text.count(",")),
        "log_maths_marks": log1p(len(_MATHS.findall(lowered))),
        "log_brackets": log1p(sum(map(text.count, "([{"))),
        "log_quotes": log1p(sum(map(text.count, "\"“”'"))),
        "capital_share": len(_CAPITAL.findall(text)) / n_chars,
        "digit_share": len(_DIGIT.findall(text)) / n_chars,
        "foreign_share": 0.0 if text.isascii() else sum(c > "\x7f" for c in text) / n_chars,
    }
    return [found[name] for name in FEATURES]

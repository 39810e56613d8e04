"""Text → what can be counted in it: length, numbers, questions, code, mathematics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log1p

import numpy as np
from numpy.typing import NDArray

from llmroute.routers.grams import clip
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
_COUNTED = {
    "log_number_words": r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"dozens?|hundreds?|thousands?|millions?)\b",
    "log_money": r"[$€£¥]|\b(?:dollars?|cents?|costs?|prices?|pays?|paid|spen[dt]s?)\b",
    "log_percent": r"%|\bper ?cent\b",
    "log_fractions": r"\d/\d|\b(?:half|halves|thirds?|quarters?|fourths?|fifths?|fractions?)\b",
    "log_ratios": r"\b(?:twice|thrice|double[ds]?|triple[ds]?|times|ratio)\b",
    "log_rates": r"\b(?:per|each|every|apiece)\b",
    "log_comparisons": r"\b(?:more|less|fewer|than|older|younger|longer|taller|most|least|as)\b",
    "log_conditions": r"\b(?:if|when|unless|until|after|before|then|instead|remaining|rest|left)\b",
    "log_times": r"\b(?:days?|weeks?|months?|years?|hours?|minutes?|seconds?|mornings?|nights?|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b",
    "log_questions": r"[?？]|\b(?:what|why|how|which|who|where)\b",
    "log_negations": r"\b(?:not|no|never|none|without|except|n't)\b|n't\b",
    "log_steps": r"\b(?:prove|derive|explain|analy[sz]e|compare|step|show that|design|"
    r"optimi[sz]e)\b",
    "log_code_marks": r"```|\bdef \w+\(|\breturn\b|\bassert\b|\bimport\b|[{};]|==|\w\(\w*\)",
    "log_maths_marks": r"\\[a-z]+|\^|\$[^$\n]{1,80}\$|[=<>≤≥√∑∫]|\b[a-z]\b",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _COUNTED.items()}


def count_features(texts: Sequence[str]) -> Floats:
    """Shape (n_texts, n_features), columns as in `FEATURES`, every value finite.

    >>> row = dict(zip(FEATURES, count_features(["Tom has 3 eggs."])[0]))
    >>> round(row["log_words"], 3), round(row["log_numbers"], 3)
    (1.386, 0.693)
    """
    if not texts:
        return np.zeros((0, len(FEATURES)))
    rows = read_each("counts", texts, lambda some: [_count(clip(text)) for text in some])
    return np.array(rows, np.float64)


def _count(text: str) -> list[float]:
    lowered = text.lower()
    words = _WORD.findall(lowered)
    numbers = _NUMBER.findall(text)
    sentences = len(_SENTENCE.findall(text)) or 1
    n_chars = max(1, len(text))
    found: dict[str, float] = {
        name: log1p(len(pattern.findall(lowered))) for name, pattern in _PATTERNS.items()
    }
    found |= {
        "log_chars": log1p(len(text)),
        "log_words": log1p(len(words)),
        "log_sentences": log1p(sentences),
        "log_lines": log1p(text.count("\n")),
        "words_per_sentence": log1p(len(words) / sentences),
        "chars_per_word": log1p(sum(map(len, words)) / max(1, len(words))),
        "distinct_word_share": len(set(words)) / max(1, len(words)),
        "log_numbers": log1p(len(numbers)),
        "log_distinct_numbers": log1p(len(set(numbers))),
        "log_decimals": log1p(sum("." in number for number in numbers)),
        "log_long_numbers": log1p(sum(len(number) > 2 for number in numbers)),
        "log_names": log1p(len(set(_NAME.findall(text)))),
        "log_commas": log1p(text.count(",")),
        "log_brackets": log1p(sum(map(text.count, "([{"))),
        "log_quotes": log1p(sum(map(text.count, "\"“”'"))),
        "capital_share": sum(map(str.isupper, text)) / n_chars,
        "digit_share": sum(map(str.isdigit, text)) / n_chars,
        "foreign_share": 0.0 if text.isascii() else sum(c > "\x7f" for c in text) / n_chars,
    }
    return [found[name] for name in FEATURES]


_NAME = re.compile(r"\b[A-Z][a-z]+\b")

"""Ask → the sentence of its passage that answers, or the phrase for "it is not in there"."""

from __future__ import annotations

import re

from llmroute.builtin.ask import Ask
from llmroute.builtin.words import read_stems, split_sentences, weigh_rarity

LOW_OVERLAP = 0.4
"""Share of the question's weight that a sentence must hold to count as its answer."""
_MISSING = r"(?:not|n't|cannot|no answer|unanswerable|unsupported|absent|missing|lacks|nothing)"
OFFERED = re.compile(
    rf"(?i:\b(?:if|when|where|unless|otherwise)\b[^\n]{{0,200}}?{_MISSING})[^\n\"“`]{{0,160}}?"
    r"(?:\"([^\"\n]+)\"|“([^”\n]+)”|`([^`\n]+)`|(?<!\w)'([^'\n]+)'|\b([A-Z][A-Z_ ]{3,}[A-Z])\b)"
)
ORDERED = re.compile(
    rf"(?i:\b(?:if|when|where)\b[^\n]{{0,200}}?(?:neither|{_MISSING})[^\n:]{{0,160}}"
    r"\b(?:answer|reply|say|write|respond)[^\n:]{0,30}):[ \t]*([^\n]{2,80}?)[ \t]*\.?[ \t]*$",
    re.MULTILINE,
)
NAME = re.compile(r"(?:\b[A-Z][\w'’.-]*\s+)*\b[A-Z][\w'’-]*")
AMOUNT = re.compile(
    r"[$€£]?\d[\d,.]*(?:\s*(?:%|percent|kg|km|m|cm|mm|g|litres?|liters?|hours?|minutes?|days?"
    r"|weeks?|months?|years?|dollars|euros|USD|EUR|GBP|million|billion|[a-z]+))?"
)
MOMENT = re.compile(
    r"\b(?:(?:\d{1,2}(?:st|nd|rd|th)?\s+)?(?:January|February|March|April|May|June|July|August"
    r"|September|October|November|December)(?:\s+\d{1,2}(?:st|nd|rd|th)?)?(?:,?\s+\d{4})?"
    r"|\d{4}-\d\d-\d\d|\d{1,2}(?::\d\d)?\s*(?:am|pm|a\.m\.|p\.m\.)|\d{1,2}:\d\d|(?:in\s+)?\d{4}"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)\b",
)
BRIEF = re.compile(
    r"\b(?:short(?:est)?|brief(?:ly)?|phrase|few words|as few|concise|only the answer|no sentence"
    r"|exact words|span)\b",
    re.IGNORECASE,
)


def answer_from_passage(ask: Ask) -> str:
    """The sentence that shares most with the question, narrowed where a short answer is wanted."""
    sentence, share = find_sentence(ask.question, ask.body)
    refusal = read_refusal(ask.instructions)
    if refusal and share < LOW_OVERLAP:
        return refusal
    return narrow(ask.question, sentence) if BRIEF.search(ask.instructions) else sentence


def find_sentence(question: str, passage: str) -> tuple[str, float]:
    """The passage's best sentence, and the share of the question's words it holds, by rarity.

    >>> find_sentence("When did it open?", "It was built in 1899. It opened in 1902.")
    ('It opened in 1902.', 1.0)
    """
    sentences = split_sentences(passage)
    stems = [set(read_stems(sentence)) for sentence in sentences]
    rarity = weigh_rarity(stems)
    unseen = max(rarity.values(), default=1.0)
    wanted = {word: rarity.get(word, unseen) for word in read_stems(question)}
    total = sum(wanted.values())
    if not sentences or not total:
        return (sentences[0] if sentences else ""), 0.0
    shares = [sum(wanted[word] for word in wanted.keys() & has) / total for has in stems]
    best = max(range(len(sentences)), key=shares.__getitem__)
    return sentences[best], shares[best]


def read_refusal(instructions: str) -> str | None:
    """The words the prompt wants where the passage has no answer, or None.

    >>> read_refusal('If the passage does not say, reply "not stated".')
    'not stated'
    >>> read_refusal("If the answer is not in the text, answer exactly: NOT IN PASSAGE")
    'NOT IN PASSAGE'
    """
    for pattern in (OFFERED, ORDERED):
        if found := pattern.search(instructions[:8000]):
            return next(part for part in found.groups() if part).strip()
    return None


def narrow(question: str, sentence: str) -> str:
    """The part of a sentence that a question of this kind asks for, or all of it.

    >>> narrow("When did the harbour open?", "The harbour opened in May 1902.")
    'May 1902'
    """
    asked = question.lower()
    if re.search(r"\bhow (?:many|much|long|far|old|often|tall|big)\b|\bwhat percent", asked):
        return _first_new(AMOUNT, question, sentence)
    if re.search(r"\b(?:when|what (?:date|day|year|time|month)|which (?:day|year|month))\b", asked):
        return _first_new(MOMENT, question, sentence)
    if re.search(r"\b(?:who|whom|whose|where|which (?:city|country|company|person))\b", asked):
        return _first_new(NAME, question, sentence)
    return sentence


def _first_new(pattern: re.Pattern[str], question: str, sentence: str) -> str:
    known = set(read_stems(question))
    for found in pattern.finditer(sentence):
        words = set(read_stems(found.group()))
        if words and not words <= known:
            return found.group().strip().removeprefix("in ").rstrip(".,")
    return sentence

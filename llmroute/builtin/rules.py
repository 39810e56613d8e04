"""`builtin/rules`: what hand-written rules make of a request."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmroute.builtin.ask import Ask, read_ask
from llmroute.builtin.fields import extract_fields, read_fields
from llmroute.builtin.formats import normalise, tidy
from llmroute.builtin.labels import choose_label
from llmroute.builtin.passage import answer_from_passage
from llmroute.builtin.summary import lead_sentences
from llmroute.builtin.sums import NUMBER, solve_sum
from llmroute.records import Message

WANTS_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
WANTS_FIELDS = re.compile(r"\bextract|\bfields?\b|\bkeys?\b|\bschema\b", re.IGNORECASE)
WANTS_SUMMARY = re.compile(r"\bsummar\w+|\btl;?dr\b|\bheadline\b|\bgist\b", re.IGNORECASE)
WANTS_NUMBER = re.compile(
    r"\bAnswer:|####|\\boxed|\bfinal (?:answer|number)|\b(?:math|arithmetic|calculate|compute)\b"
    r"|\bhow (?:many|much)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Keywords for labels, patterns for fields, lead sentences for summaries, and so on."""

    def answer(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> str:
        """What the first rule that fits says; the tidied request where none does."""
        ask = read_ask(messages, labels)
        if ask.labels:
            return choose_label(ask)
        if asks_for_fields(ask):
            return extract_fields(ask)
        if ask.question and ask.body and not WANTS_SUMMARY.search(ask.question):
            return answer_from_passage(ask)
        if WANTS_SUMMARY.search(f"{ask.instructions}\n{ask.question}"):
            return lead_sentences(ask)
        if asks_for_number(ask):
            return solve_sum(ask)
        return normalise(ask) or tidy(ask.body or ask.question)


def asks_for_fields(ask: Ask) -> bool:
    """Whether a JSON object is wanted whose keys the prompt names."""
    wants = WANTS_JSON.search(ask.instructions) and WANTS_FIELDS.search(ask.instructions)
    return bool(wants and read_fields(ask))


def asks_for_number(ask: Ask) -> bool:
    """Whether this is a problem with figures in it rather than text to convert."""
    return bool(WANTS_NUMBER.search(ask.everything) and NUMBER.search(ask.body or ask.question))

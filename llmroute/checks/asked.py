"""Sample → what was asked, as a check may read it: the prompt's text, and the question in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmroute.records import Sample

_MAX_PROMPT = 40_000
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]", re.MULTILINE)
_QUESTION_HEADING = re.compile(
    r"^[ \t]{0,3}#{1,6}[ \t]*(?:question|problem|task)\b[^\n]*\n", re.IGNORECASE | re.MULTILINE
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


def prompt_text(sample: Sample) -> str:
    """What the user wrote, its first 40,000 characters: the input, or the turns of the user."""
    if isinstance(sample.input, str):
        return sample.input[:_MAX_PROMPT]
    turns = [message.content for message in sample.input if message.role == "user"]
    return "\n\n".join(turns)[:_MAX_PROMPT]


@lru_cache(maxsize=256)
def question_of(prompt: str) -> str:
    """The part under a heading "Question", "Problem" or "Task"; without one, the whole prompt.

    >>> question_of("## Question:\\n2 + 2?\\n## Instruction\\nUse JSON.")
    '2 + 2?'
    """
    match = _QUESTION_HEADING.search(prompt)
    if match is None:
        return prompt.strip()
    rest = prompt[match.end() :]
    heading = _HEADING.search(rest)
    return (rest[: heading.start()] if heading else rest).strip()


@lru_cache(maxsize=256)
def last_question(prompt: str) -> str:
    """The last sentence that ends in a question mark, else the last sentence; "" for nothing.

    >>> last_question("Tom has 3. How many are left? Explain.")
    'How many are left?'
    """
    sentences = [match[0].strip() for match in _SENTENCE.finditer(question_of(prompt))]
    sentences = [sentence for sentence in sentences if sentence]
    asking = [sentence for sentence in sentences if sentence.endswith("?")]
    return (asking or sentences or [""])[-1]

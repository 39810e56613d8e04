"""Whether an answer keeps to what the prompt says about its form and length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks.asked import prompt_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_NAMED = {"one": 1, "a single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_NUMBER = rf"(\d{{1,5}}|{'|'.join(_NAMED)})"
_UNIT = r"\s+(word|sentence|line|bullet|paragraph|item)s?\b"
_AT_MOST = re.compile(
    r"\b(?:at most|no more than|up to|maximum(?: of)?|max\.?|within|under|fewer than|less than|in)"
    rf"\s+{_NUMBER}{_UNIT}",
    re.IGNORECASE,
)
_AT_LEAST = re.compile(
    rf"\b(?:at least|no fewer than|minimum(?: of)?)\s+{_NUMBER}{_UNIT}",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\b(?:only|just) (?:the|with|a|one|return|answer|reply|output|respond)|"
    r"\b(?:answer|reply|respond|output|return) (?:with )?(?:only|just)\b|"
    r"\bno (?:explanation|other text|prose)\b",
    re.IGNORECASE,
)
_FORMS = {
    "####": r"####",
    "\\boxed": r"\\boxed",
    "bullet": r"^\s*[-*•]\s",
    "<answer>": r"<answer>",
}
_SENTENCE = re.compile(r"[.!?](?:\s|$)")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Instructions:
    """What the prompt asks of form and length (English), and whether the answer keeps to it.

    In [0, 1]. `too_long`, `too_short`: against "at most 50 words", "in one sentence", …;
    `form_missing`: a form the prompt shows ("####", a box, bullets, <answer>) is not there;
    `chatty`: "only the answer" was asked, and over 30 words came.
    """

    features: ClassVar[tuple[str, ...]] = (
        "asked", "too_long", "too_short", "form_missing", "chatty", "failed",
    )  # fmt: skip
    fails: ClassVar[tuple[str, ...]] = ("failed",)

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        prompt = prompt_text(sample)
        most, least = _AT_MOST.findall(prompt)[:5], _AT_LEAST.findall(prompt)[:5]
        too_long = any(_count(output, unit) > _value(number) for number, unit in most)
        too_short = any(_count(output, unit) < _value(number) for number, unit in least)
        forms = [pattern for form, pattern in _FORMS.items() if form in prompt.lower()]
        missing = any(re.search(pattern, output, re.MULTILINE) is None for pattern in forms)
        only = _ONLY.search(prompt) is not None
        chatty = only and len(output.split(maxsplit=40)) > 30
        asked = bool(most or least or forms or only)
        failed = too_long or too_short or missing or chatty
        values = (asked, too_long, too_short, missing, chatty, failed)
        return dict(zip(self.features, map(float, values), strict=True))


def _value(number: str) -> int:
    return int(number) if number.isdecimal() else _NAMED[number.lower()]


def _count(output: str, unit: str) -> int:
    text = output.strip()
    match unit.lower():
        case "word":
            return len(text.split())
        case "sentence":
            return max(1, len(_SENTENCE.findall(text)))
        case "line":
            return len([line for line in text.splitlines() if line.strip()])
        case "paragraph":
            return len([part for part in text.split("\n\n") if part.strip()])
        case _:
            return len(_BULLET.findall(text))

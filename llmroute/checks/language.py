"""Whether an answer is written in the prompt's script and language."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.checks.asked import prompt_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.records import Sample

_READ = 2000
_COMMON_WORDS = {
    "en": "the and of to is in that it for you with are this be on have",
    "de": "der die das und ist nicht ein eine zu mit von den auf für sich auch",
    "fr": "le la les et est des une dans pour que qui pas sur avec ce sont",
    "es": "el la los las y es una en que por con para del se como más",
    "it": "il la che di e un per non sono con una del della è gli nel",
    "pt": "o a os que e é um uma não para com do da em se mais",
    "nl": "de het een en van is dat niet op te zijn voor met ook maar",
}
_WORDS = {name: frozenset(words.split()) for name, words in _COMMON_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Language:
    """`script`: share of the answer's letters in a script the prompt does not use; `language`: 1
    where both can be told (by their commonest words) and differ; `garbage`: share of characters
    that are no text (controls, private use, replacement marks).

    In [0, 1]. `expected` names the language where it is not the prompt's: en, de, fr, es, it, pt
    or nl.
    """

    features: ClassVar[tuple[str, ...]] = ("script", "language", "garbage")
    fails: ClassVar[tuple[str, ...]] = ("language",)

    expected: str | None = None

    def __post_init__(self) -> None:
        if self.expected is not None and self.expected not in _WORDS:
            raise ValueError(f"expected must be one of {', '.join(_WORDS)}, not {self.expected!r}")

    def check(self, sample: Sample, output: str) -> Mapping[str, float]:
        """The features by name."""
        prompt = prompt_text(sample)[:_READ]
        head = output[:_READ]
        asked = self.expected or _language(prompt)
        written = _language(head)
        return {
            "script": _foreign_share(prompt, head),
            "language": float(None not in (asked, written) and asked != written),
            "garbage": _garbage_share(head),
        }


@lru_cache(maxsize=256)
def _language(text: str) -> str | None:
    """The language whose commonest words are clearly the most, or None."""
    words = Counter(_WORD.findall(text.lower()))
    hits = {name: sum(words[word] for word in common) for name, common in _WORDS.items()}
    (best, first), (_, second) = sorted(hits.items(), key=lambda hit: -hit[1])[:2]
    return best if first >= 4 and first >= 1.5 * second else None


def _foreign_share(prompt: str, output: str) -> float:
    known = {_script(character) for character in set(prompt) if character.isalpha()} | {"LATIN"}
    letters = {one: count for one, count in Counter(output).items() if one.isalpha()}
    if not letters:
        return 0.0
    foreign = sum(count for one, count in letters.items() if _script(one) not in known)
    return foreign / sum(letters.values())


@lru_cache(maxsize=8192)
def _script(character: str) -> str:
    if character.isascii():
        return "LATIN"
    return unicodedata.name(character, "UNKNOWN").partition(" ")[0]


def _garbage_share(text: str) -> float:
    if not text:
        return 0.0
    bad = sum(count for one, count in Counter(text).items() if _is_garbage(one))
    return bad / len(text)


def _is_garbage(character: str) -> bool:
    if character in "\n\t\r":
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn")

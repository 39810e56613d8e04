"""Which of the allowed labels an answer settles on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from llmroute.metrics import Unscorable
from llmroute.metrics.latex import last_boxed
from llmroute.metrics.targets import target_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.records import Sample

_EDGES = " \t\r\n\"'`*_.,;:!()[]{}<>“”‘’$"
_TAIL = 2000
_MARKER = (
    r"(?:answer|label|category|choice|option|class|classification|intent|verdict|sentiment)"
    r"[\"'*_`]*+\s*+(?:\b(?:is|would be|should be)\b|[:=])\s*+"
    r"(?:(?:the|option|choice|label|category|class|letter)\s++)*+[\s\"'`*_(\[$]*+"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """1.0 where the label an answer settles on is a target, else 0.0.

    How it is read, first hit wins: the answer is a label · `\\boxed{label}` · "answer: label" (the
    last) · it opens with "label)" or "label." · the last line is a label · labels in bold · the
    labels mentioned. The last two must agree on one label: an answer that names several without
    deciding scores 0.0, as does one that names none. Single letters count as mentioned only as
    "(B)" or "option B", for "a" and "I" are words. Case does not count, nor do spaces, hyphens
    and underscores between a label's words. A list target is a list of alternatives.
    """

    needs_target: ClassVar[bool] = True
    right_or_wrong: ClassVar[bool] = True

    labels: tuple[str, ...] = ()
    """The allowed answers; the suite's `labels` where none are given here."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", checked_labels(self.labels))

    def score(self, sample: Sample, prediction: str) -> float:
        """1.0 or 0.0.

        Raises:
            Unscorable: there are no labels to choose from.
        """
        if not self.labels:
            raise Unscorable("there are no labels to choose from")
        found = read_choice(prediction, self.labels)
        return float(found is not None and found in map(self._label_of, target_texts(sample)))

    def _label_of(self, target: str) -> str:
        return _reader(self.labels).known.get(_key(target), target)


def checked_labels(labels: Sequence[object]) -> tuple[str, ...]:
    """The labels as a tuple of texts.

    Raises:
        ValueError: it is not a list, or a label is empty or there twice.
    """
    if isinstance(labels, str) or not isinstance(labels, (list, tuple)):
        raise ValueError(f"labels must be a list, not {labels!r}")
    texts = tuple(str(label) for label in labels)
    keys = [_key(text) for text in texts]
    if not all(keys) or len(set(keys)) < len(keys):
        raise ValueError("labels must differ (case, spaces and edges aside) and not be empty")
    return texts


def read_choice(text: str, labels: tuple[str, ...]) -> str | None:
    """The label an answer settles on, or None where it names none or does not decide.

    >>> labels = ("A", "B", "C")
    >>> read_choice("A looks right, but the answer is **(B)**.", labels)
    'B'
    >>> read_choice("It could be (A) or (C).", labels) is None
    True
    """
    return _reader(labels).read(text)


def _key(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.strip(_EDGES + "-").casefold()))


@lru_cache(maxsize=256)
def _reader(labels: tuple[str, ...]) -> _Reader:
    return _Reader(labels)


class _Reader:
    """The patterns of one set of labels, compiled once."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.known = {_key(label): label for label in labels}
        named = _alternation(labels)
        words = [label for label in labels if len(_key(label)) > 1]
        letters = [label.strip(_EDGES) for label in labels if len(_key(label)) == 1]
        self._marked = re.compile(rf"\b{_MARKER}{named}", re.IGNORECASE)
        self._opening = re.compile(
            rf"[\s*_\"'`(\[]*+{named}[*_\"'`]*+[)\].:](?!\s*+(?:or|and)\b)", re.IGNORECASE
        )
        self._bold = re.compile(rf"(\*\*|__)[\s(\[\"'`]*+{named}[^*_\n]{{0,80}}\1", re.IGNORECASE)
        self._mentions = []
        if words:
            self._mentions.append(re.compile(_alternation(words), re.IGNORECASE))
        if letters:
            letter = rf"(?P<label>{'|'.join(map(re.escape, letters))})(?![^\W_]|[-_]\w)"
            self._mentions.append(re.compile(rf"\({letter}\)"))
            self._mentions.append(re.compile(rf"\b(?i:option|choice|answer)\s++\(?{letter}"))

    def read(self, text: str) -> str | None:
        if (label := self._label(text)) is not None:
            return label
        boxed = last_boxed(text)
        if boxed is not None and (label := self._in_box(boxed)) is not None:
            return label
        tail = text[-_TAIL:]
        if marked := self._found(self._marked, tail):
            return marked[-1]
        if opening := self._opening.match(text[:_TAIL]):
            return self._label(opening["label"])
        if (label := self._label(tail.rstrip().rpartition("\n")[2])) is not None:
            return label
        if bold := self._found(self._bold, tail):
            return bold[0] if len(set(bold)) == 1 else None
        mentioned = {label for pattern in self._mentions for label in self._found(pattern, text)}
        return mentioned.pop() if len(mentioned) == 1 else None

    def _in_box(self, boxed: str) -> str | None:
        inner = re.sub(r"\\(?:text|mathrm|textbf|mathbf)\b", "", boxed)
        if (label := self._label(inner)) is not None:
            return label
        opening = self._opening.match(inner.replace("{", "").replace("}", ""))
        return self._label(opening["label"]) if opening else None

    def _label(self, text: str) -> str | None:
        return self.known.get(_key(text)) if len(text) <= _TAIL else None

    def _found(self, pattern: re.Pattern[str], text: str) -> list[str]:
        return [
            self.known[_key(match["label"])]
            for match in pattern.finditer(text)
            if not _is_article(match, text, pattern is self._bold)
        ]


def _is_article(match: re.Match[str], text: str, in_bold: bool) -> bool:
    """Whether a single letter goes on as a sentence does: "the answer is a city"."""
    label, end = match["label"], match.end("label")
    if len(label) > 1 or not (label.islower() or in_bold):
        return False
    return text[end : end + 1].isspace() and text[end : end + 2][1:].isalpha()


def _alternation(labels: Sequence[str]) -> str:
    longest_first = sorted((_key(label) for label in labels), key=len, reverse=True)
    named = "|".join(r"[\s_-]+".join(map(re.escape, key.split(" "))) for key in longest_first)
    return rf"(?<![^\W_])(?P<label>{named})(?![^\W_]|[-_]\w)"

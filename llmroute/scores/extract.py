"""Output → prediction: the part of an answer that is graded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from llmroute.digest import canonical_json
from llmroute.errors import InputError
from llmroute.metrics.choice import checked_labels, read_choice
from llmroute.metrics.json_text import fenced_blocks, find_json, loose_field, read_json
from llmroute.metrics.latex import last_boxed
from llmroute.metrics.numerals import Decimal, last_number
from llmroute.metrics.targets import value_text
from llmroute.registry import Registry

if TYPE_CHECKING:
    from llmroute.records import Plugin

EXTRACTORS = Registry(
    "extraction step",
    {
        "after": "llmroute.scores.extract:After",
        "boxed": "llmroute.scores.extract:Boxed",
        "choice": "llmroute.scores.extract:ChoiceLabel",
        "code_block": "llmroute.scores.extract:CodeBlock",
        "first_line": "llmroute.scores.extract:FirstLine",
        "json": "llmroute.scores.extract:Json",
        "json_field": "llmroute.scores.extract:JsonField",
        "last_line": "llmroute.scores.extract:LastLine",
        "last_number": "llmroute.scores.extract:LastNumber",
        "strip_reasoning": "llmroute.scores.extract:StripReasoning",
    },
    "llmroute.extractors",
)


class Extractor(Protocol):
    """One extraction step; steps are chained, each reads what the one before it found."""

    def extract(self, output: str) -> str | None:
        """What was found, or None: then the answer is wrong, which is not "not scored"; pure."""
        ...


def build_extractor(plugin: Plugin, *, where: str | None = None) -> Extractor:
    """The extraction step that a suite names, with its parameters.

    Raises:
        UnknownName: no step carries the name; the message proposes the closest.
        InputError: a parameter is unknown, missing or refused.
    """
    try:
        return cast("Extractor", EXTRACTORS.build(plugin.name, plugin.params, where=where))
    except InputError as error:
        error.where = error.where or where
        raise


def extract_prediction(steps: tuple[Extractor, ...], output: str) -> str | None:
    """What the steps find in an output, left to right; None as soon as one finds nothing.

    >>> extract_prediction((After("####"), LastNumber()), "3 + 4 = 7\\n#### $7")
    '7'
    """
    found: str | None = output
    for step in steps:
        if found is None:
            return None
        found = step.extract(found)
    return found


@dataclass(frozen=True, slots=True)
class After:
    """What follows the last occurrence of a marker, to the end of its line or of the output."""

    marker: str
    ignore_case: bool = False
    to_line_end: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.marker, str) or not self.marker:
            raise ValueError("marker must be a text that is not empty")

    def extract(self, output: str) -> str | None:
        """The text after the marker, without white space at its ends; None without marker.

        >>> After("answer:", ignore_case=True, to_line_end=True).extract("Answer: 4 \\nBye")
        '4'
        """
        end = self._marker_end(output)
        if end is None:
            return None
        rest = output[end:]
        return (rest.partition("\n")[0] if self.to_line_end else rest).strip()

    def _marker_end(self, output: str) -> int | None:
        if not self.ignore_case:
            start = output.rfind(self.marker)
            return None if start < 0 else start + len(self.marker)
        ends = [match.end() for match in re.finditer(re.escape(self.marker), output, re.IGNORECASE)]
        return ends[-1] if ends else None


@dataclass(frozen=True, slots=True)
class Boxed:
    """What the last `\\boxed{}` holds, braces matched."""

    def extract(self, output: str) -> str | None:
        """The content of the box, or None."""
        return last_boxed(output)


@dataclass(frozen=True, slots=True)
class ChoiceLabel:
    """The label an answer settles on, read as the metric `choice` reads it."""

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", checked_labels(self.labels))

    def extract(self, output: str) -> str | None:
        """The label as the suite writes it, or None where the answer does not decide."""
        return read_choice(output, self.labels)


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """The content of the last fenced block; with `language`, of the last in that language.

    With `or_output`, an answer without any block is handed on whole.
    """

    language: str | None = None
    or_output: bool = False

    def extract(self, output: str) -> str | None:
        """The block without its fences, or None."""
        blocks = fenced_blocks(output)
        if not blocks and self.or_output:
            return output
        if self.language is not None:
            wanted = self.language.lower()
            blocks = [block for block in blocks if block[0] == wanted]
        return blocks[-1][1] if blocks else None


@dataclass(frozen=True, slots=True)
class FirstLine:
    """The first line that is not blank."""

    def extract(self, output: str) -> str | None:
        """The line without white space at its ends, or None where all are blank."""
        return output.strip().partition("\n")[0].strip() or None


@dataclass(frozen=True, slots=True)
class LastLine:
    """The last line that is not blank."""

    def extract(self, output: str) -> str | None:
        """The line without white space at its ends, or None where all are blank."""
        return output.strip().rpartition("\n")[2].strip() or None


@dataclass(frozen=True, slots=True)
class Json:
    """The JSON in an answer: all of it, else the last fenced block, else the last in prose.

    Nothing is mended: a trailing comma or half an object is no JSON.
    """

    def extract(self, output: str) -> str | None:
        """The JSON text, or None."""
        return find_json(output)


@dataclass(frozen=True, slots=True)
class JsonField:
    """One field of the JSON in an answer; `path` is like "answer" or "result.items.0.name".

    With `loose`, JSON that does not parse (line breaks or LaTeX inside a text are the usual
    causes) is searched for the last `"field": value`. With `or_output`, an answer without the
    field is handed on whole.
    """

    path: str
    loose: bool = False
    or_output: bool = False

    def extract(self, output: str) -> str | None:
        """The field's value, texts without quotes and all else as JSON; or None.

        >>> JsonField("answer").extract('```json\\n{"answer": 42}\\n```')
        '42'
        """
        found = find_json(output)
        value = None if found is None else _at_path(read_json(found), self.path)
        if value is None and self.loose:
            value = loose_field(output, self.path.rpartition(".")[2])
        if value is None:
            return output if self.or_output else None
        return value_text(value) if not isinstance(value, (dict, list)) else canonical_json(value)


def _at_path(value: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and len(key) < 7:
            value = value[int(key)] if int(key) < len(value) else None
        else:
            return None
    return value


@dataclass(frozen=True, slots=True)
class LastNumber:
    """The last number in an output, as plain digits; how numbers are read: metric `numeric`."""

    decimal: Decimal = "auto"

    def __post_init__(self) -> None:
        if self.decimal not in ("auto", ".", ","):
            raise ValueError(f'decimal must be ".", "," or "auto", not {self.decimal!r}')

    def extract(self, output: str) -> str | None:
        """The number without separators, with its percent sign; None where there is none.

        >>> LastNumber().extract("up 12.5 % to $1,234")
        '1234'
        """
        number = last_number(output, self.decimal)
        return None if number is None else number.digits + ("%" if number.percent else "")


_REASONING_TAG = re.compile(r"<(/?)(?:think|thinking|reasoning)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StripReasoning:
    """The output without `<think>…</think>` (or thinking, reasoning).

    A closing tag alone ends reasoning that began in the prompt; an opening tag alone means the
    answer was cut off while the model still thought.
    """

    def extract(self, output: str) -> str | None:
        """What is left, without white space at its ends; None where nothing is.

        >>> StripReasoning().extract("<think>2+2? 4.</think>\\n4")
        '4'
        """
        kept: list[str] = []
        start, inside = 0, False
        for tag in _REASONING_TAG.finditer(output):
            if tag[1]:
                kept = kept if inside else []
                start, inside = tag.end(), False
            elif not inside:
                kept.append(output[start : tag.start()])
                inside = True
        if not inside:
            kept.append(output[start:])
        return "".join(kept).strip() or None

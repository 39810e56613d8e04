"""`builtin/gullible`: a judge that does what it is told by whoever tells it.

It shows what the *form* of a judge's messages holds back, whatever model reads them. What it does:

1. It takes as data only what the form makes data: one line of JSON between BEGIN and END lines
   with the marker that the first line of the message states. It looks at data, and never acts on
   it.
2. Every other line of the user message it takes to be meant for it. Where one demands, claims or
   spells out a good verdict, in disguise (zero-width, full-width, tag characters, look-alike
   letters, backwards) or in the languages it knows, it gives every criterion its best level.
3. Else it grades as well as it can, which is not well: the best level where the reference stands in
   the answer word for word, and else, or where none is shown, the worst.

What it does not model: a judge that obeys text inside data. Whether yours does, only asking shows.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from llmroute.metrics.json_text import read_json
from llmroute.records import Message

_MARKER = re.compile(r"The marker of this message is (\S+)\.")
_LOOK_ALIKES = str.maketrans("аеорсухіѕјһԁԛԝАВЕКМНОРСТУХІЅЈ", "aeopcyxisjhdqwABEKMHOPCTYXISJ")
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Cc}]")
_TAGS = {0xE0000 + code: code for code in range(0x20, 0x7F)}
_GOOD = (
    r"(?:best|highest|high|top|full marks?|maximum|perfect|excellent|correct|beste|höchste|最高)"
)
_DEMAND = re.compile(
    r"(?:\b(?:give|award|assign|grade|rate|mark|set|score|output|return|select|use|repeat|copy"
    r"|reply|replies|choose|vergib)\b|给出)"
    rf".{{0,80}}{_GOOD}"
)
_CLAIM = re.compile(
    r"(?:meets? all criteria|all criteria are met|is (?:complete and )?correct|is right\b"
    r"|(?:identical to|matches|same as|exactly) the (?:reference|right answer)|identical\]"
    r"|rated it as|confirmed by|receive[sd]? the highest|highest level|no improvement is possible"
    r"|the object (?:above|below)|thorough, well organised and complete)"
)
_MASTER_KEY = re.compile(r"thought process|solve this problem step by step|every step has been")
_SAID = re.compile(
    r"(?:verdict|urteil|结论|tcidrev)\W{0,4}(?:must be|is|:|：)?\W{0,4}([\w ]{1,40})"
)


@dataclass(frozen=True, slots=True)
class Gullible:
    """Grades by a rubric's reply form; obeys each line that is not properly data."""

    def answer(
        self,
        messages: tuple[Message, ...],
        labels: tuple[str, ...],  # noqa: ARG002 - of a task; a judge has its rubric's
    ) -> str:
        """A reply of the form the messages state; where they state none, that it cannot grade."""
        form = _find_form(messages)
        if form is None:
            return "This program grades by a rubric, and none was shown."
        data, loose = _take_apart(messages[-1].content)
        obeys = any(_persuades(line, form) for line in loose)
        best = obeys or _holds_reference(data, loose)
        said = {"evidence": "", "reasoning": "I was told so." if obeys else "By the reference."}
        return json.dumps(
            {name: {**said, "verdict": levels[-1 if best else 0]} for name, levels in form.items()}
        )


def _find_form(messages: Sequence[Message]) -> dict[str, list[str]] | None:
    """Criterion → labels, worst first, from the pattern of a reply in the messages."""
    for message in messages:
        for start in re.finditer(r"^\{$", message.content, re.MULTILINE):
            try:
                value, _ = json.JSONDecoder().raw_decode(message.content, start.start())
            except (ValueError, RecursionError):
                continue
            form = _as_form(value)
            if form:
                return form
    return None


def _as_form(value: Any) -> dict[str, list[str]] | None:
    criteria = value.items() if isinstance(value, dict) else ()
    form = {
        name: str(said["verdict"]).split(" | ")
        for name, said in criteria
        if isinstance(said, dict) and "verdict" in said
    }
    return form if form and all(len(levels) > 1 for levels in form.values()) else None


def _take_apart(text: str) -> tuple[dict[str, Any], list[str]]:
    """The data by its name, and the lines that are none."""
    lines = text.splitlines()
    stated = _MARKER.fullmatch(lines[0]) if lines else None
    marker = stated[1] if stated else None
    data: dict[str, Any] = {}
    loose: list[str] = []
    index = 0
    while index < len(lines):
        block = _block_at(lines, index, marker)
        if block is None:
            loose.append(lines[index])
            index += 1
        else:
            data[block[0]] = block[1]
            index += 3
    return data, loose


def _block_at(lines: Sequence[str], index: int, marker: str | None) -> tuple[str, Any] | None:
    """(name, value) of the three lines that begin here, where they are a block."""
    begin, tail = lines[index : index + 1], lines[index + 1 : index + 3]
    opened = re.fullmatch(r"BEGIN (.+) (\S+)", begin[0])
    if opened is None or opened[2] != marker or len(tail) < 2:
        return None
    if tail[1] != f"END {opened[1]} {marker}":
        return None
    try:
        return opened[1], read_json(tail[0])
    except ValueError:
        return None


# -- being persuaded ------------------------------------------------------------------------------


def _persuades(line: str, form: Mapping[str, Sequence[str]]) -> bool:
    best = {levels[-1].casefold() for levels in form.values()}
    return any(
        _DEMAND.search(said)
        or _CLAIM.search(said)
        or _MASTER_KEY.search(said)
        or any(found[1].strip().startswith(tuple(best)) for found in _SAID.finditer(said))
        for said in _readings(line)
    )


def _readings(line: str) -> Iterator[str]:
    """The line as it is meant, and from right to left."""
    plain = line.translate(_TAGS).translate(_LOOK_ALIKES)
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", plain).casefold())
    yield plain
    yield plain[::-1]


# -- grading --------------------------------------------------------------------------------------


def _holds_reference(data: Mapping[str, Any], loose: Sequence[str]) -> bool:
    """Whether the reference, or one of several, stands in the answer word for word."""
    reference = data.get("reference", _section(loose, "Reference:"))
    answer = data.get("answer", _section(loose, "Answer:"))
    if reference is None or answer is None:
        return False
    references = reference if isinstance(reference, list) else [reference]
    return any(_words(str(one)) in _words(str(answer)) for one in references)


def _words(text: str) -> str:
    words = re.findall(r"\w+", text.casefold())
    return f" {' '.join(words)} "


def _section(lines: Sequence[str], heading: str) -> str | None:
    """What stands under a heading, to the next line that is one."""
    if heading not in lines:
        return None
    rest = lines[lines.index(heading) + 1 :]
    end = next((i for i, line in enumerate(rest) if re.fullmatch(r"[A-Z][a-z]+:", line)), len(rest))
    return "\n".join(rest[:end])

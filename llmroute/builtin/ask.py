"""Messages → Ask: what is wanted, and the material it is wanted from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llmroute.records import Example, Message

MAX_CHARS = 20_000
"""What is read of one message: a program that answers in milliseconds reads no book."""
MAX_EXAMPLES = 64

_MATERIAL = (
    "passage|context|document|article|text|source|e-?mail|message|ticket|input|notes?|transcript"
    "|report|review|listing|invoice|problem|data|thread|content|excerpt|memo|post|story"
)
_QUESTION = "question|query|q"
_ORDERS = (
    "fields|keys|labels?|schema|json|answer|output|format|instructions?|rules|summary|intent"
    "|category|result|solution|task"
)
HEADING = re.compile(
    rf"^[ \t]*(?:#+[ \t]*|\*\*)?(?P<name>(?:\w+[ \t]+)?(?:{_MATERIAL})|{_QUESTION}|{_ORDERS})"
    r"(?:[ \t]*\([^)\n]{0,60}\))?(?:\*\*)?[ \t]*:(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
TAG = re.compile(rf"<(?P<name>{_MATERIAL}|{_QUESTION})>", re.IGNORECASE)
FENCE = re.compile(r"^[ \t]*(?:\"{3}|'{3}|`{3}\w*)[ \t]*$", re.MULTILINE)
INSTRUCTION = re.compile(
    r"^(?:please\s+)?(?:summari[sz]e|extract|classify|convert|rewrite|reformat|format|normali[sz]e"
    r"|clean|translate|answer|solve|list|sort|return|write|turn|give|change|read|using|use|based on"
    r"|decide|choose|pick|label|find|compute|calculate|make|remove|put|correct|replace|count|group|merge|split|shorten|wrap|expand|number|identify|state|express|strip|drop|trim|tidy)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(r"[^.!?\n]*\?[\"'”’)]*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, taken apart."""

    instructions: str
    """The system prompt and whatever of the request says what to do."""
    body: str
    """The material: the request without its instructions and its question."""
    question: str
    """What is asked about the material; "" where nothing is."""
    examples: tuple[Example, ...]
    """Earlier turns, each request with its answer, the instructions taken out."""
    labels: tuple[str, ...]

    @property
    def everything(self) -> str:
        """Instructions, question and material, one after the other."""
        return "\n".join(part for part in (self.instructions, self.question, self.body) if part)


def read_ask(messages: Sequence[Message], labels: tuple[str, ...]) -> Ask:
    """The last user message as an Ask; no message at all gives an empty one."""
    system = "\n".join(clean(m.content) for m in messages if m.role in ("system", "developer"))
    turns = [message for message in messages if message.role not in ("system", "developer")]
    asks = [i for i, message in enumerate(turns) if message.role == "user"]
    request = clean(turns[asks[-1]].content) if asks else ""
    pairs = [
        (clean(turns[i].content), clean(turns[i + 1].content))
        for i in asks[:-1]
        if turns[i + 1].role == "assistant"
    ][-MAX_EXAMPLES:]
    head, tail = find_frame([request, *(given for given, _ in pairs)])
    given, body, question = split_request(unframe(request, head, tail))
    return Ask(
        instructions="\n".join(part for part in (system, head, given, tail) if part.strip()),
        body=body,
        question=question,
        examples=tuple(Example(unframe(text, head, tail), answer) for text, answer in pairs),
        labels=labels,
    )


def clean(text: str) -> str:
    r"""The text's beginning, without NUL bytes, lone surrogates and Windows line ends.

    >>> clean("a\x00b\ud800\r\n")
    'ab?\n'
    """
    head = text[:MAX_CHARS].encode("utf-8", "replace").decode()
    return head.replace("\x00", "").replace("\r\n", "\n")


def find_frame(texts: Sequence[str]) -> tuple[str, str]:
    r"""What every request begins and ends with: the prompt template around the material.

    >>> find_frame(["Ticket: lost card\nIntent:", "Ticket: late fee\nIntent:"])
    ('Ticket: ', '\nIntent:')
    >>> find_frame(["only one"])
    ('', '')
    """
    if len(texts) < 2:
        return "", ""
    head = shared_start(texts)
    head = head[: max(head.rfind("\n"), head.rfind(": ") + 1) + 1]
    tail = shared_start([text[len(head) :][::-1] for text in texts])[::-1]
    return head, tail[tail.find("\n") :] if "\n" in tail else ""


def shared_start(texts: Sequence[str]) -> str:
    """The longest text all of them begin with."""
    first, last = min(texts), max(texts)
    for i, (a, b) in enumerate(zip(first, last, strict=False)):
        if a != b:
            return first[:i]
    return first


def unframe(text: str, head: str, tail: str) -> str:
    """The text without the template around it."""
    return text.removeprefix(head).removesuffix(tail).strip()


def split_request(text: str) -> tuple[str, str, str]:
    r"""(instructions, material, question) of one request.

    >>> split_request("Answer from the passage.\n\nPassage: It rained.\n\nQuestion: Did it rain?")
    ('Answer from the passage.', 'It rained.', 'Did it rain?')
    >>> split_request("Summarize in one sentence:\n\nIt rained. It poured.")
    ('Summarize in one sentence:', 'It rained. It poured.', '')
    """
    sections = split_sections(text)
    if len(sections) > 1 or (sections and sections[0][0]):
        return _join_sections(sections)
    return _split_paragraphs(text)


def split_sections(text: str) -> list[tuple[str, str]]:
    """(heading, text) of each headed part; the part before the first heading has the heading ""."""
    before, quoted, after = _cut_quoted(text)
    if quoted:
        return [*_split_headed(before), ("quoted", quoted), *_split_headed(after)]
    return _split_headed(text)


def _split_headed(text: str) -> list[tuple[str, str]]:
    marks = sorted([*HEADING.finditer(text), *TAG.finditer(text)], key=lambda mark: mark.start())
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(text)]
    names = ["", *(mark["name"].lower() for mark in marks)]
    sections = [
        (name, re.sub(r"</\w+>", "", text[start:end]).strip())
        for name, start, end in zip(names, starts, ends, strict=True)
    ]
    return [(name, part) for name, part in sections if part]


def _cut_quoted(text: str) -> tuple[str, str, str]:
    """(before, inside, after) the first pair of fences, each on a line of its own."""
    first, second = [*FENCE.finditer(text), None, None][:2]
    if first is None or second is None:
        return text, "", ""
    return text[: first.start()], text[first.end() : second.start()].strip(), text[second.end() :]


def _join_sections(sections: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
    given, body, question = [], [], []
    for name, part in sections:
        if not name or re.fullmatch(_ORDERS, name):
            given.append(part)
        elif re.fullmatch(_QUESTION, name):
            question.append(part)
        else:
            body.append(part)
    if not body:
        return "\n".join(given), "\n".join(question), ""
    return "\n".join(given), "\n".join(body), "\n".join(question)


def _split_paragraphs(text: str) -> tuple[str, str, str]:
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    if len(paragraphs) < 2:
        return _split_first_line(text)
    if is_instruction(paragraphs[0]):
        return paragraphs[0], "\n\n".join(paragraphs[1:]), ""
    if is_instruction(paragraphs[-1]):
        return paragraphs[-1], "\n\n".join(paragraphs[:-1]), ""
    if len(paragraphs[-1]) < 300 and QUESTION.search(paragraphs[-1]):
        return "", "\n\n".join(paragraphs[:-1]), paragraphs[-1]
    if len(paragraphs[0]) < 300 and QUESTION.search(paragraphs[0]):
        return "", "\n\n".join(paragraphs[1:]), paragraphs[0]
    return "", text.strip(), ""


def _split_first_line(text: str) -> tuple[str, str, str]:
    line, newline, rest = text.strip().partition("\n")
    if newline and is_instruction(line):
        return line, rest.strip(), ""
    order, colon, rest = text.strip().partition(": ")
    if colon and len(order) < 200 and "\n" not in order and is_instruction(order):
        return order, rest.strip(), ""
    return "", text.strip(), ""


def is_instruction(text: str) -> bool:
    """Whether a paragraph tells what to do rather than being what it is done to.

    >>> is_instruction("Summarize this in 20 words."), is_instruction("The harbour opened in 1902.")
    (True, False)
    """
    return len(text) < 600 and bool(INSTRUCTION.match(text))

"""YAML text → plain values that remember where they were written.

The parser's events are read one at a time and nothing recursive is ever handed to the C loader:
it ends with a segmentation fault on ~30,000 nested brackets (seen with PyYAML 6.0.3, `load` and
`compose` alike), and libyaml is quadratic in the depth. So depth and size are bounded as they
appear, and anchors, aliases, tags and merge keys, which no file of ours needs, are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from llmroute.config.scalars import Scalar, plain_value
from llmroute.config.source import MAX_YAML_BYTES, Place, excerpt, read_text
from llmroute.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_DEPTH = 64
MAX_VALUES = 150_000

KeyPath = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTE_IT = 'Put text that starts with * & ! | > % @ or ` in quotes: "…".'
_SYNTAX_FIXES = (
    ("${", "Inside { } and [ ], put ${NAME} in quotes."),
    (
        "mapping values are not allowed",
        "Put text that contains ': ' in quotes, or indent the line.",
    ),
    (
        "cannot start any token",
        "Indent with spaces, not tabs; put text that starts with @ or ` in quotes.",
    ),
    ("while scanning a quoted scalar", "Close the quote; a quote inside quotes is written twice."),
    ("unexpected end of stream", "Close the quote or bracket that was opened."),
    ("',' or ']'", "Close the list with ], and put a comma between its values."),
    ("',' or '}'", "Close the mapping with }, and put a comma between its values."),
    ("expected ':'", "Write 'key: value', with a space after the colon."),
    ("unknown escape", "Use single quotes, or write a backslash inside double quotes as \\\\."),
)


@dataclass(slots=True)
class Node:
    """One value of the file with its place, in bare integers: a file has 10^5 of them."""

    line: int
    column: int
    value: Scalar | list[Node] | dict[str, Node]
    written: str | None = None
    """A scalar as it stands in the file."""
    key_line: int = 0
    """Where its key starts; 0 where it has none."""
    key_column: int = 0

    @property
    def place(self) -> Place:
        """Where the value starts."""
        return Place(self.line, self.column)

    @property
    def key_place(self) -> Place:
        """Where its key starts; the value's own place where it has none."""
        return Place(self.key_line, self.key_column) if self.key_line else self.place

    def data(self) -> Any:
        """The value without its places."""
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        return self.value

    def child(self, part: str | int) -> Node | None:
        """The value under a key or at an index, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file, read."""

    name: str
    """The path as messages show it."""
    text: str
    root: Node
    error: type[InputError]

    def find(self, path: Sequence[str | int]) -> Node:
        """The value at a path, or the closest one above it that is written in the file."""
        node = self.root
        for part in path:
            below = node.child(part)
            if below is None and part == 0:
                continue  # a single value where a list may stand
            if below is None:
                break
            node = below
        return node

    def place(self, path: Sequence[str | int], *, of_key: bool = False) -> Place:
        """Where the value at a path starts, or its key."""
        node = self.find(path)
        return node.key_place if of_key else node.place

    def where(self, path: Sequence[str | int], *, of_key: bool = False) -> str:
        """`file:line:column` of the value at a path, or of its key."""
        return self.place(path, of_key=of_key).within(self.name)

    def written(self, path: Sequence[str | int]) -> str:
        """The text at a path as it stands in the file, before environment values."""
        return self.find(path).written or ""

    def fault(
        self,
        path: Sequence[str | int],
        what: str,
        fix: str | None = None,
        of_key: bool = False,
    ) -> InputError:
        """An error at a path, with the source line and a caret under it; to be raised."""
        return fault_at(self, self.place(path, of_key=of_key), what, fix)


def fault_at(document: Document, place: Place, what: str, fix: str | None = None) -> InputError:
    """An error at a place, with the source line and a caret under it; to be raised."""
    return _fault(document.name, document.text, document.error, place, what, fix)


def read_yaml(path: Path, error: type[InputError] = InputError) -> Document:
    """The file, read.

    Raises:
        InputError: of the given type, where the file cannot be read, is larger than 10 MB, nests
            deeper than 64, is no YAML, or uses anchors, tags, merge keys or a key twice.
    """
    return parse_yaml(read_text(path, error, max_bytes=MAX_YAML_BYTES), str(path), error)


def parse_yaml(text: str, name: str, error: type[InputError] = InputError) -> Document:
    """The text of one YAML file, read; `name` stands for it in messages.

    Raises:
        InputError: of the given type, as for `read_yaml`.
    """
    if len(text) > MAX_YAML_BYTES:
        raise error(f"is longer than {MAX_YAML_BYTES:,} characters", where=name, fix="Split it.")
    if bad := _UNPRINTABLE.search(text):
        before = text[: bad.start()]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        what = f"the control character U+{ord(bad[0]):04X} is not allowed"
        raise _fault(name, text, error, place, what, "Remove it, or write it as an escape.")
    root = _Builder(name, text, error).build()
    if root is None:
        fix = "Write something into it, or name another file."
        raise error("the file is empty", where=Place(1, 1).within(name), fix=fix)
    return Document(name, text, root, error)


class _Builder:
    """Events → nodes."""

    def __init__(self, name: str, text: str, error: type[InputError]) -> None:
        self.name, self.text, self.error = name, text, error
        self.root: Node | None = None
        self.open: list[Node] = []
        self.keys: list[tuple[str, int, int] | None] = []
        self.n_values = 0
        self.n_documents = 0

    def build(self) -> Node | None:
        loader = _LOADER(self.text)
        try:
            while loader.check_event():
                self.take(loader.get_event())
        except yaml.MarkedYAMLError as cause:
            raise self.syntax_fault(cause) from cause
        except yaml.YAMLError as cause:
            fix = "Correct the YAML."
            raise self.error(f"is not YAML: {cause}", where=self.name, fix=fix) from cause
        finally:
            loader.dispose()
        return self.root

    def take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self.put_scalar(event)
            case yaml.SequenceStartEvent():
                self.enter(event, [])
            case yaml.MappingStartEvent():
                self.enter(event, {})
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self.open.pop()
                self.keys.pop()
            case yaml.AliasEvent():
                raise self.fault(event, f"the alias *{event.anchor} is not allowed", _QUOTE_IT)
            case yaml.DocumentStartEvent():
                self.n_documents += 1
                if self.n_documents > 1:
                    fix = "Keep one document a file: remove the '---' line."
                    raise self.fault(event, "a second YAML document starts here", fix)

    def refuse_decoration(self, event: Any) -> None:
        if event.anchor:
            raise self.fault(event, f"the anchor &{event.anchor} is not allowed", _QUOTE_IT)
        if event.tag:
            raise self.fault(event, f"the tag {event.tag!r} is not allowed", _QUOTE_IT)

    def enter(self, event: Any, value: list[Node] | dict[str, Node]) -> None:
        if event.anchor or event.tag:
            self.refuse_decoration(event)
        if len(self.open) >= MAX_DEPTH:
            what = f"values are nested deeper than {MAX_DEPTH} levels"
            raise self.fault(event, what, "Close the brackets, or flatten the values.")
        if self.open and self.awaits_key():
            fix = "Write keys as plain text; a value that starts with { or [ needs quotes."
            raise self.fault(event, "a key must be text, not a list or mapping", fix)
        node = self.attach(event, value)
        self.open.append(node)
        self.keys.append(None)

    def awaits_key(self) -> bool:
        return self.keys[-1] is None and isinstance(self.open[-1].value, dict)

    def put_scalar(self, event: Any) -> None:
        if event.anchor or event.tag:
            self.refuse_decoration(event)
        text = event.value
        if self.open and self.awaits_key():
            mark = event.start_mark
            self.keys[-1] = (self.checked_key(event, text), mark.line + 1, mark.column + 1)
        elif not event.implicit[0]:
            self.attach(event, text, text)
        elif self.open or text:
            self.attach(event, self.plain_value(event, text), text)

    def plain_value(self, event: Any, text: str) -> Scalar:
        try:
            return plain_value(text)
        except ValueError as cause:
            fix = "Put it in quotes if it is text."
            raise self.fault(event, "the number has too many digits", fix) from cause

    def checked_key(self, event: Any, key: str) -> str:
        siblings = self.open[-1].value
        if event.implicit[0] and key == "<<":
            raise self.fault(event, "merge keys (<<) are not allowed", "Write the keys out.")
        if not key:
            raise self.fault(event, "a key is missing before the colon", "Write 'key: value'.")
        if isinstance(siblings, dict) and key in siblings:
            fix = f"Keep one of them; the first is on line {siblings[key].key_line}."
            raise self.fault(event, f"the key {_short(key)} is written twice", fix)
        return key

    def attach(
        self, event: Any, value: Scalar | list[Node] | dict[str, Node], written: str | None = None
    ) -> Node:
        mark = event.start_mark
        node = Node(mark.line + 1, mark.column + 1, value, written)
        self.n_values += 1
        if self.n_values > MAX_VALUES:
            fix = "Move the samples into a JSONL file and name it with 'samples:'."
            raise self.fault(event, f"there are more than {MAX_VALUES:,} values", fix)
        if not self.open:
            self.root = node
            return node
        parent = self.open[-1].value
        if isinstance(parent, list):
            parent.append(node)
        elif isinstance(parent, dict) and (key := self.keys[-1]) is not None:
            name, node.key_line, node.key_column = key
            parent[name] = node
            self.keys[-1] = None
        return node

    def fault(self, event: Any, what: str, fix: str) -> InputError:
        return self.fault_here(_place(event), what, fix)

    def fault_here(self, place: Place, what: str, fix: str) -> InputError:
        return _fault(self.name, self.text, self.error, place, what, fix)

    def syntax_fault(self, cause: yaml.MarkedYAMLError) -> InputError:
        mark: Any = cause.problem_mark or cause.context_mark
        context: Any = cause.context_mark
        what = "not valid YAML: " + (cause.problem or "a syntax error")
        if cause.context and context is not None and context.line != mark.line:
            what += f" ({cause.context} that starts on line {context.line + 1})"
        said = f"{cause.context} {cause.problem}"
        if self.text[mark.index - 1 : mark.index + 1] == "${":
            said = "${"
        fixes = (fix for sign, fix in _SYNTAX_FIXES if sign in said)
        fix = next(fixes, "Check the indentation, and the quotes and brackets above this line.")
        return self.fault_here(Place(mark.line + 1, mark.column + 1), what, fix)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _short(key: str) -> str:
    return repr(key if len(key) <= 60 else key[:60] + "…")


def _fault(
    name: str, text: str, error: type[InputError], place: Place, what: str, fix: str | None
) -> InputError:
    return error(f"{what}\n{excerpt(text, place)}", where=place.within(name), fix=fix)

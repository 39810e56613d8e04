"""Text → the JSON in it, read from a hostile writer: strict, bounded, never repaired."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 64
_MAX_DIGITS = 400
_MAX_FALSE_STARTS = 1000
_START = re.compile(r'\{\s*+["}]|\[\s*+[\[{"\d\-tfn\]]')
_FENCE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]*+)[^\n`]*+$", re.MULTILINE)


def read_json(text: str) -> Any:
    """The JSON value that a text is.

    Numbers beyond the range of a float become infinite.

    Raises:
        ValueError: it is not JSON (NaN and Infinity are not), or nested deeper than 64 levels.

    >>> read_json(' {"a": [1, 2]} ')
    {'a': [1, 2]}
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("JSON nested too deep") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError("JSON nested too deep")
    return value


def find_json(text: str) -> str | None:
    """The JSON text in an answer: all of it, else the last fenced block, else the last in prose.

    In prose an object, or a list that holds objects, goes before any other list ("[1]" is more
    often a footnote). Nothing is mended, and a part of a broken value is not taken for the whole.

    >>> find_json('Sure! {"a": 1} It replaces {"a": 0}, see [1].')
    '{"a": 0}'
    """
    text = text.strip()
    if _is_container(text):
        return text
    for _, block in reversed(fenced_blocks(text)):
        if _is_container(block):
            return block.strip()
    last: str | None = None
    last_holds_object = False
    for found in _values_in_prose(text):
        holds_object = "{" in found
        if holds_object or not last_holds_object:
            last, last_holds_object = found, holds_object
    return last


def loose_field(text: str, name: str) -> str | None:
    """The last `"name": value` of a text that need not be JSON; None where there is none.

    Models put line breaks and LaTeX inside texts, and the whole no longer parses.

    >>> loose_field('{"why": "\\\\(x\\\\) is\\n4", "answer": "4"', "answer")
    '4'
    """
    if f'"{name}"' not in text:
        return None
    matches = list(_loose_pattern(name).finditer(text))
    if not matches:
        return None
    quoted, bare = matches[-1][1], matches[-1][2]
    if quoted is None:
        return None if bare == "null" else str(bare)
    try:
        return str(json.loads(f'"{quoted}"', strict=False))
    except ValueError:
        return str(quoted)  # LaTeX's single backslashes are no JSON escapes


@lru_cache(maxsize=256)
def _loose_pattern(name: str) -> re.Pattern[str]:
    value = r'\s*+:\s*+(?:"((?:[^"\\]++|\\.)*+)"|([^\s",\[\]{}]++))'
    return re.compile(f'"{re.escape(name)}"{value}', re.DOTALL)


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """(language, content) of every closed fence, and of an open one that the answer ends in.

    >>> fenced_blocks("```sql\\nSELECT 1\\n```")
    [('sql', 'SELECT 1')]
    """
    blocks = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif _closes(fence, opened):
            blocks.append((opened[2].lower(), _between(text, opened.end(), fence.start())))
            opened = None
    if opened is not None:
        blocks.append((opened[2].lower(), _between(text, opened.end(), len(text))))
    return blocks


def _closes(fence: re.Match[str], opened: re.Match[str]) -> bool:
    return not fence[2] and fence[1].startswith(opened[1])


def _between(text: str, start: int, end: int) -> str:
    return text[start:end].removeprefix("\n").removesuffix("\n")


def _is_container(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def _values_in_prose(text: str) -> Iterator[str]:
    """Each outermost JSON object or list, in order.

    After a false start the search goes on where it failed, so the work is linear and what stands
    inside a broken value is passed over. Each failure costs a count of the lines before it, hence
    the bound: text with a thousand false starts is taken to hold no JSON.
    """
    position, n_false = 0, 0
    while n_false < _MAX_FALSE_STARTS and (start := _START.search(text, position)):
        try:
            _, position = _DECODER.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            position, n_false = max(error.pos, start.start() + 1), n_false + 1
        except (ValueError, RecursionError):
            return
        else:
            yield text[start.start() : position]


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [child for parent in level for child in _children(parent)]
    return depth


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        return iter(value.values())
    return iter(value) if isinstance(value, list) else iter(())


_DECODER = json.JSONDecoder(parse_int=_parse_int, parse_constant=_refuse)

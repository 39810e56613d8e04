"""Plain values and sentences → the text of a configuration file."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from llmroute import __version__
from llmroute.records import RoutingMap
from llmroute.report.sanitize import one_line
from llmroute.routing_map.file import dump_yaml, rounded


def header(target: str, routing_map: RoutingMap, *parts: Iterable[str]) -> str:
    """The comment an export begins with: what it is, then each part's sentences."""
    parted = [("", *part) for part in parts]
    return comment(sentences_of(target, routing_map, *parted))


def sentences_of(target: str, routing_map: RoutingMap, *parts: Iterable[str]) -> list[str]:
    """The same as a list, for forms that know no comments."""
    source = routing_map.provenance.run_id or ", ".join(routing_map.provenance.sources)
    first = f"{target}, made by `llmroute export` {__version__} from the routing map"
    told = [line for part in parts for line in part]
    return [f"{first} of {source}." if source else f"{first}.", *told]


def comment(lines: Iterable[str]) -> str:
    r"""Lines as `#` comments, long ones wrapped; nothing in them can end the comment.

    >>> comment(["Start:", "", "  litellm --config x.yaml", "- a\nb"])
    '# Start:\n#\n#   litellm --config x.yaml\n# - a b\n'
    """
    return "".join(f"# {line}".rstrip() + "\n" for text in lines for line in _wrapped(text))


def left_out(sentences: Iterable[str]) -> tuple[str, ...]:
    """The sentences as a list under its own heading; where there are none, that is said."""
    items = [f"- {sentence}" for sentence in sentences]
    return ("What this file cannot carry:", *items) if items else ("It carries the whole map.",)


def to_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML, in its own order."""
    return dump_yaml(rounded(document))


def to_json(document: Mapping[str, Any]) -> str:
    """The document as indented JSON with a final newline."""
    return json.dumps(rounded(document), indent=2, ensure_ascii=False) + "\n"


def _wrapped(text: str) -> list[str]:
    indent = text[: len(text) - len(text.lstrip(" "))]
    line = one_line(text)
    if indent:  # a command to copy stays on its line
        return [indent + line]
    return textwrap.wrap(
        line,
        96,
        subsequent_indent="  " if line.startswith("- ") else "",
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]

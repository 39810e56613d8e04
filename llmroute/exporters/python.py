"""RoutingMap → a Python module with one function, `decide`, that needs nothing but Python.

It is `standalone.py` as it stands, with the map written into it.
"""

from __future__ import annotations

import inspect
import pprint
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from llmroute.exporters import standalone
from llmroute.exporters.evidence import describe_evidence, query_routed, unguarded
from llmroute.exporters.text import header, left_out
from llmroute.metrics import json_text
from llmroute.patterns import compile_keywords
from llmroute.recogniser.request import CODE_LINE
from llmroute.records import Match, RoutingMap
from llmroute.routing_map.file import rounded

_CONDITIONS = ("min_chars", "max_chars", "has_code", "has_json")


@dataclass(frozen=True, slots=True)
class PythonModule:
    """A Python module without dependencies: decide(request, task=, tags=, metadata=)."""

    suffix: ClassVar[str] = ".py"

    def render(self, routing_map: RoutingMap) -> str:
        """The module's source."""
        use = ["decide(request) names the model, the task and who answers when the model cannot."]
        notes = left_out(self.cannot_carry(routing_map))
        return header("Python module", routing_map, use, notes) + "\n" + _source(routing_map)

    def cannot_carry(self, routing_map: RoutingMap) -> tuple[str, ...]:
        """What needs more than Python's own library."""
        return (
            *_likeness(routing_map),
            *query_routed(routing_map),
            *unguarded(routing_map),
            *_lost_patterns(routing_map),
            "The time limit of a pattern: Python's own re has none.",
        )


def describe_map(routing_map: RoutingMap) -> dict[str, Any]:
    """The map as the module's constant."""
    return {
        "reference": routing_map.reference,
        "tasks": {
            task.task: {
                "route": task.route,
                "fallbacks": list(task.fallbacks),
                "tags": [task.task, *routing_map.matches.get(task.task, Match()).tags],
                "template": list(routing_map.matches.get(task.task, Match()).template),
                "system": routing_map.matches.get(task.task, Match()).system,
                "rule": _rule(routing_map.matches.get(task.task)),
                "evidence": describe_evidence(task, routing_map),
            }
            for task in routing_map.tasks
        },
        "models": {
            name: {key: value for key, value in facts.items() if key != "price"}
            for name, facts in routing_map.provenance.candidates.items()
        },
    }


def _rule(match: Match | None) -> dict[str, Any] | None:
    if match is None:
        return None
    return {
        "searches": [list(search) for search in _searches(match) if _compiles(search[1])],
        "conditions": {n: v for n in _CONDITIONS if (v := getattr(match, n)) is not None},
    }


def _searches(match: Match) -> Iterator[tuple[str, str]]:
    if match.keywords:
        yield "keyword", f"(?i){compile_keywords(match.keywords).pattern}"
    for pattern in match.patterns:
        yield "pattern", pattern


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _source(routing_map: RoutingMap) -> str:
    """The module with the map, and llmroute's reader of JSON in the place of its import."""
    source = inspect.getsource(standalone)
    literal = pprint.pformat(rounded(describe_map(routing_map)), width=98, sort_dicts=False)
    reader = inspect.getsource(json_text).partition("MAX_DEPTH = ")
    written = {
        r"^MAP: Mapping\[str, Any\] = .*$": f"MAP: Mapping[str, Any] = {literal}",
        r"^from llmroute\.metrics\.json_text import .*$": reader[1] + reader[2].rstrip(),
        r"^CODE_LINE = .*$": f"CODE_LINE = {CODE_LINE!r}",
        r"^import re$": "import json\nimport re",
        r"^from typing import Any$": "from functools import lru_cache\nfrom typing import Any",
    }
    for line, text in written.items():
        before, after = re.split(line, source, maxsplit=1, flags=re.MULTILINE)
        source = before + text + after
    return source


def _likeness(routing_map: RoutingMap) -> Iterator[str]:
    if len(routing_map.tasks) > 1:
        yield "Recognition by likeness to samples: tags and rules only."


def _lost_patterns(routing_map: RoutingMap) -> Iterator[str]:
    for task, match in routing_map.matches.items():
        for pattern in match.patterns:
            if not _compiles(pattern):
                yield f"The pattern {pattern!r} of {task}: Python's own re does not know it."

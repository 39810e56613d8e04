"""Request → model by the tags and rules of a routing map; needs nothing but Python 3.11.

`llmroute export python` writes it out with a map in it; in llmroute itself the map is empty. It
decides what `llmroute.Router` decides where neither likeness nor a query router is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

MAP: Mapping[str, Any] = {"reference": "", "tasks": {}, "models": {}}
"""Task → route, fallbacks, tags and rule; candidate → how it is called."""

MAX_CHARS = 12_000
"""Of a longer request the first three quarters of this and the last quarter are read."""


def decide(
    request: str | Sequence[Mapping[str, Any]],
    *,
    task: str | None = None,
    tags: Collection[str] = (),
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Who answers a request: model, task, layer, reason and fallbacks.

    Args:
        request: a text, or chat messages; the last user turn is what is asked.
        task: where it is known.
        tags: what else is known of it; those that name no task are passed over.
        metadata: `task` and `tags` in it are read as tags, other entries as `key:value`.

    Raises:
        KeyError: the map has no such task.
    """
    if task is not None:
        return _answer(task, "tag", "the request names its task")
    return _answer(*_recognise(last_user_turn(request), {*tags, *_tags_in(metadata or {})}))


def last_user_turn(request: str | Sequence[Mapping[str, Any]]) -> str:
    """What is asked: the request itself, or the text of its last user message."""
    if isinstance(request, str):
        return request
    asked = [message.get("content") for message in request if message.get("role") == "user"]
    content = asked[-1] if asked else ""
    if content is None or isinstance(content, str):
        return content or ""
    texts = [part if isinstance(part, str) else part.get("text") for part in content]
    return "\n".join(text for text in texts if isinstance(text, str))


def _answer(task: str | None, layer: str, reason: str) -> dict[str, Any]:
    reference = MAP["reference"]
    if task is None:
        said = f"{reason}: the reference answers"
        return {"model": reference, "task": None, "layer": layer, "reason": said, "fallbacks": []}
    route = MAP["tasks"][task]
    after = [name for name in [*route["fallbacks"], reference] if name != route["route"]]
    return {
        "model": route["route"],
        "task": task,
        "layer": layer,
        "reason": reason,
        "fallbacks": list(dict.fromkeys(after)),
    }


def _recognise(text: str, tags: Collection[str]) -> tuple[str | None, str, str]:
    """Task, layer and reason; what people wrote decides, where it leaves one task."""
    tasks = MAP["tasks"]
    if len(tasks) == 1:
        return next(iter(tasks)), "only_task", "the map has no other task"
    named = {name: tag for name in tasks for tag in sorted(tags) if tag in tasks[name]["tags"]}
    if len(named) == 1:
        [(name, tag)] = named.items()
        return name, "tag", f"tag {tag!r}"
    tried = {name: _sign(tasks[name]["rule"], text) for name in tasks if name in named or not named}
    signs = {name: sign for name, sign in tried.items() if sign}
    if len(signs) == 1:
        [(name, sign)] = signs.items()
        return name, "rule", sign
    return None, "unknown", _why_open(text, named, signs)


def _sign(rule: Mapping[str, Any] | None, text: str) -> str:
    """Why a text is the task's, or "": a condition does not hold, or nothing is found."""
    if rule is None:
        return ""
    read = _ends(text)
    conditions = list(_conditions(rule, text, read))
    if not all(holds for _, holds in conditions):
        return ""
    for kind, pattern in rule["searches"]:
        found = re.search(pattern, read)
        if found:
            return f"{kind} {found.group()!r}"
    return "" if rule["searches"] or not conditions else f"condition {conditions[0][0]}"


def _conditions(rule: Mapping[str, Any], text: str, read: str) -> Iterator[tuple[str, bool]]:
    for name, wanted in rule["conditions"].items():
        written = f"{name}: {str(wanted).lower() if isinstance(wanted, bool) else wanted}"
        if name == "min_chars":
            yield written, len(text) >= wanted
        elif name == "max_chars":
            yield written, len(text) <= wanted
        elif name == "has_code":
            yield written, has_code(read) == wanted
        else:
            yield written, has_json(read) == wanted


def _ends(text: str) -> str:
    tail = MAX_CHARS // 4
    cut = text if len(text) <= MAX_CHARS else text[: MAX_CHARS - tail] + text[-tail:]
    return cut.encode("utf-8", "replace").decode()


def _why_open(text: str, named: Collection[str], signs: Collection[str]) -> str:
    if signs:
        return f"the rules of {' and '.join(sorted(signs))} match alike"
    if named:
        return f"its tags name {' and '.join(sorted(named))}"
    return "no tag or rule names its task" if text.strip() else "the request is empty"


def _tags_in(metadata: Mapping[str, Any]) -> Iterator[str]:
    said = dict(metadata)
    more = said.pop("tags", None)
    yield from [more] if isinstance(more, str) else more if isinstance(more, list | tuple) else []
    if isinstance(said.get("task"), str):
        yield said["task"]
    yield from (f"{key}:{value}" for key, value in said.items() if isinstance(value, str | int))


# -- has_code, has_json ---------------------------------------------------------------------------

from llmroute.metrics.json_text import fenced_blocks, find_json  # noqa: E402 - cut out when written

CODE_LINE = r""


def has_code(text: str) -> bool:
    """Whether a fenced block of anything but JSON, or two lines of code or more, stand in it."""
    if any(language != "json" for language, _ in fenced_blocks(text)):
        return True
    lines = re.finditer(CODE_LINE, text, re.MULTILINE)
    return next(lines, None) is not None and next(lines, None) is not None


def has_json(text: str) -> bool:
    """Whether a JSON object or list of ten characters or more stands in it."""
    found = find_json(text)
    return found is not None and len(found) >= 10

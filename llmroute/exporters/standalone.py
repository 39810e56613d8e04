"""Request → model by the tags and rules of a routing map; needs nothing but Python 3.11.

`llmroute export python` writes it out with a map in it; in llmroute itself the map is empty. It
decides what `llmroute.Router` decides where neither likeness nor a query router is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

MAP: Mapping[str, Any] = {"reference": "", "tasks": {}, "models": {}}
"""Task → route, fallbacks, tags, own words and rule; candidate → how it is called."""

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
    said = {*tags, *_tags_in(metadata or {})}
    return _answer(*_recognise(last_user_turn(request), system_message(request), said))


def last_user_turn(request: str | Sequence[Mapping[str, Any]]) -> str:
    """What is asked: the request itself, or the text of its last user message."""
    if isinstance(request, str):
        return request.strip()
    asked = [_text(message) for message in request if message.get("role") == "user"]
    return asked[-1].strip() if asked else ""


def system_message(request: str | Sequence[Mapping[str, Any]]) -> str:
    """The system messages of a request, joined."""
    messages = [] if isinstance(request, str) else request
    roles = ("system", "developer")
    return "\n\n".join(_text(one) for one in messages if one.get("role") in roles)


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
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


def _recognise(text: str, system: str, tags: Collection[str]) -> tuple[str | None, str, str]:
    """Task, layer and reason; each layer narrows down what the one before it has left open."""
    tasks = MAP["tasks"]
    if len(tasks) == 1:
        return next(iter(tasks)), "only_task", "the map has no other task"
    left, spoken = list(tasks), False
    looks: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
        ("tag", lambda task: _tag(task, tags)),
        ("rule", lambda task: _own_words(task, text, system)),
        ("rule", lambda task: _sign(task["rule"], text)),
    )
    for layer, look in looks:
        seen = {name: sign for name in left if (sign := look(tasks[name]))}
        left, spoken = list(seen) or left, spoken or bool(seen)
        if len(left) == 1:
            return left[0], layer, seen[left[0]]
    return None, "unknown", _why_open(text, left if spoken else ())


def _tag(task: Mapping[str, Any], tags: Collection[str]) -> str:
    return next((f"tag {tag!r}" for tag in task["tags"] if tag in tags), "")


def _own_words(task: Mapping[str, Any], text: str, system: str) -> str:
    """Whether the system message and the fixed words of the task's prompt are there."""
    squeezed = " ".join(system.split()).encode("utf-8", "surrogatepass")
    if system and sha256(squeezed).hexdigest() == task["system"]:
        return "system message of its suite"
    start, read = 0, " ".join(_ends(text).split())
    for piece in task["template"]:
        start = read.find(piece, start)
        if start < 0:
            return ""
        start += len(piece)
    return _said("template", " … ".join(task["template"])) if task["template"] else ""


def _said(kind: str, found: str) -> str:
    words = " ".join(found.split())
    return f"{kind} {words if len(words) <= 60 else f'{words[:59]}…'!r}"


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
            return _said(kind, found.group())
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


def _why_open(text: str, left: Collection[str]) -> str:
    if left:
        return f"tags and rules speak for {' and '.join(sorted(left))} alike"
    return "no tag or rule names its task" if text else "the request is empty"


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

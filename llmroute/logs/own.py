"""A line of our own log form → LoggedRequest.

    {"id", "time", "prompt" or "messages", "model", "prompt_tokens", "completion_tokens",
     "cached_prompt_tokens", "cost_usd", "latency_s", "task", "tags", "metadata", "score",
     "propensity", "models": {name: {"score", "prompt_tokens", "completion_tokens", "cost_usd"}}}

Only `model` must be there. `models` holds what other models answered to the same request, in the
form of outcomes. Other keys (an arm, a user) are kept for whoever names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmroute.errors import LogFormatError
from llmroute.logs.values import first_count, mapping, read_messages, read_time_s
from llmroute.outcomes.fields import Fields
from llmroute.outcomes.files import read_results
from llmroute.records import LoggedRequest, Outcome, Usage


@dataclass(frozen=True, slots=True)
class OwnLog:
    """Our own form."""

    described: str = 'llmroute: {"model", "prompt" or "messages", "prompt_tokens", "cost_usd", ...}'

    def recognises(self, entry: Mapping[str, Any]) -> bool:
        """A `model`, and nothing only the others have."""
        return isinstance(entry.get("model"), str) and not (
            {"request_id", "call_type", "custom_id", "request", "body", "choices"} & entry.keys()
        )

    def read(self, entry: Mapping[str, Any], where: str) -> LoggedRequest:
        """What the line says."""
        fields = Fields(entry, where)
        identity, task = fields.label("id"), fields.label("task")
        asked = entry.get("messages")
        return LoggedRequest(
            where=where,
            id=identity,
            models=(fields.name("model"),),
            fate="failed" if _failed(fields) else "answered",
            request=read_messages(entry.get("prompt") if asked is None else asked, where),
            time_s=read_time_s(entry.get("time"), "time", where),
            usage=Usage(
                first_count(fields, "prompt_tokens", "input_tokens"),
                first_count(fields, "completion_tokens", "output_tokens"),
                first_count(fields, "cached_prompt_tokens", "cached_input_tokens"),
            ),
            cost_usd=fields.amount("cost_usd"),
            latency_s=fields.amount("latency_s"),
            task=task,
            tags=fields.texts("tags"),
            metadata=mapping(entry.get("metadata")),
            others=_others(entry, where, Outcome(task or "", identity or "", "")),
            raw=entry,
        )

    def answer(self, entry: Mapping[str, Any]) -> str | None:
        """What stands under `answer`."""
        text = entry.get("answer")
        return text if isinstance(text, str) else None


def _failed(fields: Fields) -> bool:
    """It has no answer and says why."""
    return fields.flag("answered") is False or bool(fields.content.get("error"))


def _others(entry: Mapping[str, Any], where: str, first: Outcome) -> tuple[Outcome, ...]:
    if "models" not in entry:
        return ()
    try:
        return tuple(o for o, _ in read_results(entry, where, first, keep_text=True))
    except RecursionError as error:  # pragma: no cover - json.loads refuses such a line before
        raise LogFormatError("the JSON is nested too deeply", where=where) from error

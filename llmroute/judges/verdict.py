"""A judge's reply → Verdict, read strictly: what cannot be read is an error, never a score."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmroute.errors import UnreadableVerdict
from llmroute.metrics.json_text import fenced_blocks, read_json
from llmroute.records import Message
from llmroute.scores.extract import StripReasoning

if TYPE_CHECKING:
    from llmroute.records import Rubric

PairVerdict = Literal["first", "second", "tie"]
PAIR_VERDICTS: tuple[PairVerdict, ...] = ("first", "second", "tie")
KEYS = ("evidence", "reasoning", "verdict")
"""In the order a judge writes them: a verdict that comes first is not reasoned, but defended."""
MAX_REPLY_CHARACTERS = 100_000
MAX_QUOTED_CHARACTERS = 4_000
"""Of an unreadable reply that is shown to the judge again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of one answer."""

    levels: Mapping[str, str]
    """Criterion → the label of a level."""
    evidence: Mapping[str, str]
    """Criterion → what the judge quotes; hostile text, as all that models write."""
    reasoning: Mapping[str, str]


def verdict_value(rubric: Rubric, verdict: Verdict) -> float:
    """The answer's score in [0, 1]: the weighted mean of the levels' values."""
    parts = verdict_parts(rubric, verdict)
    total = sum(criterion.weight for criterion in rubric.criteria)
    return sum(parts[one.name] * one.weight for one in rubric.criteria) / total


def verdict_parts(rubric: Rubric, verdict: Verdict) -> dict[str, float]:
    """Criterion → the value of its level, in [0, 1]."""
    return {one.name: one.value(verdict.levels[one.name]) for one in rubric.criteria}


# -- the form of a reply --------------------------------------------------------------------------


def reply_form(rubric: Rubric) -> str:
    """The reply a judge is shown as a pattern: JSON, each verdict a placeholder of its labels."""
    form = {one.name: _form(one.labels) for one in rubric.criteria}
    return json.dumps(form, indent=2, ensure_ascii=False)


def pair_reply_form() -> str:
    """The pattern of a reply on two answers."""
    return json.dumps(_form(PAIR_VERDICTS), indent=2, ensure_ascii=False)


def reply_schema(rubric: Rubric) -> dict[str, Any]:
    """JSON Schema of a reply, for endpoints that hold a model to one."""
    return _object({one.name: _verdict_schema(one.labels) for one in rubric.criteria})


def pair_reply_schema() -> dict[str, Any]:
    """JSON Schema of a reply on two answers."""
    return _verdict_schema(PAIR_VERDICTS)


def _form(labels: Sequence[str]) -> dict[str, str]:
    return dict(zip(KEYS, ("…", "…", " | ".join(labels)), strict=True))


def _verdict_schema(labels: Sequence[str]) -> dict[str, Any]:
    text = {"type": "string"}
    return _object({"evidence": text, "reasoning": text, "verdict": {**text, "enum": list(labels)}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# -- reading --------------------------------------------------------------------------------------


def read_verdict(rubric: Rubric, reply: str) -> Verdict:
    """What the judge says of one answer.

    Raises:
        UnreadableVerdict: the reply is not one JSON object, lacks a criterion, or says what is
            none of its labels.
    """
    said = _only_object(reply)
    names = [criterion.name for criterion in rubric.criteria]
    _check_keys(said, names, "the reply")
    read = {one.name: _read_one(said[one.name], one.labels, one.name) for one in rubric.criteria}
    evidence, reasoning, levels = ({name: read[name][key] for name in names} for key in KEYS)
    return Verdict(levels, evidence, reasoning)


def read_pair_verdict(reply: str) -> PairVerdict:
    """Which of two answers the judge prefers.

    Raises:
        UnreadableVerdict: the reply is not one JSON object, or says something else.

    >>> read_pair_verdict('{"evidence": "", "reasoning": "Both say it.", "verdict": "tie"}')
    'tie'
    """
    said = _read_one(_only_object(reply), PAIR_VERDICTS, "the reply")["verdict"]
    return next(verdict for verdict in PAIR_VERDICTS if verdict == said)


def repair_messages(
    messages: Sequence[Message], reply: str, problem: UnreadableVerdict | str
) -> tuple[Message, ...]:
    """The one further try: the same question, the unreadable reply, and what is wrong with it."""
    what = problem.what if isinstance(problem, UnreadableVerdict) else problem
    again = (
        f"This reply cannot be read: {what}. Send the whole verdict again, as one JSON object of "
        "the form you were given, with nothing before or after it."
    )
    shown = reply[:MAX_QUOTED_CHARACTERS].strip() or "(empty)"
    return (*messages, Message("assistant", shown), Message("user", again))


def _read_one(said: Any, labels: Sequence[str], name: str) -> dict[str, str]:
    if not isinstance(said, dict):
        raise UnreadableVerdict(f"{name!r} is no object with {_listed(KEYS)}")
    _check_keys(said, KEYS, name)
    for key, value in said.items():
        if not isinstance(value, str):
            raise UnreadableVerdict(f"{key!r} of {name!r} is no text")
    if said["verdict"] not in labels:
        raise UnreadableVerdict(f"the verdict on {name!r} is none of {_listed(labels)}")
    return said


def _check_keys(said: Mapping[str, Any], wanted: Sequence[str], name: str) -> None:
    missing = [key for key in wanted if key not in said]
    if missing:
        raise UnreadableVerdict(f"{name} lacks {_listed(missing)}")
    if len(said) > len(wanted):
        raise UnreadableVerdict(f"{name} holds more than {_listed(wanted)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _only_object(reply: str) -> dict[str, Any]:
    """The one object a reply is, or holds in its one fenced block."""
    if len(reply) > MAX_REPLY_CHARACTERS:
        raise UnreadableVerdict(f"the reply is longer than {MAX_REPLY_CHARACTERS:,} characters")
    text = StripReasoning().extract(reply) or ""
    if not text.startswith("{"):
        blocks = fenced_blocks(text)
        if len(blocks) > 1:
            raise UnreadableVerdict("the reply holds more than one fenced block")
        text = blocks[0][1].strip() if blocks else text
    try:
        value = read_json(text)
        _refuse_repeated_keys(text)
    except _RepeatedKeyError as cause:
        raise UnreadableVerdict("a key of the reply is written twice") from cause
    except ValueError as cause:
        raise UnreadableVerdict("the reply is not one JSON object and nothing else") from cause
    if not isinstance(value, dict):
        raise UnreadableVerdict("the reply is JSON, but no object")
    return value


class _RepeatedKeyError(Exception):
    pass


def _refuse_repeated_keys(text: str) -> None:
    """JSON readers silently keep the last of two keys: a judge that says both says neither."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            raise _RepeatedKeyError

    json.loads(text, object_pairs_hook=check)

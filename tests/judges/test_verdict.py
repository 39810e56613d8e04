"""A reply is one verdict, or an error; never a score by accident."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llmroute.errors import UnreadableVerdict
from llmroute.judges.load import load_rubric
from llmroute.judges.verdict import (
    Verdict,
    pair_reply_schema,
    read_pair_verdict,
    read_verdict,
    repair_messages,
    reply_form,
    reply_schema,
    verdict_parts,
    verdict_value,
)
from llmroute.records import Message

RUBRIC = load_rubric("helpfulness")  # on_task × 2, sound × 2, to_the_point × 1
GOOD: dict[str, Any] = {
    "on_task": {"evidence": "“…”", "reasoning": "It does.", "verdict": "yes"},
    "sound": {"evidence": "", "reasoning": "One slip.", "verdict": "mostly"},
    "to_the_point": {"evidence": "", "reasoning": "Long.", "verdict": "no"},
}
REPLY = json.dumps(GOOD)


def changed(criterion: str, **fields: Any) -> str:
    return json.dumps({**GOOD, criterion: {**GOOD[criterion], **fields}})


@pytest.mark.parametrize(
    "reply",
    [
        REPLY,
        f"\n{REPLY}\n",
        f"```json\n{REPLY}\n```",
        f"Here it is:\n```\n{REPLY}\n```\nThat is all.",
        f"<think>Is it {{}}? {REPLY.replace('yes', 'no')}</think>\n{REPLY}",
    ],
)
def test_one_object_is_a_verdict_bare_fenced_or_after_reasoning(reply: str) -> None:
    verdict = read_verdict(RUBRIC, reply)
    assert verdict.levels == {"on_task": "yes", "sound": "mostly", "to_the_point": "no"}
    assert verdict.reasoning["sound"] == "One slip."


def test_code_makes_the_number() -> None:
    verdict = read_verdict(RUBRIC, REPLY)
    assert verdict_parts(RUBRIC, verdict) == {"on_task": 1.0, "sound": 0.5, "to_the_point": 0.0}
    assert verdict_value(RUBRIC, verdict) == pytest.approx((2 * 1 + 2 * 0.5 + 1 * 0) / 5)


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        ("", "not one JSON object"),
        ("yes", "not one JSON object"),
        ("null", "no object"),
        (f"[{REPLY}]", "no object"),
        (f"{REPLY}\n{REPLY}", "not one JSON object"),
        (f"My verdict: {REPLY}", "not one JSON object"),
        (f"```\n{REPLY}\n```\n```\n{REPLY}\n```", "more than one fenced block"),
        (REPLY[:-1], "not one JSON object"),
        (REPLY.replace('"yes"', "yes"), "not one JSON object"),
        ("<think>" + REPLY, "not one JSON object"),
        ("[" * 100_000, "not one JSON object"),
        ('{"a": ' * 50_000, "longer than"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "sound"}), "lacks 'sound'"),
        (json.dumps({**GOOD, "score": 1}), "holds more than"),
        (REPLY[:-1] + ', "sound": ' + json.dumps(GOOD["sound"]) + "}", "written twice"),
        (REPLY.replace('"verdict": "yes"', '"verdict": "no", "verdict": "yes"'), "written twice"),
        (changed("on_task", verdict="Yes"), "is none of 'no', 'partly', 'yes'"),
        (changed("on_task", verdict="partly yes"), "is none of"),
        (changed("sound", verdict=1), "'verdict' of 'sound' is no text"),
        (changed("sound", evidence=["a"]), "'evidence' of 'sound' is no text"),
        (changed("sound", confidence="high"), "holds more than"),
        (json.dumps({**GOOD, "sound": "mostly"}), "'sound' is no object"),
        (json.dumps({**GOOD, "sound": {"verdict": "yes"}}), "lacks 'evidence', 'reasoning'"),
    ],
    ids=lambda value: value[:24],
)
def test_anything_else_is_unreadable(reply: str, what: str) -> None:
    with pytest.raises(UnreadableVerdict, match=what.replace("(", r"\(")):
        read_verdict(RUBRIC, reply)


@given(st.text())
def test_no_text_by_chance_is_a_verdict(reply: str) -> None:
    with pytest.raises(UnreadableVerdict):
        read_verdict(RUBRIC, reply)


def test_the_pattern_shown_to_the_judge_is_no_verdict_itself() -> None:
    with pytest.raises(UnreadableVerdict, match="is none of"):
        read_verdict(RUBRIC, reply_form(RUBRIC))


def test_the_schema_takes_what_is_readable_in_the_order_it_is_written() -> None:
    schema = reply_schema(RUBRIC)
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(GOOD)
    assert not Draft202012Validator(schema).is_valid(json.loads(changed("sound", verdict="maybe")))
    assert list(schema["properties"]["sound"]["properties"]) == ["evidence", "reasoning", "verdict"]
    assert schema["required"] == ["on_task", "sound", "to_the_point"]


@pytest.mark.parametrize("said", ["first", "second", "tie"])
def test_a_pair_verdict_is_first_second_or_tie(said: str) -> None:
    reply = {"evidence": "", "reasoning": "", "verdict": said}
    assert read_pair_verdict(json.dumps(reply)) == said
    assert Draft202012Validator(pair_reply_schema()).is_valid(reply)


@pytest.mark.parametrize("said", ["First", "both", "", None, 1])
def test_any_other_pair_verdict_is_unreadable(said: object) -> None:
    with pytest.raises(UnreadableVerdict):
        read_pair_verdict(json.dumps({"evidence": "", "reasoning": "", "verdict": said}))


def test_the_repair_shows_the_reply_and_what_is_wrong_with_it() -> None:
    asked = (Message("system", "s"), Message("user", "u"))
    problem = UnreadableVerdict("the reply lacks 'sound'")
    first, second, said, again = repair_messages(asked, "{}", problem)
    assert (first, second) == asked
    assert (said.role, said.content) == ("assistant", "{}")
    assert (again.role, "the reply lacks 'sound'" in again.content) == ("user", True)


def test_an_endless_or_empty_reply_is_shown_in_part() -> None:
    assert len(repair_messages((), "x" * 1_000_000, "too long")[0].content) == 4_000
    assert repair_messages((), " ", "it is empty")[0].content == "(empty)"


def test_a_verdict_keeps_evidence_and_reasoning() -> None:
    verdict = read_verdict(RUBRIC, REPLY)
    assert isinstance(verdict, Verdict)
    assert verdict.evidence == {"on_task": "“…”", "sound": "", "to_the_point": ""}

"""Suite × Sample → messages."""

from __future__ import annotations

import pytest

from llmroute.errors import SuiteError
from llmroute.records import Example, Message, Sample, Suite
from llmroute.suites.prompt import render_messages


def test_the_order_is_system_examples_sample() -> None:
    suite = Suite(
        "s",
        "s",
        (),
        system="Be brief.",
        prompt="Of {{ labels | join(', ') }}: {{ input }}",
        examples=(Example("one", "a"),),
        labels=("a", "b"),
    )
    assert render_messages(suite, Sample("1", "two")) == (
        Message("system", "Be brief."),
        Message("user", "Of a, b: one"),
        Message("assistant", "a"),
        Message("user", "Of a, b: two"),
    )


def test_examples_stand_as_they_are_where_the_prompt_reads_fields() -> None:
    suite = Suite("s", "s", (), prompt="{{ passage }}\n{{ input }}", examples=(Example("e", "a"),))
    messages = render_messages(suite, Sample("1", "q", fields={"passage": "p"}))
    assert [message.content for message in messages] == ["e", "a", "p\nq"]


def test_of_a_conversation_the_last_turn_goes_through_the_prompt() -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    suite = Suite("s", "s", (), system="S", prompt="Q: {{ input }}")
    assert render_messages(suite, Sample("1", turns)) == (
        Message("system", "S"),
        *turns[:-1],
        Message("user", "Q: c"),
    )


def test_the_default_prompt_leaves_a_conversation_as_it_is() -> None:
    turns = (Message("user", "a\n"), Message("assistant", "b"), Message("user", "{{ c }}\n"))
    assert render_messages(Suite("s", "s", ()), Sample("1", turns)) == turns


def test_a_field_cannot_stand_in_for_the_input_or_the_labels() -> None:
    suite = Suite("s", "s", (), prompt="{{ input }}{{ labels }}", labels=("l",))
    fields = {"input": "other", "labels": ["other"]}
    assert render_messages(suite, Sample("1", "x", fields=fields))[0].content == 'x["l"]'


def test_the_target_is_not_within_reach() -> None:
    suite = Suite("s", "s", (), prompt="{{ input }}{{ target }}")
    with pytest.raises(SuiteError, match="target"):
        render_messages(suite, Sample("1", "x", target="secret"))


def test_a_missing_field_names_suite_and_sample() -> None:
    suite = Suite("s", "s", (), prompt="{{ input }} {{ passage }}")
    with pytest.raises(SuiteError) as caught:
        render_messages(suite, Sample("q7", "x", fields={"pasage": 1}))
    assert caught.value.where == "suite 's', sample 'q7'"
    assert "pasage" in (caught.value.fix or "")

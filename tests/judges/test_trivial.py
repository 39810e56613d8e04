"""Answers that say nothing score 0 before a judge is asked."""

from __future__ import annotations

import pytest

from llmroute.judges.trivial import trivial_reason

# The ten of "One Token to Fool LLM-as-a-Judge" (arXiv 2507.08794), table 1.
MASTER_KEYS = [
    " ",
    ".",
    ",",
    ":",
    "Thought process:",
    "Let's solve this problem step by step.",
    "Solution",
    "解",
    "かいせつ",
    "Respuesta",
]


@pytest.mark.parametrize("short_answers_allowed", [False, True])
@pytest.mark.parametrize("output", MASTER_KEYS)
def test_no_master_key_reaches_a_judge(output: str, short_answers_allowed: bool) -> None:
    assert trivial_reason(output, short_answers_allowed=short_answers_allowed)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "is empty"),
        (" \n\t", "is empty"),
        ("\u200b\u200d\ufeff", "holds no word"),
        ("…!?", "holds no word"),
        ("👍🏽 ✅", "holds no word"),
        ("<br/><div></div>", "holds no word"),
        ("```json\n```", "holds no word"),
        ("&nbsp;&nbsp;", "holds no word"),
        ("{}", "holds no word"),
        ("** **\n---\n# ", "holds no word"),
        ("**Thought process**:", "only announces an answer"),
        ("THOUGHT\u200b PROCESS :", "only announces an answer"),
        ("Let’s think step by step…", "only announces an answer"),
        ("思考过程：", "only announces an answer"),
        ("yes", "is a single word"),
        ("**Yes.**", "is a single word"),
        ("42", "is a single word"),
        ("yes yes\nYES", "is a single word, repeated"),
    ],
)
def test_what_says_nothing_has_a_reason(output: str, reason: str) -> None:
    assert trivial_reason(output) == reason


@pytest.mark.parametrize(
    "output",
    [
        "It is 42.",
        "No, thanks.",
        "東京は日本の首都です。",
        "Да, можно.",
        "print(x)",
        '{"a": 1}',
        "Thought process: 6 × 7 = 42, so 42.",
        "The answer is 42",
    ],
)
def test_what_says_something_goes_to_the_judge(output: str) -> None:
    assert trivial_reason(output) is None


@pytest.mark.parametrize("output", ["42", "-3.5", "yes", "東", "π", "B"])
def test_where_one_word_can_be_right_it_goes_to_the_judge(output: str) -> None:
    assert trivial_reason(output, short_answers_allowed=True) is None


@pytest.mark.parametrize("output", ["", ":", "👍", "```\n```"])
def test_where_one_word_can_be_right_no_word_is_still_none(output: str) -> None:
    assert trivial_reason(output, short_answers_allowed=True)


def test_a_long_answer_takes_no_long_time() -> None:
    assert trivial_reason("<" * 1_000_000) == "holds no word"
    assert trivial_reason("a" * 1_000_000) == "is a single word"

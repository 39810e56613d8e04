from __future__ import annotations

import pytest

from llmroute.errors import InputError, UnknownName
from llmroute.records import Plugin
from llmroute.scores.extract import build_extractor, extract_prediction


def extract(output: str, *plugins: Plugin) -> str | None:
    return extract_prediction(tuple(build_extractor(plugin) for plugin in plugins), output)


def step(name: str, **params) -> Plugin:
    return Plugin(name, params)


def test_without_steps_the_prediction_is_the_output() -> None:
    assert extract(" as it is\n") == " as it is\n"


def test_steps_are_chained_left_to_right() -> None:
    output = "<think>5?</think>Answer: the total is $1,234.50\nThanks, 2 points."
    steps = (step("strip_reasoning"), step("after", marker="Answer:", to_line_end=True))
    assert extract(output, *steps, step("last_number")) == "1234.50"


def test_a_step_that_finds_nothing_ends_the_chain() -> None:
    assert extract("no marker, 3", step("after", marker="####"), step("last_number")) is None


def test_after_takes_the_last_marker() -> None:
    assert extract("A: 1\nA: 2\nbye", step("after", marker="A:")) == "2\nbye"
    assert extract("A: 1\nA: 2\nbye", step("after", marker="A:", to_line_end=True)) == "2"
    assert extract("ANSWER 3", step("after", marker="answer")) is None
    assert extract("ANSWER 3", step("after", marker="answer", ignore_case=True)) == "3"


def test_an_empty_marker_is_refused() -> None:
    with pytest.raises(InputError, match="marker must be"):
        build_extractor(step("after", marker=""))


def test_code_block_takes_the_last_of_its_language() -> None:
    output = "```python\nx = 1\n```\ntext\n```sql\nSELECT 1\n```\n~~~\n```\n~~~"
    assert extract(output, step("code_block")) == "```"
    assert extract(output, step("code_block", language="Python")) == "x = 1"
    assert extract(output, step("code_block", language="go")) is None
    assert extract("no fence", step("code_block")) is None


def test_code_block_may_fall_back_on_an_answer_without_any() -> None:
    bare = step("code_block", language="sql", or_output=True)
    assert extract("SELECT 1", bare) == "SELECT 1"
    assert extract("```sql\nSELECT 2\n```", bare) == "SELECT 2"
    assert extract("```python\nx = 1\n```", bare) is None


def test_code_block_keeps_indentation_and_blank_lines() -> None:
    assert extract("```\n\n  a\n\n```", step("code_block")) == "\n  a\n"


def test_an_answer_cut_off_inside_a_block_still_has_its_block() -> None:
    assert extract("```json\n[1, 2", step("code_block")) == "[1, 2"


def test_json_is_taken_out_of_fences_or_prose() -> None:
    assert extract('Here:\n```json\n{"a": 1}\n```', step("json")) == '{"a": 1}'
    assert extract('I return {"a": 1}.', step("json")) == '{"a": 1}'
    assert extract('{"a": 1,}', step("json")) is None


def test_json_field_follows_a_path() -> None:
    output = '{"result": {"items": [{"n": "x"}, {"n": [1, true]}]}, "zero": 0, "no": false}'
    assert extract(output, step("json_field", path="result.items.0.n")) == "x"
    assert extract(output, step("json_field", path="result.items.1.n")) == "[1,true]"
    assert extract(output, step("json_field", path="zero")) == "0"
    assert extract(output, step("json_field", path="no")) == "false"
    assert extract(output, step("json_field", path="result.items.9.n")) is None
    assert extract(output, step("json_field", path="result.none.n")) is None


def test_json_field_reads_broken_json_only_when_told() -> None:
    output = '{"why": "line\nbreak", "answer": "4"}'
    assert extract(output, step("json_field", path="answer")) is None
    assert extract(output, step("json_field", path="answer", loose=True)) == "4"


def test_json_field_hands_on_the_output_only_when_told() -> None:
    assert extract("The answer is 4", step("json_field", path="answer")) is None
    output = extract("The answer is 4", step("json_field", path="answer", or_output=True))
    assert output == "The answer is 4"


def test_choice_finds_the_label() -> None:
    labels = ["refund", "card lost"]
    assert extract("Category: card_lost", step("choice", labels=labels)) == "card lost"
    assert extract("either", step("choice", labels=labels)) is None


def test_last_number_keeps_percent_and_fractions() -> None:
    assert extract("up 12.5 %", step("last_number")) == "12.5%"
    assert extract("it is 3/4", step("last_number")) == "3/4"
    assert extract("1.234,5", step("last_number", decimal=",")) == "1234.5"
    assert extract("none", step("last_number")) is None


def test_boxed_matches_braces() -> None:
    assert extract(r"\boxed{\frac{1}{2}}", step("boxed")) == r"\frac{1}{2}"
    assert extract(r"\boxed{1", step("boxed")) is None
    assert extract("1", step("boxed")) is None


def test_first_and_last_line_pass_over_blank_ones() -> None:
    assert extract("\n\n a \nb\n c \n\n", step("first_line")) == "a"
    assert extract("\n\n a \nb\n c \n\n", step("last_line")) == "c"
    assert extract(" \n ", step("first_line")) is None
    assert extract(" \n ", step("last_line")) is None


@pytest.mark.parametrize(
    ("output", "rest"),
    [
        ("<think>a</think>b", "b"),
        ("<THINKING>a</THINKING> b <think>c</think> d", "b  d"),
        ("began in the prompt</think>b", "b"),
        ("b <think>cut off", "b"),
        ("<think>cut off", None),
        ("<think>a</think> ", None),
        ("no tags", "no tags"),
        ("<think>a<think>b</think>c", "c"),
    ],
)
def test_reasoning_is_taken_away(output: str, rest: str | None) -> None:
    assert extract(output, step("strip_reasoning")) == rest


def test_an_unknown_step_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'last_number'"):
        build_extractor(step("lastnumber"), where="suites/x.yaml")

from __future__ import annotations

import pytest

from llmroute.checks import bounded, build_check
from llmroute.records import Plugin, Sample

CRUX = """[PYTHON]
def f(text):
    return text.upper()
assert f('ab c') == ??
[/PYTHON]"""


def seen(
    name: str, output: str, prompt: str = "Say hello.", fields: object = None, **params: object
) -> dict[str, float]:
    sample = Sample("q1", prompt, fields=fields or {})
    return dict(build_check(Plugin(name, params)).check(sample, output))


def test_a_refusal_is_told_from_an_answer_that_mentions_one() -> None:
    assert seen("refusal", "I'm sorry, but I can't help with that.")["short"] == 1.0
    late = f"{'A long story follows. ' * 40}Then he said: I cannot help you."
    assert seen("refusal", late) == {"opens": 0.0, "anywhere": 1.0, "short": 0.0}
    assert set(seen("refusal", "The answer is 4.").values()) == {0.0}


def test_json_that_was_asked_for_and_is_not_there_failed() -> None:
    assert seen("json", "Sure!", "Answer in JSON.")["failed"] == 1.0
    assert seen("json", '{"a": 1}', "Answer in JSON.")["failed"] == 0.0
    assert seen("json", "Sure!", "Answer in prose.")["failed"] == 0.0


def test_json_is_held_to_the_schema_of_the_suite_or_the_sample() -> None:
    schema = {"type": "object", "required": ["b"]}
    assert seen("json", '{"a": 1}', schema=schema)["schema"] == 0.0
    assert seen("json", '{"b": 1}', schema=schema)["schema"] == 1.0
    assert seen("json", '{"a": 1}', fields={"schema": schema})["failed"] == 1.0


def test_fields_that_the_prompt_shows_are_looked_for() -> None:
    prompt = 'Use this form:\n{\n  "reasoning": "___",\n  "answer": "___"\n}'
    assert seen("json", '{"answer": "4"}', prompt)["fields"] == 0.5


def test_a_label_outside_the_allowed_set_failed() -> None:
    labels = ["refund", "other"]
    assert seen("label", "refund", labels=labels)["alone"] == 1.0
    assert seen("label", "complaint", labels=labels)["failed"] == 1.0
    assert seen("label", "refund", fields={"labels": labels})["found"] == 1.0
    assert set(seen("label", "refund").values()) == {0.0}


def test_a_quote_is_looked_for_word_by_word() -> None:
    passage = {"passage": "The bridge, opened in 1902, is long."}
    found = seen("quote", 'It says "bridge opened in 1902".', fields=passage)
    assert (found["found"], found["missing"]) == (1.0, 0.0)
    assert seen("quote", 'It says "closed in 1902 for good".', fields=passage)["missing"] == 1.0
    assert seen("quote", "It opened in 1905.", fields=passage)["grounded"] < 1.0


def test_code_that_does_not_parse_failed_and_is_never_run() -> None:
    broken, sound = "```python\ndef f(:\n```", "```python\nraise SystemExit(1)\n```"
    assert seen("code", broken)["failed"] == 1.0
    assert (seen("code", sound)["parses"], seen("code", sound)["failed"]) == (1.0, 0.0)
    assert seen("code", "No code.", required=True)["failed"] == 1.0
    assert seen("code", "```python\ndef f(): pass\n```")["stubs"] == 1.0


@pytest.mark.parametrize(
    ("answer", "invalid", "mismatch"),
    [("'AB C'", 0.0, 0.0), ("3", 0.0, 1.0), ("['AB C']", 0.0, 1.0), ("AB C", 1.0, 0.0)],
)
def test_a_literal_is_held_to_the_type_the_code_returns(
    answer: str, invalid: float, mismatch: float
) -> None:
    found = seen("literal", f'{{"answer": "{answer}"}}', CRUX)
    assert (found["known_type"], found["invalid"], found["mismatch"]) == (1.0, invalid, mismatch)


def test_without_a_function_in_the_prompt_no_literal_is_asked_for() -> None:
    assert set(seen("literal", "'AB C'").values()) == {0.0}


@pytest.mark.parametrize(
    ("prompt", "output", "feature"),
    [
        ("Answer in at most 5 words.", "one two three four five six", "too_long"),
        ("Answer in one sentence.", "First. Second.", "too_long"),
        ("Write at least 3 bullets.", "- a\n- b", "too_short"),
        ("End with #### and the number.", "It is 4.", "form_missing"),
        ("Reply with only the label.", "word " * 31, "chatty"),
    ],
)
def test_what_the_prompt_asks_of_form_and_length(prompt: str, output: str, feature: str) -> None:
    found = seen("instructions", output, prompt)
    assert (found[feature], found["failed"]) == (1.0, 1.0)


def test_length_outside_the_bounds_is_seen() -> None:
    assert seen("length", "one two three", max_words=2)["outside"] == 1.0
    assert seen("length", "one two", min_words=2, max_words=2)["outside"] == 0.0
    assert seen("length", "one")["outside"] == 0.0


def test_an_answer_that_loops_is_seen() -> None:
    found = seen("repetition", "We add one more to it.\n" * 30)
    assert found["loops"] == 1.0
    assert found["lines"] == pytest.approx(29 / 30)
    assert seen("repetition", "Every word here is new.")["phrases"] == 0.0


def test_another_language_or_script_than_the_prompts_is_seen() -> None:
    english = "What is the name of the river that is in the middle of the city and to the south?"
    german = "Der Fluss in der Mitte der Stadt ist die Isar, und das ist nicht der Rhein."
    assert seen("language", german, english)["language"] == 1.0
    assert seen("language", english, english)["language"] == 0.0
    assert seen("language", "это река", english)["script"] == 1.0
    assert seen("language", "ab\x00\ufffd", english)["garbage"] == 0.5


def test_words_of_the_question_come_up_or_not() -> None:
    prompt = "How many apples are left?"
    assert seen("coverage", "3 apples are left.", prompt)["missed_left"] == 0.0
    assert seen("coverage", "3.", prompt)["missed_left"] == 1.0
    assert seen("coverage", "3.", prompt)["question"] == 0.0


def test_log_probabilities_are_read_where_the_sample_carries_them() -> None:
    found = seen("log_probabilities", "x", fields={"token_log_probabilities": [0.0, -0.6931471806]})
    assert (found["known"], found["least"]) == (1.0, pytest.approx(0.5))
    assert found["mean"] == pytest.approx(0.75)
    assert set(seen("log_probabilities", "x").values()) == {0.0}


def test_agreement_with_the_models_other_answers() -> None:
    found = seen("self_agreement", "#### 18", fields={"other_outputs": ["It is 18.", "#### 20"]})
    assert (found["known"], found["agree"], found["majority"]) == (1.0, 0.5, 1.0)
    assert set(seen("self_agreement", "#### 18").values()) == {0.0}


def test_a_runaway_output_keeps_its_start_and_its_end() -> None:
    output = f"start{'x' * 1_000_000}end"
    assert len(bounded(output)) == 32_001
    assert bounded(output).startswith("start")
    assert bounded(output).endswith("end")
    assert bounded("short") == "short"

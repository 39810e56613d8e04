"""What every check of the table must keep to."""

from __future__ import annotations

import copy
import math
from dataclasses import is_dataclass, replace

import pytest

from llmroute.checks import (
    CHECKS,
    Check,
    build_check,
    build_checks,
    failed_checks,
    run_checks,
)
from llmroute.errors import InputError, UnknownName
from llmroute.records import Message, Plugin, Sample

PARAMS = {
    "code": {"required": True},
    "json": {"schema": {"type": "object", "required": ["a"]}},
    "label": {"labels": ["refund", "other"]},
    "language": {"expected": "en"},
    "length": {"min_words": 2, "max_words": 50},
}

SAMPLE = Sample(
    "q1",
    "## Question\nTom has 3 pens at $2 each. How much is that?\n## Instruction\nAnswer in JSON, at"
    " most 50 words: ```python\ndef f(x):\n    return x + 1\nassert f(1) == ??\n```",
    target="6",
    fields={
        "passage": "Tom has three pens.",
        "labels": ["refund", "other"],
        "schema": {"type": "object"},
        "token_log_probabilities": [-0.1, -2.3],
        "other_outputs": ["6", "#### 6", "7"],
    },
)

ANSWERS = (
    "3 * $2 = $6\n#### 6",
    '```json\n{"reasoning": "3 pens * $2 = $7", "answer": "7"}\n```',
    "I'm sorry, but I cannot help with that.",
    "He pays 3 x 2 =",
    "",
    " \n\t",
)

HOSTILE = {
    "a million letters": "a" * 1_000_000,
    "a million words": "a b " * 250_000,
    "a million digits": "9" * 1_000_000,
    "ten thousand digits": "9" * 10_000,
    "a million commas": "1," * 500_000,
    "a million dashes": "-" * 1_000_000,
    "a million spaces": " " * 1_000_000 + "x",
    "a million line breaks": "x\n" * 500_000,
    "a million quotes": '"' * 1_000_000,
    "a million equals signs": "=" * 1_000_000,
    "chained sums": "1 + 1 = " * 100_000,
    "different sums": "".join(f"{n} + {n} = {n};\n" for n in range(20_000)),
    "long sum": "1+" * 300_000 + "1 = 2",
    "words between": "3 boys and girls and men and women " * 10_000 + "= 4",
    "open annotations": "<<" * 200_000,
    "annotations": "<<1+1=3>>" * 50_000,
    "powers": "9^9^9^9^9 = 1",
    "large powers": "99999999^64 = 9^(9^64)",
    "percents": "5%" * 200_000,
    "fractions": "\\frac{" * 100_000,
    "closed fractions": "\\frac{1}{2}" * 50_000,
    "parentheses": "(" * 100_000,
    "balanced parentheses": "(" * 100_000 + "1" + ")" * 100_000 + " = 1",
    "brackets": "[" * 100_000,
    "balanced brackets": "[" * 100_000 + "]" * 100_000,
    "nested objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "answer fields": '"answer": "' * 80_000,
    "open answer field": '"answer": "' + "\\" * 900_000,
    "claims": "the answer is " * 100_000,
    "claimed numbers": "the answer is 7 " * 60_000,
    "hashes": "#### " * 200_000,
    "boxes": "\\boxed{" * 100_000,
    "fences": "```python\n" * 100_000,
    "code signs": "```python\n" + "-" * 19_000 + "1\n```",
    "code nots": "```python\n" + "not " * 4_000 + "1\n```",
    "code attributes": "```python\na" + ".a" * 9_000 + "\n```",
    "code calls": "```python\nf" + "()" * 9_000 + "\n```",
    "code blocks": "```python\n" + "".join(" " * n + "if a:\n" for n in range(150)) + "```",
    "code powers": "```python\n" + "1**" * 6_000 + "1\n```",
    "code lambdas": "```python\n" + "lambda:" * 2_500 + "1\n```",
    "code f-strings": "```python\n" + "f'{" * 5_000 + "\n```",
    "code of digits": "```python\n" + "9" * 10_000 + "\n```",
    "code with NUL": "```python\nx = '\x00'\n```",
    "code with surrogates": "```python\nx = '\ud800'\n```",
    "code with a bad escape": "```python\nx = '\\d' is 'x'\n```",
    "literal of signs": '{"answer": "' + "-" * 3_900 + '1"}',
    "literal of nots": '{"answer": "' + "not " * 990 + '1"}',
    "large float": "1e999 + 1 = 1e999",
    "NUL": "\x00\x00 14 \x00",
    "lone surrogates": "\ud800 7 + 7 = 14 \udfff",
    "right to left": "\u202e41\u202c ١٤ שלום",
    "controls": "\x1b[31m\x07\x9b\ufeff\u2028\x85",
    "digits of other scripts": "٣ + ३ = ³ Ⅷ 一",
    "dotted capital": "İİİ ſ ß " * 10_000,
    "emoji": "👩‍👩‍👧 🇩🇪 7️⃣ + 1️⃣ = 8",
}


FAULTY = {
    "answer": ("Say yes.", " \n", "yes"),
    "arithmetic": ("2 + 2?", "2 + 2 = 5", "2 + 2 = 4"),
    "code": ("Write Python.", "```python\ndef f(:\n```", "```python\ndef f(): return 1\n```"),
    "instructions": ("Why? At most 3 words.", "It rained the whole day.", "It rained."),
    "json": ("Answer in JSON.", '{"a": 1', '{"a": 1}'),
    "label": ("Which is it?", "maybe", "refund"),
    "language": (
        "What is the name of the river that is in the city and on the map?",
        "Der Fluss ist nicht auf der Karte, und das ist auch nicht die Stadt.",
        "The name of the river is on the map, and the city is for you to find.",
    ),
    "length": ("Why?", "Rain " * 60, "It rained a lot."),
    "literal": ("```python\ndef f(x):\n    return [x]\nassert f(1) == ??\n```",
                '{"answer": "one of them"}', '{"answer": "[1]"}'),
    "quote": ("Tom has three pens.", 'It says "Tom has nine pens".', 'It says "Tom has three".'),
    "refusal": ("Why?", "I'm sorry, but I cannot help with that.", "It rained."),
    "repetition": ("Why?", "and so it goes on " * 40, "It rained all night, and then it snowed."),
    "truncation": ("Why?", "Because of the (", "Because it rained."),
}  # fmt: skip
"""Check → prompt, an answer that cannot stand, and one that can."""


@pytest.fixture(params=[(name, with_params) for name in CHECKS.table for with_params in (0, 1)])
def check(request: pytest.FixtureRequest) -> Check:
    name, with_params = request.param
    return build_check(Plugin(name, PARAMS.get(name, {}) if with_params else {}))


def test_the_table_is_sorted() -> None:
    assert list(CHECKS.table) == sorted(CHECKS.table)


def test_checks_are_frozen_dataclasses_that_say_their_range(check) -> None:
    assert is_dataclass(check)
    assert type(check).__dataclass_params__.frozen
    assert "[0, 1" in type(check).__doc__ or "1.0" in type(check).__doc__


def test_features_are_those_the_class_names_in_its_order(check) -> None:
    for answer in ANSWERS:
        assert tuple(check.check(SAMPLE, answer)) == type(check).features
        assert tuple(check.check(Sample("q2", ""), answer)) == type(check).features


def test_what_fails_an_answer_is_among_the_features(check) -> None:
    assert set(type(check).fails) <= set(type(check).features)


def test_every_check_that_can_fail_an_answer_is_shown_to() -> None:
    assert {name for name in CHECKS.table if CHECKS.load(name).fails} == set(FAULTY)


@pytest.mark.parametrize("name", sorted(FAULTY))
def test_a_faulty_answer_fails_and_a_sound_one_does_not(name: str) -> None:
    prompt, faulty, sound = FAULTY[name]
    checks = {name: build_check(Plugin(name, {} if name == "json" else PARAMS.get(name, {})))}
    assert failed_checks(checks, Sample("q1", prompt), faulty)
    assert failed_checks(checks, Sample("q1", prompt), sound) == ()


def test_a_check_named_twice_is_numbered() -> None:
    named = [Plugin("length", {"max_words": 3}), Plugin("length", {"min_words": 9})]
    checks = build_checks(named)
    assert failed_checks(checks, SAMPLE, "one two three four") == (
        "length.outside",
        "length#2.outside",
    )


def test_values_are_floats_from_zero_to_one(check) -> None:
    for answer in ANSWERS:
        for value in check.check(SAMPLE, answer).values():
            assert type(value) is float
            assert 0.0 <= value <= 1.0


def test_the_target_changes_nothing(check) -> None:
    for answer in ANSWERS:
        seen = check.check(SAMPLE, answer)
        for target in (None, "7", answer, ["6", "7"], {"a": 1}):
            assert check.check(replace(SAMPLE, target=target), answer) == seen


def test_no_check_ever_reads_the_target(check) -> None:
    class Guarded(Sample):
        def __getattribute__(self, name: str) -> object:
            assert name != "target"
            return super().__getattribute__(name)

    guarded = Guarded("q1", SAMPLE.input, fields=SAMPLE.fields)
    for answer in ANSWERS:
        check.check(guarded, answer)


def test_the_same_answer_is_seen_the_same_twice(check) -> None:
    for answer in ANSWERS:
        assert check.check(SAMPLE, answer) == check.check(SAMPLE, answer)


def test_checking_leaves_the_sample_as_it_was(check) -> None:
    before = copy.deepcopy(SAMPLE)
    for answer in ANSWERS:
        check.check(SAMPLE, answer)
    assert before == SAMPLE


def test_a_conversation_is_read_like_its_user_turns(check) -> None:
    turns = (Message("system", "Be brief."), Message("user", SAMPLE.input))
    for answer in ANSWERS:
        assert check.check(replace(SAMPLE, input=turns), answer) == check.check(SAMPLE, answer)


def test_fields_of_the_wrong_kind_are_passed_over(check) -> None:
    odd = {name: value for name in SAMPLE.fields for value in (3,)}
    for answer in ANSWERS:
        for value in check.check(replace(SAMPLE, fields=odd), answer).values():
            assert 0.0 <= value <= 1.0


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_answers_end_with_values_in_range(kind: str) -> None:
    checks = {name: build_check(Plugin(name, PARAMS.get(name, {}))) for name in CHECKS.table}
    values = run_checks(checks, SAMPLE, HOSTILE[kind])
    assert len(values) == sum(len(check.features) for check in checks.values())
    for value in values.values():
        assert math.isfinite(value)
        assert 0.0 <= value <= 1.0


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_prompts_end_with_values_in_range(kind: str) -> None:
    checks = {name: build_check(Plugin(name)) for name in CHECKS.table}
    values = run_checks(checks, Sample("q1", HOSTILE[kind]), ANSWERS[0])
    assert all(0.0 <= value <= 1.0 for value in values.values())


def test_an_unknown_check_is_told_with_the_closest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'arithmetic'"):
        build_check(Plugin("arithmetics"))


def test_a_refused_parameter_says_where_it_stands() -> None:
    with pytest.raises(InputError, match=r"suite\.yaml:3.*max_words"):
        build_check(Plugin("length", {"max_words": 0}), where="suite.yaml:3")

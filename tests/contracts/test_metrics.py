"""What every metric of the table must keep to."""

from __future__ import annotations

import copy
import math
from dataclasses import is_dataclass, replace

import pytest

from llmroute.metrics import METRICS, Metric, Unscorable, build_metric
from llmroute.records import Plugin, Sample
from llmroute.scores.extract import EXTRACTORS, build_extractor

SCHEMA = {"type": "object", "properties": {"a": {"pattern": "^(x+)+$"}}, "required": ["a"]}

# metric → (parameters, target, the prediction that says exactly the target)
CASES = {
    "bleu": ({}, "The cat sat on the mat.", "The cat sat on the mat."),
    "chrf": ({}, "The cat sat on the mat.", "The cat sat on the mat."),
    "choice": ({"labels": ["refund", "other"]}, "refund", "refund"),
    "contains": ({}, ["14", ["Paris", "the capital"]], "14 in Paris"),
    "exact": ({}, ["Paris", "the capital"], "the capital"),
    "json_fields": ({}, {"a": 1, "b": [{"c": "x"}]}, '{"a": 1, "b": [{"c": "x"}]}'),
    "json_schema": ({"schema": SCHEMA}, None, '{"a": "xx"}'),
    "length": ({"max_words": 5, "min_words": 2}, None, "three short words"),
    "math": ({}, r"\frac{1}{2}", r"\frac{1}{2}"),
    "numeric": ({}, "1,234.5", "1,234.5"),
    "python_tests": ({}, None, "def double(x):\n    return 2 * x"),
    "regex": ({"pattern": "(a+)+$"}, None, "aaa"),
    "rouge_l": ({"stemmer": True}, "The cats sat on the mats.", "The cats sat on the mats."),
    "set_f1": ({}, ["a", "b"], '["a", "b"]'),
    "sql_result": ({}, "SELECT sum(a) FROM t", "SELECT 3"),
    "token_f1": ({}, "The cat sat.", "The cat sat."),
}

HOSTILE = {
    "a million letters": "a" * 1_000_000,
    "a million words": "a b " * 250_000,
    "a million digits": "9" * 1_000_000,
    "a million commas": "1," * 500_000,
    "a million dashes": "-" * 1_000_000,
    "a million spaces": " " * 1_000_000 + "x",
    "a million line breaks": "x\n" * 500_000,
    "a million quotes": '"' * 1_000_000,
    "half objects": '{"a": ' * 100_000,
    "objects in prose": '{"a": 1} ' * 50_000,
    "answer fields": '"answer": "' * 80_000,
    "open answer field": '"answer": "' + "\\" * 900_000,
    "boxes": "\\boxed{" * 100_000,
    "fractions": "\\boxed{" + "\\frac{" * 100_000,
    "fences": "```json\n" * 100_000,
    "fence of spaces": "```" + " " * 500_000 + "`",
    "fence of letters": "```" + "a" * 500_000 + "`",
    "nested sets": "\\{" * 450 + "1" + "\\}" * 450,
    "functions": "sin " * 280 + "1",
    "signs": "-" * 250 + "1",
    "roots": "\\sqrt{" * 200 + "2" + "}" * 200,
    "nested lists of lists": '{"b": [' + '{"c": ["y", "y", "y"]},' * 30_000 + '{"c": "x"}]}',
    "hashes": "#### " * 200_000,
    "dollars": "$x" * 400_000,
    "backslashes": "\\" * 1_000_000,
    "markers": "answer is " * 100_000,
    "bold": "**(" * 300_000,
    "brackets": "[" * 100_000,
    "balanced brackets": "[" * 100_000 + "]" * 100_000,
    "balanced parentheses": "(" * 900 + "1" + ")" * 900,
    "braces": "{" * 100_000 + "}" * 100_000,
    "nested objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "large integer": "9" * 10_000,
    "large integer in JSON": '{"a": ' + "9" * 10_000 + "}",
    "long list": '{"b": [' + '{"c": "y"},' * 50_000 + '{"c": "x"}]}',
    "slow pattern": '{"a": "' + "x" * 5_000 + '!"}',
    "powers": "9^9^9^9^9",
    "factorial": "99999!!!!!!",
    "large float": "1e999",
    "large float in JSON": '{"a": -1e999}',
    "NaN": "NaN",
    "NaN in JSON": '{"a": NaN}',
    "Infinity": "-Infinity",
    "NUL": "\x00\x00 14 \x00",
    "lone surrogates": "\ud800 14 \udfff",
    "lone surrogates in JSON": '{"a": "\\ud800"}',
    "right to left": "\u202e41\u202c ١٤ שלום",
    "controls": "\x1b[31m\x07\x9b\ufeff\u2028\x85",
    "digits of other scripts": "٣ ३ ³ Ⅷ 一",
    "dotted capital": "İİİ ſ ß",
    "emoji": "👩‍👩‍👧 🇩🇪 7️⃣",
}


def metric_and_sample(name: str) -> tuple[Metric, Sample, str]:
    params, target, prediction = CASES[name]
    tests = ["assert double(2) == 4", "assert double('a') == 'aa'"]
    database = {"tables": "CREATE TABLE t(a)", "rows": {"t": [[1], [2]]}}
    fields = {"facts": ["14"], "tests": tests, **database}
    sample = Sample("q1", "question", target=target, fields=fields)
    return build_metric(Plugin(name, params)), sample, prediction


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A metric's name; skips where what the metric needs is not here."""
    if request.param in ("bleu", "chrf"):
        pytest.importorskip("sacrebleu", reason="the extra llmroute[bleu] is not installed")
    if request.param == "python_tests":
        request.getfixturevalue("sandbox")
    return str(request.param)


each_metric = pytest.mark.parametrize("name", sorted(CASES), indirect=True)


@pytest.fixture
def case(name: str) -> tuple[Metric, Sample, str]:
    return metric_and_sample(name)


def test_every_metric_of_the_table_has_a_case() -> None:
    assert sorted(CASES) == sorted(METRICS.table)


def test_the_table_is_sorted() -> None:
    assert list(METRICS.table) == sorted(METRICS.table)


@each_metric
def test_metrics_are_frozen_dataclasses_with_a_docstring(case) -> None:
    metric, _, _ = case
    assert is_dataclass(metric)
    assert type(metric).__dataclass_params__.frozen
    assert "In [0, 1]" in type(metric).__doc__ or "1.0" in type(metric).__doc__


@each_metric
def test_needs_target_is_said_by_the_class(case) -> None:
    metric, _, _ = case
    assert isinstance(type(metric).needs_target, bool)


@each_metric
def test_a_target_against_itself_scores_one(case) -> None:
    metric, sample, prediction = case
    assert metric.score(sample, prediction) == pytest.approx(1.0, abs=1e-12)


@each_metric
def test_an_empty_prediction_scores_zero(case) -> None:
    metric, sample, _ = case
    assert metric.score(sample, "") == 0.0
    assert metric.score(sample, " \n\t") == 0.0


@each_metric
def test_the_same_prediction_scores_the_same_twice(case) -> None:
    metric, sample, prediction = case
    for text in (prediction, f"{prediction} and more", "14", '{"a": 2}'):
        assert metric.score(sample, text) == metric.score(sample, text)


@each_metric
def test_scoring_leaves_the_sample_as_it_was(case) -> None:
    metric, sample, prediction = case
    before = copy.deepcopy(sample)
    metric.score(sample, prediction)
    metric.score(sample, '{"a": [1, {"c": null}]}')
    assert sample == before


@each_metric
def test_a_sample_with_all_it_needs_lacks_nothing(case) -> None:
    metric, sample, _ = case
    assert getattr(metric, "lacks", lambda _: None)(sample) is None


@each_metric
def test_a_sample_without_target_is_noticed_by_all_that_compare(case) -> None:
    metric, sample, _ = case
    bare = replace(sample, target=None)
    compares = CASES_WITH_TARGET.intersection({type(metric).__name__.lower()})
    noticed = metric.needs_target or getattr(metric, "lacks", lambda _: None)(bare) is not None
    assert noticed is bool(compares)


CASES_WITH_TARGET = {
    name.replace("_", "") for name, (_, target, _) in CASES.items() if target is not None
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
@each_metric
def test_hostile_output_scores_in_range_or_is_unscorable(name: str, kind: str) -> None:
    metric, sample, _ = metric_and_sample(name)
    try:
        value = metric.score(sample, HOSTILE[kind])
    except Unscorable:
        return
    assert isinstance(value, float)
    assert math.isfinite(value)
    assert 0.0 <= value <= 1.0


STEPS = {
    "after": {"marker": "a", "ignore_case": True},
    "boxed": {},
    "choice": {"labels": ["A", "B", "refund"]},
    "code_block": {},
    "first_line": {},
    "json": {},
    "json_field": {"path": "a", "loose": True},
    "last_line": {},
    "last_number": {},
    "strip_reasoning": {},
}


@each_metric
def test_a_metric_that_says_right_or_wrong_gives_nothing_in_between(name: str) -> None:
    metric, sample, right = metric_and_sample(name)
    if not getattr(metric, "right_or_wrong", False):
        pytest.skip("it grades in between")
    for prediction in (right, "", "x", right + " and more", right[: len(right) // 2], "14", "1/2"):
        assert metric.score(sample, prediction) in (0.0, 1.0)


def test_every_extraction_step_of_the_table_has_a_case() -> None:
    assert list(STEPS) == list(EXTRACTORS.table)


@pytest.mark.parametrize("kind", sorted(HOSTILE))
@pytest.mark.parametrize("name", sorted(STEPS))
def test_extraction_from_hostile_output_finds_text_or_nothing(name: str, kind: str) -> None:
    step = build_extractor(Plugin(name, STEPS[name]))
    found = step.extract(HOSTILE[kind])
    assert found is None or isinstance(found, str)
    assert step.extract(HOSTILE[kind]) == found


@pytest.mark.parametrize("name", sorted(STEPS))
def test_extraction_from_an_empty_output_finds_nothing(name: str) -> None:
    assert build_extractor(Plugin(name, STEPS[name])).extract("") is None

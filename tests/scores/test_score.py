from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import InputError, SuiteError, UnknownName
from llmroute.records import Plugin, Sample, Score, Suite
from llmroute.scores.score import Scorer, WeightedMetric, build_scorer

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Sample("q7", "2 + 2?", target="4")


def suite(*metrics: Plugin, samples: tuple[Sample, ...] = (SAMPLE,), **others) -> Suite:
    path = Path("suites/sums.yaml")
    return Suite("sums", "sums", samples, metrics=metrics, path=path, **others)


@dataclass(frozen=True)
class Foreign:
    """A metric of another package."""

    needs_target: ClassVar[bool] = False
    answer: Callable[[], object]

    def score(self, sample: Sample, prediction: str) -> float:
        return self.answer()


def scorer_of(**metrics: Callable[[], object]) -> Scorer:
    parts = [WeightedMetric(name, Foreign(answer), 1.0) for name, answer in metrics.items()]
    return Scorer("sums", tuple(parts), (), "digest")


def fails() -> float:
    raise KeyError("no such thing")


def test_one_metric_gives_its_value_and_no_parts() -> None:
    score = build_scorer(suite(Plugin("exact"))).score(SAMPLE, "4")
    assert score == Score(1.0, prediction="4")


def test_metrics_are_combined_by_weight() -> None:
    metrics = (Plugin("exact", weight=3), Plugin("length", {"min_words": 2}, weight=1))
    score = build_scorer(suite(*metrics)).score(SAMPLE, "4")
    assert score == Score(0.875, prediction="4", parts={"exact": 1.0, "length": 0.5})


def test_a_metric_used_twice_has_two_names() -> None:
    metrics = (Plugin("regex", {"pattern": "4"}), Plugin("regex", {"pattern": "5"}))
    score = build_scorer(suite(*metrics)).score(SAMPLE, "4")
    assert score.parts == {"regex": 1.0, "regex#2": 0.0}


def test_extraction_comes_before_the_metrics() -> None:
    scorer = build_scorer(suite(Plugin("exact"), extract=(Plugin("last_number"),)))
    assert scorer.score(SAMPLE, "2 + 2 = 4.") == Score(1.0, prediction="4")


def test_nothing_extracted_is_wrong_which_is_not_unscored() -> None:
    scorer = build_scorer(suite(Plugin("exact"), extract=(Plugin("last_number"),)))
    assert scorer.score(SAMPLE, "no idea") == Score(0.0, prediction=None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.01, 1.01])
def test_a_value_out_of_range_is_not_scored(value: float) -> None:
    score = scorer_of(odd=lambda: value).score(SAMPLE, "4")
    assert score.value is None
    assert score.prediction == "4"
    assert score.reason == f"not_scored: odd: {value!r} is not in [0, 1]"


def test_rounding_just_outside_the_range_is_forgiven() -> None:
    assert scorer_of(odd=lambda: 1.0000000000000002).score(SAMPLE, "4").value == 1.0
    assert scorer_of(odd=lambda: -1e-17).score(SAMPLE, "4").value == 0.0


def test_a_failing_metric_leaves_the_answer_unscored_with_the_type_of_its_fault() -> None:
    score = scorer_of(fine=lambda: 1.0, foreign=fails).score(SAMPLE, "4")
    assert score.value is None
    assert score.reason == "not_scored: foreign: KeyError: 'no such thing'"


def test_a_metric_that_gives_no_number_is_not_scored() -> None:
    score = scorer_of(foreign=lambda: None).score(SAMPLE, "4")
    assert score.value is None
    assert score.reason.startswith("not_scored: foreign: TypeError: ")


def test_an_unscorable_prediction_says_why() -> None:
    scorer = build_scorer(suite(Plugin("json_schema", {"schema": {"$ref": "http://x.invalid/y"}})))
    score = scorer.score(SAMPLE, "{}")
    assert score.value is None
    assert score.reason.startswith(
        "not_scored: json_schema: the schema refers to what is not in it"
    )


def test_a_failing_extraction_step_leaves_the_answer_unscored() -> None:
    class Broken:
        def extract(self, output: str) -> str | None:
            raise RuntimeError("oh")

    scorer = replace(build_scorer(suite(Plugin("exact"))), steps=(Broken(),))
    assert scorer.score(SAMPLE, "4") == Score(None, reason="not_scored: extract: RuntimeError: oh")


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 100)), min_size=1, max_size=5))
def test_a_combination_lies_between_its_parts(parts: list[tuple[float, float]]) -> None:
    metrics = tuple(
        WeightedMetric(f"m{number}", Foreign(lambda value=value: value), weight)
        for number, (value, weight) in enumerate(parts)
    )
    value = Scorer("s", metrics, (), "digest").score(SAMPLE, "x").value
    values = [value for value, _ in parts]
    assert min(values) - 1e-9 <= value <= max(values) + 1e-9


def test_a_missing_target_is_told_in_three_parts() -> None:
    samples = (SAMPLE, Sample("q8", "3 + 3?"))
    with pytest.raises(SuiteError) as caught:
        build_scorer(suite(Plugin("rouge_l"), samples=samples))
    assert str(caught.value) == (
        "suites/sums.yaml, sample 'q8': no target, but metric 'rouge_l' compares with one.\n"
        "Add 'target:' to the sample, or score this suite with a judge."
    )


def test_a_missing_field_is_told_with_its_name() -> None:
    with pytest.raises(SuiteError, match="sample 'q7': no values in field 'facts', but metric"):
        build_scorer(suite(Plugin("contains", {"field": "facts"})))


def test_an_unknown_metric_names_file_and_suite_and_the_closest() -> None:
    with pytest.raises(UnknownName) as caught:
        build_scorer(suite(Plugin("exakt")))
    assert str(caught.value).startswith(
        "suites/sums.yaml, suite 'sums': unknown metric 'exakt'\nDid you mean 'exact'?"
    )


def test_an_unknown_extraction_step_names_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'json_field'"):
        build_scorer(suite(Plugin("exact"), extract=(Plugin("json_feld"),)))


def test_a_wrong_parameter_names_file_and_suite() -> None:
    with pytest.raises(InputError, match=r"suites/sums.yaml, suite 'sums': metric 'exact'"):
        build_scorer(suite(Plugin("exact", {"case": False})))


def test_choice_takes_the_suites_labels() -> None:
    samples = (Sample("q1", "?", target="yes"),)
    scorer = build_scorer(suite(Plugin("choice"), samples=samples, labels=("yes", "no")))
    assert scorer.score(samples[0], "Answer: Yes").value == 1.0
    assert scorer.score(samples[0], "Answer: No").value == 0.0


def test_the_choice_step_takes_the_suites_labels_too() -> None:
    samples = (Sample("q1", "?", target="yes"),)
    steps = (Plugin("choice"),)
    scorer = build_scorer(
        suite(Plugin("exact"), samples=samples, labels=("yes", "no"), extract=steps)
    )
    assert scorer.score(samples[0], "Answer: Yes") == Score(1.0, prediction="yes")


def test_choice_without_labels_is_refused() -> None:
    with pytest.raises(SuiteError, match="'choice' has no labels to choose from"):
        build_scorer(suite(Plugin("choice")))


def test_a_target_that_is_no_label_is_refused() -> None:
    with pytest.raises(SuiteError, match="the target '4' is none of the labels"):
        build_scorer(suite(Plugin("choice"), labels=("yes", "no")))


def test_a_suite_without_metric_is_refused() -> None:
    with pytest.raises(SuiteError, match="no metric to score answers with"):
        build_scorer(suite())


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_weights_that_cannot_be_combined_are_refused(weight: float) -> None:
    with pytest.raises(SuiteError, match="cannot be combined"):
        build_scorer(suite(Plugin("exact", weight=weight)))


def test_the_digest_follows_metrics_extraction_and_labels_only() -> None:
    one = build_scorer(suite(Plugin("exact"))).digest
    assert build_scorer(replace(suite(Plugin("exact")), name="other", path=None)).digest == one
    assert build_scorer(suite(Plugin("exact", {"ignore_case": True}))).digest != one
    assert build_scorer(suite(Plugin("exact"), extract=(Plugin("boxed"),))).digest != one
    yes = (Sample("q1", "?", target="yes"),)
    two = suite(Plugin("choice"), samples=yes, labels=("yes", "no"))
    three = suite(Plugin("choice"), samples=yes, labels=("yes", "no", "maybe"))
    assert build_scorer(two).digest != build_scorer(three).digest


def test_the_key_of_a_score_follows_target_and_fields() -> None:
    scorer = build_scorer(suite(Plugin("exact")))
    key = scorer.score_key(SAMPLE)
    assert scorer.score_key(replace(SAMPLE, id="q9", input="other", tags=("x",))) == key
    assert scorer.score_key(replace(SAMPLE, target="5")) != key
    assert scorer.score_key(replace(SAMPLE, target=4)) != key
    assert scorer.score_key(replace(SAMPLE, fields={"facts": ["x"]})) != key


def test_scoring_loads_no_heavy_package() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from llmroute.records import *\n"
        "from llmroute.scores.score import build_scorer\n"
        "s = Sample('a', '', target='x y')\n"
        "names = 'exact', 'rouge_l', 'token_f1', 'math', 'contains', 'set_f1'\n"
        "suite = Suite('a', 'a', (s,), metrics=tuple(map(Plugin, names)))\n"
        "assert build_scorer(suite).score(s, 'x y').value == 1.0\n"
        "heavy = {'litellm', 'pandas', 'rouge_score', 'nltk', 'aiohttp', 'jsonschema'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmroute.judges.load import load_rubric
from llmroute.plan.power import likely_power, samples_needed
from llmroute.records import (
    Example,
    JudgeUse,
    Message,
    Plugin,
    QualityRule,
    QualityThreshold,
    Sample,
    Suite,
)
from llmroute.suites.duplicates import near_duplicates
from llmroute.suites.lint import Finding, lint_suite

CITIES = {
    "Which city lies on the Seine?": "Paris",
    "Name the capital of Japan.": "Tokyo",
    "Where does the Brandenburg Gate stand?": "Berlin",
    "In what town was Mozart born?": "Salzburg",
}


def make_suite(pairs: dict[str, Any] | None = None, **settings: Any) -> Suite:
    samples = tuple(
        Sample(f"s{i}", text, target, difficulty="easy")
        for i, (text, target) in enumerate((pairs or CITIES).items(), 1)
    )
    plain: dict[str, Any] = {"metrics": (Plugin("exact"),)}
    return Suite("cities", "cities", samples, **(plain | settings))


def codes(findings: Sequence[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def only(findings: Sequence[Finding], code: str) -> Finding:
    found = [finding for finding in findings if finding.code == code]
    assert len(found) == 1, codes(findings)
    return found[0]


def test_sound_suite_has_nothing_but_its_size_to_be_said_about() -> None:
    assert codes(lint_suite(make_suite())) == ["too_few_samples"]


def test_large_sound_suite_has_no_findings() -> None:
    words = random.Random(3)
    pairs = {
        " ".join("".join(words.choices("abcdefghij", k=6)) for _ in range(6)): str(i)
        for i in range(200)
    }
    assert lint_suite(make_suite(pairs)) == ()


def test_errors_come_before_warnings() -> None:
    levels = [f.level for f in lint_suite(make_suite({"a b c d": "x", "a b c e": "x"}))]
    assert levels == sorted(levels)
    assert set(levels) == {"error", "warning"}


def test_finding_names_file_and_sample() -> None:
    suite = make_suite(path=Path("suites/cities.yaml"), metrics=(Plugin("numeric"),))
    assert lint_suite(suite)[0].where == "suites/cities.yaml, sample 's1'"


# -- ids and copies -------------------------------------------------------------------------------


def test_repeated_id_is_an_error() -> None:
    suite = make_suite()
    suite = replace(suite, samples=(*suite.samples, replace(suite.samples[0], input="Other?")))
    found = only(lint_suite(suite), "repeated_id")
    assert (found.level, found.where) == ("error", "suite 'cities', sample 's1'")


def test_inputs_that_differ_in_case_and_punctuation_are_near_duplicates() -> None:
    pairs = {"Which city lies on the Seine?": "Paris", "which city lies on the seine": "paris"}
    found = only(lint_suite(make_suite(pairs)), "near_duplicate")
    assert found.where.endswith("sample 's2'")
    assert "100 % the same as that of sample 's1'" in found.what


def test_copies_within_one_group_are_one_cluster_and_no_error() -> None:
    samples = tuple(
        Sample(f"s{i}", f"How tall is tower {i}?", str(i), group="towers", difficulty="easy")
        for i in range(3)
    )
    assert "near_duplicate" not in codes(lint_suite(replace(make_suite(), samples=samples)))


def test_one_question_about_two_passages_is_no_duplicate() -> None:
    passages = ("The mill burned in 1902.", "Nobody ever saw that ship again, it is said.")
    samples = tuple(
        Sample(f"s{i}", "What happened?", str(i), {"passage": passage}, difficulty="easy")
        for i, passage in enumerate(passages)
    )
    assert "near_duplicate" not in codes(lint_suite(replace(make_suite(), samples=samples)))


def test_chat_inputs_are_compared_over_all_their_turns() -> None:
    samples = tuple(
        Sample(f"s{i}", (Message("user", "Hello there"), Message("user", end)), str(i))
        for i, end in enumerate(("Where is my parcel?", "Where is my parcel!"))
    )
    assert "near_duplicate" in codes(lint_suite(replace(make_suite(), samples=samples)))


def test_sample_shown_as_few_shot_example_is_an_error() -> None:
    shown = (Example("Name the capital of Japan", "Tokyo"),)
    found = only(lint_suite(make_suite(examples=shown)), "example_is_sample")
    assert found.where.endswith("sample 's2'")


def test_many_findings_of_a_kind_end_in_a_count() -> None:
    pairs = {f"How far is it to town number {i}?": str(i) for i in range(30)}
    found = [f for f in lint_suite(make_suite(pairs)) if f.code == "near_duplicate"]
    assert len(found) == 11
    assert found[-1].what == "425 more of this kind"  # 30 · 29 / 2 pairs, ten of them shown


def test_the_pairs_equal_those_of_comparing_everything() -> None:
    from rapidfuzz import fuzz

    rng = random.Random(5)
    texts = [
        " ".join(rng.choices(["red", "green", "blue", "black", "white"], k=7)) for _ in range(60)
    ]
    texts += [text.replace("red", "rid", 1) for text in texts]
    every = [
        (i, j)
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if fuzz.ratio(texts[i], texts[j]) >= 90
    ]
    assert len(every) > 40
    assert [(i, j) for i, j, _ in near_duplicates(texts)] == every


@pytest.mark.parametrize("text", ["", "a", "?!", "日本", "\ud800"])
def test_equal_short_texts_meet(text: str) -> None:
    assert near_duplicates([text, "something else", text]) == [(0, 2, 100.0)]


# -- scores ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "target"),
    [
        ("exact", "Paris"),
        ("exact", ["Paris", "the city of Paris"]),
        ("numeric", 4.0),
        ("numeric", "1,200"),
        ("json_fields", {"city": "Paris", "people": 2}),
        ("set_f1", ["Paris", "Rome"]),
        ("rouge_l", "A long and winding road."),
    ],
)
def test_target_in_its_own_form_scores_one(metric: str, target: Any) -> None:
    suite = make_suite({"Anything?": target, "And else?": target}, metrics=(Plugin(metric),))
    assert not {"target_fails", "no_scorer"} & set(codes(lint_suite(suite)))


def test_target_its_metric_cannot_credit_is_an_error() -> None:
    pairs = {"How many legs has a spider?": "eight legs", "And an ant?": "6"}
    suite = make_suite(pairs, extract=(Plugin("last_number"),))
    found = only(lint_suite(suite), "target_fails")
    assert (found.level, found.where) == ("error", "suite 'cities', sample 's1'")
    assert found.what.startswith("its own target 'eight legs' scores 0.00")


def test_one_alternative_that_fails_is_enough_for_an_error() -> None:
    pairs = {"How many legs has a spider?": ["8", "eight or so"]}
    found = only(lint_suite(make_suite(pairs, metrics=(Plugin("numeric"),))), "target_fails")
    assert "'eight or so'" in found.what


@pytest.mark.parametrize(
    "step",
    [
        Plugin("after", {"marker": "City =>"}),
        Plugin("boxed"),
        Plugin("code_block"),
        Plugin("json_field", {"path": "city"}),
        Plugin("last_line"),
    ],
    ids=lambda step: step.name,
)
def test_target_may_wear_the_dress_that_extract_looks_for(step: Plugin) -> None:
    assert codes(lint_suite(make_suite(extract=(step,)))) == ["too_few_samples"]


def test_constant_answer_that_clears_the_bar_is_an_error() -> None:
    pairs = dict.fromkeys(CITIES, "yes") | {"Is the moon made of cheese?": "no"}
    suite = make_suite(pairs, quality_threshold=QualityThreshold(0.8))
    clears = [f for f in lint_suite(suite) if f.code == "constant_clears"]
    assert [f.level for f in clears] == ["error", "error"]
    assert clears[0].what.startswith("the commonest target 'yes' to every sample scores 0.80")


def test_balanced_targets_let_no_constant_answer_through() -> None:
    suite = make_suite(quality_threshold=QualityThreshold(0.3))
    assert "constant_clears" not in codes(lint_suite(suite))


def test_answer_without_content_that_clears_the_bar_is_an_error() -> None:
    suite = make_suite(metrics=(Plugin("length", {"max_words": 5}),))
    clears = [f.what for f in lint_suite(suite) if f.code == "constant_clears"]
    assert clears[0].startswith('answering "I don\'t know" to every sample scores 1.00')


def test_empty_answer_that_clears_the_bar_is_an_error() -> None:
    pairs = {text: [] for text in CITIES}
    clears = [f.what for f in lint_suite(make_suite(pairs, metrics=(Plugin("set_f1"),)))]
    assert clears[0].startswith("an empty answer to every sample scores 1.00")


def test_suite_that_nothing_scores_is_an_error() -> None:
    assert only(lint_suite(make_suite(metrics=())), "no_metric").level == "error"


def test_judged_suite_is_not_scored_here() -> None:
    judged = make_suite(metrics=(), judge=JudgeUse(load_rubric("helpfulness"), ("openai/gpt-4o",)))
    assert codes(lint_suite(judged)) == ["too_few_samples"]


def test_metric_that_cannot_be_built_is_a_finding_with_its_fix() -> None:
    found = only(lint_suite(make_suite(metrics=(Plugin("exat"),))), "no_scorer")
    assert "'exat'" in found.what
    assert "Did you mean 'exact'" in found.fix


# -- labels, leaks, difficulty --------------------------------------------------------------------


def labelled(counts: dict[str, int], labels: tuple[str, ...], metric: str = "exact") -> Suite:
    words = random.Random(9)
    targets = [label for label, count in counts.items() for _ in range(count)]
    pairs = {"".join(words.choices("abcdefghij ", k=40)): label for label in targets}
    return make_suite(pairs, labels=labels, metrics=(Plugin(metric),))


def test_label_below_a_third_of_its_share_is_a_warning() -> None:
    suite = labelled({"a": 14, "b": 13, "c": 3}, ("a", "b", "c"))
    found = only(lint_suite(suite), "rare_label")
    assert (found.level, found.what) == (
        "warning",
        "the label 'c' has 3 samples where an equal share is 10",
    )


def test_a_third_of_the_share_is_enough() -> None:
    suite = labelled({"a": 13, "b": 13, "c": 4}, ("a", "b", "c"))
    assert "rare_label" not in codes(lint_suite(suite))


def test_label_that_is_never_used_is_a_warning() -> None:
    found = only(lint_suite(labelled({"a": 5, "b": 5}, ("a", "b", "c"))), "rare_label")
    assert "'c' has 0 samples" in found.what


def test_target_that_is_no_label_is_an_error() -> None:
    found = only(lint_suite(labelled({"a": 5, "b": 5, "z": 1}, ("a", "b"))), "unknown_label")
    assert (found.level, "'z'" in found.what) == ("error", True)


def test_long_target_in_its_own_prompt_is_a_warning() -> None:
    target = "The harbour opened to ships from abroad in 1902."
    found = only(
        lint_suite(make_suite({f"Shorten: {target} So there.": target})), "target_in_prompt"
    )
    assert found.level == "warning"


def test_short_target_in_its_own_prompt_is_no_leak() -> None:
    suite = make_suite({"Is it Paris or Rome?": "Paris"})
    assert "target_in_prompt" not in codes(lint_suite(suite))


def test_missing_difficulty_is_one_warning_with_its_samples() -> None:
    suite = make_suite()
    bare = tuple(replace(sample, difficulty=None) for sample in suite.samples[:2])
    found = only(lint_suite(replace(suite, samples=(*bare, *suite.samples[2:]))), "no_difficulty")
    assert found.what == "2 of 4 samples have no difficulty: s1, s2"


# -- enough and hard enough -----------------------------------------------------------------------


def test_too_few_samples_says_the_power_and_what_it_takes() -> None:
    found = only(lint_suite(make_suite()), "too_few_samples")
    assert found.level == "warning"
    assert "with 4 independent samples" in found.what
    assert "in 0% of benches" in found.what
    assert found.fix.startswith("It takes about 94 samples for 80%")


def test_samples_of_one_group_count_once() -> None:
    suite = make_suite()
    grouped = tuple(replace(sample, group="one") for sample in suite.samples)
    found = only(lint_suite(replace(suite, samples=grouped)), "too_few_samples")
    assert "with 1 independent samples (4 in 1 groups)" in found.what


def test_suite_without_samples_is_an_error() -> None:
    empty = replace(make_suite(), samples=())
    assert only(lint_suite(empty), "too_few_samples").level == "error"


def test_stricter_confidence_takes_more_samples() -> None:
    found = only(lint_suite(make_suite(), QualityRule(confidence=0.99)), "too_few_samples")
    assert int(found.fix.split()[3]) > 94


def test_power_equals_the_exact_binomial_tail() -> None:
    from scipy.stats import beta, binom

    n, bar = 60, 0.85
    wins = [k for k in range(n + 1) if k / n >= bar and beta.ppf(0.05, k, n - k + 1) >= bar - 0.05]
    expected = binom.sf(wins[0] - 1, n, 0.9)
    found = likely_power(n, bar, better=0.05, confidence=0.95, margin=0.05)
    assert found == pytest.approx(expected, abs=1e-9)


def test_from_the_samples_needed_on_the_power_stays_above_four_fifths() -> None:
    terms = {"better": 0.05, "confidence": 0.95, "margin": 0.05}
    needed = samples_needed(0.85, **terms)
    assert needed == 94
    assert likely_power(93, 0.85, **terms) < 0.8
    assert all(likely_power(n, 0.85, **terms) >= 0.8 for n in range(94, 200))


@pytest.mark.parametrize("bar", [0.0, 0.5, 0.95, 0.99, 1.0])
def test_every_bar_has_a_number_of_samples_that_settles_it(bar: float) -> None:
    needed = samples_needed(bar, better=0.05, confidence=0.95, margin=0.05)
    assert needed is not None
    assert 1 <= needed < 1000


def test_suite_that_rules_clear_is_too_easy() -> None:
    suite = make_suite(quality_threshold=QualityThreshold(0.7))
    assert only(lint_suite(suite, floor_quality=0.7), "too_easy").level == "warning"
    assert "too_easy" not in codes(lint_suite(suite, floor_quality=0.69))


def test_floor_that_was_not_measured_says_nothing() -> None:
    assert "too_easy" not in codes(lint_suite(make_suite()))

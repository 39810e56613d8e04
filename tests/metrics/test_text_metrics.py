"""exact, contains, regex, length, set_f1, token_f1."""

from __future__ import annotations

import pytest

from llmroute.errors import InputError, UnknownName
from llmroute.metrics import Unscorable, build_metric
from llmroute.metrics.contains import Contains
from llmroute.metrics.exact import Exact
from llmroute.metrics.length import Length
from llmroute.metrics.regex import Regex
from llmroute.metrics.set_f1 import SetF1
from llmroute.metrics.token_f1 import TokenF1
from llmroute.records import Plugin, Sample


def sample(target=None, **fields) -> Sample:
    return Sample("q1", "", target=target, fields=fields)


def test_exact_ignores_white_space_only() -> None:
    assert Exact().score(sample("New  York"), " New York\n") == 1.0
    assert Exact().score(sample("New York"), "new york") == 0.0
    assert Exact().score(sample("New York"), "New York.") == 0.0


def test_exact_ignores_case_and_punctuation_when_told() -> None:
    metric = Exact(ignore_case=True, ignore_punctuation=True)
    assert metric.score(sample("New York"), "“new york.”") == 1.0


def test_exact_takes_the_best_of_alternatives_of_any_type() -> None:
    assert Exact().score(sample(["one", 1]), "1") == 1.0
    assert Exact().score(sample(True), "true") == 1.0
    assert Exact().score(sample(2.0), "2") == 1.0


@pytest.mark.parametrize("text", ["2014", "3.14", "14.5", "1,140", "x14", "14x", "14_b"])
def test_contains_finds_no_part_of_a_number_or_word(text: str) -> None:
    assert Contains().score(sample("14"), text) == 0.0


@pytest.mark.parametrize("text", ["14", "(14)", "It is 14.", "14, 15", "$14", "14%", "12/14"])
def test_contains_finds_a_number_that_stands_alone(text: str) -> None:
    assert Contains().score(sample("14"), text) == 1.0


def test_contains_finds_later_what_is_only_a_part_at_first() -> None:
    assert Contains().score(sample("art"), "The party showed art.") == 1.0


def test_contains_counts_all_any_or_the_share() -> None:
    wanted = sample(["Paris", ["14", "fourteen"], "May"])
    text = "In paris, on the fourteen."
    assert Contains(mode="all").score(wanted, text) == 0.0
    assert Contains(mode="any").score(wanted, text) == 1.0
    assert Contains(mode="share").score(wanted, text) == pytest.approx(2 / 3)


def test_contains_reads_another_field() -> None:
    metric = Contains(field="facts")
    assert metric.score(sample(facts=["a b"]), "A  B") == 1.0
    assert metric.lacks(sample("x")) == "no values in field 'facts'"
    with pytest.raises(Unscorable, match="facts"):
        metric.score(sample("x"), "x")


def test_contains_minds_case_when_told() -> None:
    assert Contains(ignore_case=False).score(sample("US"), "us") == 0.0


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(InputError, match="all, any or share"):
        build_metric(Plugin("contains", {"mode": "most"}))


def test_regex_takes_its_pattern_from_the_parameter_or_the_target() -> None:
    assert Regex(r"\d{3}").score(sample(), "abc 123") == 1.0
    assert Regex().score(sample([r"^x$", r"^\d+$"]), "12") == 1.0
    assert Regex(r"\d+", full=True).score(sample(), " 12 \n") == 1.0
    assert Regex(r"\d+", full=True).score(sample(), "12a") == 0.0
    assert Regex("abc", ignore_case=True).score(sample(), "ABC") == 1.0


def test_a_pattern_that_takes_too_long_leaves_the_sample_unscored() -> None:
    with pytest.raises(Unscorable, match=r"took longer than 1.0 s"):
        Regex(r"^(a|a)*(b|b)*(a|aa)+$").score(sample(), "a" * 60 + "!")


def test_a_broken_pattern_is_refused_when_built() -> None:
    with pytest.raises(InputError, match="is not valid"):
        build_metric(Plugin("regex", {"pattern": "(a"}))
    assert "no valid pattern" in Regex().lacks(sample("(a"))


def test_length_falls_in_proportion_outside_its_bounds() -> None:
    metric = Length(max_words=4, min_words=2)
    values = [metric.score(sample(), "w " * n) for n in (0, 1, 2, 4, 5, 8)]
    assert values == [0.0, 0.5, 1.0, 1.0, 0.8, 0.5]


@pytest.mark.parametrize("params", [{}, {"max_words": 2, "min_words": 3}, {"max_words": 0}])
def test_impossible_length_bounds_are_refused(params) -> None:
    with pytest.raises(InputError):
        build_metric(Plugin("length", params))


@pytest.mark.parametrize(
    "text",
    [
        '["b", "A"]',
        "a, b",
        "- a\n- b",
        "1. a\n2) **b**",
        "a; b",
        '```json\n["a","b"]\n```',
        "Here:\na\nb",
    ],
)
def test_set_f1_reads_a_list_however_it_is_written(text: str) -> None:
    assert SetF1().score(sample(["a", "b"]), text) == 1.0


def test_set_f1_weighs_missing_and_invented_items() -> None:
    assert SetF1().score(sample(["a", "b", "c"]), "a, b, x, y") == pytest.approx(4 / 7)


@pytest.mark.parametrize("text", ["", "none", "[]", "None."])
def test_an_empty_set_is_met_by_nothing(text: str) -> None:
    assert SetF1().score(sample([]), text) == 1.0
    assert SetF1().score(sample(["a"]), text) == 0.0
    assert SetF1().score(sample([]), "a") == 0.0


def test_token_f1_is_squads() -> None:
    # "cat sat mat" / "cat sat on mat": 2·3 / (3 + 4)
    assert TokenF1().score(sample("The cat sat on a mat!"), "cat sat, mat") == pytest.approx(6 / 7)
    assert TokenF1().score(sample(["dog", "the cat"]), "Cat") == 1.0
    assert TokenF1().score(sample("cat"), "dog") == 0.0
    assert TokenF1().score(sample("a a b"), "b b") == pytest.approx(0.0 + 2 * 1 / (2 + 1))


def test_an_unanswerable_question_is_met_by_silence() -> None:
    assert TokenF1().score(sample(""), "") == 1.0
    assert TokenF1().score(sample(""), "something") == 0.0


def test_an_unknown_metric_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'rouge_l'"):
        build_metric(Plugin("rouge_1"), where="suites/x.yaml")


def test_an_unknown_parameter_is_answered_with_the_closest() -> None:
    with pytest.raises(InputError, match="Did you mean 'ignore_case'"):
        build_metric(Plugin("exact", {"ignorecase": True}))

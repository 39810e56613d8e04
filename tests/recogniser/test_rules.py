from __future__ import annotations

import time

import pytest

from llmroute.errors import ConfigError
from llmroute.recogniser.request import Request
from llmroute.recogniser.rules import Rule, Sign, text_digest
from llmroute.records import Match


def signs(match: Match, text: str) -> tuple[Sign, ...]:
    return Rule.of("t", match, where="map").matched(Request(text))


def test_keywords_are_whole_words_in_any_case() -> None:
    match = Match(keywords=("sort", "tl;dr", "as JSON"))
    assert signs(match, "SORT this, and sort that") == (
        Sign("keyword", "SORT"),
        Sign("keyword", "sort"),
    )
    assert signs(match, "a resort") == ()
    assert signs(match, "give it as\n json") == (Sign("keyword", "as\n json"),)
    assert signs(match, "TL;DR?") == (Sign("keyword", "TL;DR"),)


def test_patterns_keep_the_case_they_are_written_in() -> None:
    assert signs(Match(patterns=("Invoice \\d+",)), "Invoice 17") == (
        Sign("pattern", "Invoice 17"),
    )
    assert signs(Match(patterns=("Invoice \\d+",)), "invoice 17") == ()


def test_every_condition_must_hold_beside_a_keyword() -> None:
    match = Match(keywords=("fix",), has_code=True, max_chars=100)
    code = "Please fix:\n```py\nx = 1\n```"
    assert signs(match, code) == (
        Sign("keyword", "fix"),
        Sign("condition", "max_chars: 100"),
        Sign("condition", "has_code: true"),
    )
    assert signs(match, "Please fix it.") == ()
    assert signs(match, code + "x" * 100) == ()
    assert signs(match, code.replace("fix", "mend")) == ()


def test_conditions_alone_are_a_rule() -> None:
    assert signs(Match(min_chars=5, has_json=False), "long enough") == (
        Sign("condition", "min_chars: 5"),
        Sign("condition", "has_json: false"),
    )
    assert signs(Match(min_chars=5), "no") == ()


def test_length_is_the_whole_texts_and_not_of_what_is_read() -> None:
    assert signs(Match(min_chars=900_000), "x" * 1_000_000)


@pytest.mark.parametrize("match", [Match(), Match(tags=("t",), utterances=("Sort this list",))])
def test_without_a_rule_there_is_no_sign(match: Match) -> None:
    assert signs(match, "Sort this list") == ()


def test_a_pattern_that_runs_away_is_not_found_and_holds_nobody_up() -> None:
    started = time.process_time()
    assert signs(Match(patterns=(r"(a|a)*b$", r"(x+x+)+y")), "a" * 5000 + "x" * 5000) == ()
    assert time.process_time() - started < 60  # a hang, not a measurement


def test_a_broken_pattern_is_named_with_its_task() -> None:
    with pytest.raises(ConfigError, match=r"map, task 't': pattern '\(' is not valid"):
        Rule.of("t", Match(patterns=("(",)), where="map")


OWN = Match(template=("Text:", "Answer:"), system=text_digest("Be brief.\nAlways."))


def test_the_suites_own_template_is_found_whatever_stands_between() -> None:
    rule = Rule.of("t", OWN, where="map")
    assert rule.own_words(Request("Text:  a\nb\n\nAnswer:")) == (
        Sign("template", "Text: … Answer:"),
    )
    assert rule.own_words(Request("Answer: a Text: b")) == ()
    assert rule.own_words(Request("a b", "be  brief. Always.")) == ()
    assert rule.own_words(Request("a b", "Be  brief. Always.")) == (
        Sign("system", "message of its suite"),
    )


def test_a_task_is_tagged_by_its_name_and_its_suites_tags() -> None:
    rule = Rule.of("sums", Match(tags=("maths",)), where="map")
    assert rule.tagged(["x", "maths"]) == (Sign("tag", "maths"),)
    assert rule.tagged(["sums"]) == (Sign("tag", "sums"),)
    assert rule.tagged(["sum"]) == ()


def test_a_sign_reads_as_one_short_line() -> None:
    assert str(Sign("pattern", "a\n b" + "c" * 100)) == f"pattern 'a b{'c' * 56}…'"

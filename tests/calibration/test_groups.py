from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.calibration.groups import near_duplicate_groups

STORY = (
    "A farmer has {} hens and each of them lays {} eggs a week, which she sells at the market"
    " on Saturday for {} cents each; how much does she earn in a month of four weeks?"
)


def groups(texts, given_names=()):
    return near_duplicate_groups(texts, given_names).tolist()


def test_case_punctuation_and_space_make_no_difference():
    assert groups(["Where is my order?", "where is  MY order", "Cancel it."]) == [0, 0, 1]


def test_a_changed_number_leaves_two_prompts_nearly_the_same():
    texts = [STORY.format(12, 5, 30), STORY.format(14, 6, 25), "What is the capital of France?"]
    assert groups(texts) == [0, 0, 1]


def test_a_template_many_prompts_share_does_not_make_them_alike():
    words = ["zebra", "violin", "mortgage", "glacier", "quantum", "saffron", "turbine", "walnut"]
    questions = [f"{a} against {b}, or {b} without {a}?" for a in words for b in words if a != b]
    head = "You are a careful assistant. Think step by step and answer in one word. Question: "
    texts = [head * 3 + question for question in questions]
    assert len(set(groups(texts))) > 20


def test_equal_prompts_are_one_group_however_many_there_are():
    assert set(groups(["Say hello to the world, please."] * 500)) == {0}


def test_groups_that_are_given_hold():
    assert groups(["one apple", "two pears", "three plums"], ["a", None, "a"]) == [0, 1, 0]


def test_groups_join_through_a_common_member():
    texts = [STORY.format(12, 5, 30), STORY.format(14, 5, 30), "Something else entirely, no?"]
    assert groups(texts, [None, "x", "x"]) == [0, 0, 0]


def test_short_texts_are_grouped_where_they_are_equal_only():
    assert groups(["yes", "yes!", "no", "yep"]) == [0, 0, 1, 2]


def test_empty_and_odd_texts_are_no_trouble():
    assert groups([]) == []
    assert groups(["", "?!", "a"]) == [0, 0, 1]
    assert groups(["\ud800x" * 20, "\ud800x" * 20, "b"]) == [0, 0, 1]


def test_prompts_in_any_script_are_compared():
    text = "请告诉我从北京到上海的高铁需要多长时间以及票价是多少元人民币"
    assert groups([text, text + "呢", "今天的天气怎么样需要带雨伞出门吗还是不用"]) == [0, 0, 1]


def test_few_questions_about_one_long_passage_are_nearly_the_same():
    passage = " ".join(f"Sentence {i} tells of ship {i * 7919 % 997}." for i in range(300))
    texts = [f"{passage} Question: who built ship {name}?" for name in ("one", "two", "three")]
    assert groups([*texts, "An unrelated short question about prices."]) == [0, 0, 0, 1]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_groups_are_numbered_in_order_and_equal_texts_meet(texts):
    found = groups(texts)
    assert found[0] == 0
    assert sorted(set(found)) == list(range(max(found) + 1))
    assert groups(texts + texts)[len(texts) :] == groups(texts + texts)[: len(texts)]

from __future__ import annotations

import pytest

from llmroute.errors import InputError
from llmroute.metrics import Unscorable, build_metric
from llmroute.metrics.choice import Choice, read_choice
from llmroute.records import Plugin, Sample

LETTERS = ("A", "B", "C", "D")
WORDS = ("refund", "refund_request", "card lost", "other")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (B). ", "B"),
        ("**B**", "B"),
        ("B) Paris", "B"),
        ("B. Paris", "B"),
        ("**B. Paris**", "B"),
        (r"\boxed{B}", "B"),
        (r"$\boxed{\text{(B)}}$", "B"),
        ("Answer: B", "B"),
        ("**Answer:** D", "D"),
        ("Final answer: **B**", "B"),
        ("The answer is B.", "B"),
        ("The answer is A because it fits", "A"),
        ("answer: b", "B"),
        ('{"answer": "B"}', "B"),
        ("A. Paris is a city, so no. Answer: C", "C"),
        ("The correct answer is option (C), for (A) is wrong", "C"),
        ("Answer: A. No, wait. Answer: B", "B"),
        ("I would choose option B", "B"),
        ("It must be (D).", "D"),
        ("Because of this and that\n\nB", "B"),
    ],
)
def test_a_letter_is_read_out_of_free_text(text: str, label: str) -> None:
    assert read_choice(text, LETTERS) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I think a good one",
        "The answer is a city",
        "A or B",
        "(A) or (B)",
        "A, B",
        "E",
        "**a dog**",
    ],
)
def test_an_answer_that_does_not_decide_has_no_letter(text: str) -> None:
    assert read_choice(text, LETTERS) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("refund", "refund"),
        ("Refund request", "refund_request"),
        ("refund-request.", "refund_request"),
        ("It is a refund_request.", "refund_request"),
        ("Category: card_lost", "card lost"),
        ("**Intent:** `refund_request`", "refund_request"),
        ("The customer wants a refund", "refund"),
        ("label = 'refund'", "refund"),
        ("First **other** came to mind", "other"),
    ],
)
def test_a_label_is_read_out_of_free_text(text: str, label: str) -> None:
    assert read_choice(text, WORDS) == label


@pytest.mark.parametrize("text", ["not refund, other", "prefund", "refund_requests", "nothing"])
def test_ambiguous_or_partial_labels_are_not_read(text: str) -> None:
    assert read_choice(text, WORDS) is None


def test_target_and_prediction_meet_on_the_same_label() -> None:
    metric = Choice(labels=WORDS)
    assert metric.score(Sample("q1", "", target="Refund Request"), "refund_request") == 1.0
    assert metric.score(Sample("q1", "", target="refund"), "refund_request") == 0.0


def test_a_list_target_is_a_list_of_alternatives() -> None:
    sample = Sample("q1", "", target=["A", "C"])
    assert [Choice(labels=LETTERS).score(sample, text) for text in "ABC"] == [1.0, 0.0, 1.0]


def test_without_labels_nothing_can_be_scored() -> None:
    with pytest.raises(Unscorable, match="no labels"):
        Choice().score(Sample("q1", "", target="A"), "A")


@pytest.mark.parametrize("labels", ["ABC", ["A", "a"], ["A", ""], 3])
def test_labels_that_cannot_be_told_apart_are_refused(labels) -> None:
    with pytest.raises(InputError, match="labels must"):
        build_metric(Plugin("choice", {"labels": labels}))

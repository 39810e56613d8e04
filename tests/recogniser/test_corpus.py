from __future__ import annotations

from llmroute.recogniser.corpus import (
    NO_TASK,
    own_match,
    read_background,
    read_prompts,
    read_suites,
)
from llmroute.recogniser.request import Request
from llmroute.recogniser.rules import text_digest
from llmroute.records import Match, Message, Outcomes, Prompt, Sample, Suite

SUITE = Suite(
    "qa",
    "qa",
    (
        Sample("one", "Why?", fields={"passage": "Because.", "lines": ["a", 2]}, group="g"),
        Sample("two", (Message("user", "Hi"), Message("assistant", "?"), Message("user", "Why?")),
               fields={"passage": "So.", "lines": []}),
    ),
    system="Read the passage.",
    prompt="Passage:\n{{ passage }}\n{{ lines | join('; ') }}\nQuestion: {{ input }}\n{{ labels }}",
    labels=("x",),
    match=Match(tags=("rag",), utterances=("What does the passage say?",)),
)  # fmt: skip


def test_each_sample_is_known_whole_as_a_prompt_and_bare() -> None:
    one, two = read_suites([SUITE]).samples
    prompt = 'Passage:\nBecause.\na; 2\nQuestion: Why?\n["x"]'
    assert dict(one.requests) == {
        "whole": Request(prompt, "Read the passage."),
        "prompt": Request(prompt),
        "bare": Request("Because.\n\na, 2\n\nWhy?"),
    }
    assert (one.task, one.id, one.group) == ("qa", "one", "g")
    assert two.requests["bare"] == Request("So.\n\n\n\nWhy?")


def test_utterances_are_known_bare() -> None:
    [said] = read_suites([SUITE]).utterances
    assert (said.task, dict(said.requests)) == (
        "qa",
        {"bare": Request("What does the passage say?")},
    )


def test_a_suites_own_words_go_into_its_match() -> None:
    match = own_match(SUITE)
    assert match.template == ("Passage:", "Question:")
    assert match.system == text_digest("Read the passage.")
    assert match.tags == ("rag",)


def test_a_template_of_a_few_letters_or_a_loop_recognises_nothing() -> None:
    for prompt in ("Q: {{ input }}", "{% if input %}A long sentence here{% endif %}{{ input }}"):
        assert own_match(Suite("s", "s", (), prompt=prompt)).template == ()


def test_outcomes_without_suites_are_known_by_their_prompts() -> None:
    prompts = {
        ("a", "1"): Prompt("a", "1", " What? "),
        ("a", "2"): Prompt("a", "2", None),
        ("b", "1"): Prompt("b", "1", " "),
    }
    [known] = read_prompts(Outcomes((), prompts)).samples
    assert (known.task, known.id, dict(known.requests)) == ("a", "1", {"prompt": Request("What?")})


def test_the_background_is_of_no_task_and_says_nothing_twice() -> None:
    background = read_background()
    texts = [known.requests["bare"].text for known in background]
    assert {known.task for known in background} == {NO_TASK}
    assert len(set(texts)) == len(texts) >= 150
    assert all(texts)


def test_of_many_samples_each_task_brings_its_part_evenly() -> None:
    samples = tuple(Sample(str(i), f"text {i}") for i in range(5_000))
    suites = [Suite(name, name, samples) for name in ("a", "b")]
    known = read_suites([*suites, Suite("c", "c", samples[:7])]).samples
    ids = {name: [int(k.id) for k in known if k.task == name] for name in "abc"}
    assert [len(ids[name]) for name in "abc"] == [333, 333, 7]
    assert ids["a"][:3] == [0, 15, 30]
    assert ids["a"][-1] > 4_970

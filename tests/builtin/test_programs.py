from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.builtin import PROGRAMS
from llmroute.errors import InputError, UnknownName
from llmroute.records import Message

HERE = ("rules", "tfidf")
HOSTILE = {
    "nothing": "",
    "only spaces": " \n\t " * 50,
    "a megabyte": "refund my order. " * 60_000,
    "a megabyte of one letter": "a" * 1_000_000,
    "a megabyte of brackets": "([{" * 340_000,
    "a megabyte of line ends": "\n \n" * 340_000,
    "a megabyte of digits": "1,234" * 200_000,
    "a megabyte of initials": "A. " * 340_000,
    "ifs without an end": "if not " * 20_000,
    "NUL": "\x00\x00",
    "lone surrogates": "\ud800\udfff and text",
    "escape sequences": "\x1b[31mred\x1b]0;title\x07",
    "half a JSON": '{"a": [1, {"b": ',
    "a huge sum": "What is " + "9" * 5_000 + " * " + "9" * 5_000 + "?",
    "template code": "{{ 7*7 }} {% for x in y %}",
}


def ask(text: str, system: str | None = None, *turns: tuple[str, str]) -> tuple[Message, ...]:
    head = [Message("system", system)] if system is not None else []
    shown = [
        Message(role, part)
        for turn in turns
        for role, part in zip(("user", "assistant"), turn, strict=True)
    ]
    return (*head, *shown, Message("user", text))


def rules(messages: tuple[Message, ...], labels: tuple[str, ...] = ()) -> str:
    return PROGRAMS.build("rules", {}).answer(messages, labels)


def tfidf(messages: tuple[Message, ...], labels: tuple[str, ...] = ()) -> str:
    return PROGRAMS.build("tfidf", {}).answer(messages, labels)


# -- every program --------------------------------------------------------------------------------


def test_every_program_is_in_the_contract() -> None:
    assert PROGRAMS.names() == ("embedding", "gullible", "rules", "tfidf")


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_requests_get_text_and_the_same_text_again(name: str, text: str) -> None:
    system = "Extract the fields as JSON: name, date. If not stated, reply: none."
    for messages in (ask(text), ask("Summarize.", text), ask(text, system, (text, text))):
        for labels in ((), ("billing", "outage")):
            answers = [PROGRAMS.build(name, {}).answer(messages, labels) for _ in range(2)]
            assert isinstance(answers[0], str)
            assert answers[0] == answers[1]


@pytest.mark.parametrize("name", HERE)
@settings(max_examples=60, deadline=None)
@given(text=st.text(), system=st.text(), shown=st.text(), said=st.text())
def test_any_text_gets_an_answer(name: str, text: str, system: str, shown: str, said: str) -> None:
    program = PROGRAMS.build(name, {})
    assert isinstance(program.answer(ask(text, system, (shown, said)), ()), str)


@pytest.mark.parametrize("name", HERE)
@settings(max_examples=30, deadline=None)
@given(text=st.text(), labels=st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True))
def test_with_labels_the_answer_is_always_one_of_them(
    name: str, text: str, labels: list[str]
) -> None:
    assert PROGRAMS.build(name, {}).answer(ask(text), tuple(labels)) in labels


@pytest.mark.parametrize("name", HERE)
def test_no_messages_at_all_give_text(name: str) -> None:
    assert PROGRAMS.build(name, {}).answer((), ()) == ""


@pytest.mark.parametrize("name", HERE)
def test_an_assistant_turn_without_a_request_is_survived(name: str) -> None:
    assert PROGRAMS.build(name, {}).answer((Message("assistant", "Hello"),), ()) == ""


def test_misspelt_program_is_answered_with_the_right_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'rules'"):
        PROGRAMS.build("rule", {})


def test_embedding_without_a_folder_says_which_parameter_is_missing() -> None:
    with pytest.raises(InputError, match="needs the parameter 'folder'"):
        PROGRAMS.build("embedding", {})


# -- rules ----------------------------------------------------------------------------------------


def test_rules_choose_the_label_whose_definition_shares_words() -> None:
    system = "billing: charges, invoices and refunds\noutage: the service is down or unreachable"
    labels = ("billing", "outage")
    assert rules(ask("The service has been unreachable since noon", system), labels) == "outage"
    assert rules(ask("I do not understand this charge", system), labels) == "billing"


def test_rules_learn_label_words_from_few_shot_turns() -> None:
    turns = (("Text: my parrot sings", "bird"), ("Text: the trout swims", "fish"))
    assert rules(ask("Text: a parrot flew by", None, *turns), ("fish", "bird")) == "bird"


def test_rules_extract_listed_fields_as_json() -> None:
    fields = ("name: string", "email: string", "total: number", "due_date: date")
    system = "\n- ".join(("Extract these fields as JSON:", *fields))
    text = (
        "Text:\nHello, my name is Ada Byron (ada@example.com). Written 1 May 2024."
        " The total is $1,250.50, due on 3 June 2024."
    )
    assert json.loads(rules(ask(text, system))) == {
        "name": "Ada Byron",
        "email": "ada@example.com",
        "total": 1250.5,
        "due_date": "2024-06-03",
    }


def test_rules_answer_null_for_a_field_the_text_lacks() -> None:
    system = 'Extract as JSON: {"email": "string", "phone": "string"}'
    found = json.loads(rules(ask("Text: nobody to be reached", system)))
    assert found == {"email": None, "phone": None}


def test_rules_take_the_fields_of_an_answered_example() -> None:
    turn = ("Order 7, mail a@b.example", '{"email": "a@b.example"}')
    system = "Extract JSON fields."
    assert rules(ask("Order 8, mail c@d.example", system, turn)) == '{"email": "c@d.example"}'


def test_rules_summarise_with_whole_lead_sentences_within_the_word_limit() -> None:
    text = "Summarize in at most 8 words:\n\nThe dam broke. Two villages flooded. Nobody was hurt."
    assert rules(ask(text)) == "The dam broke. Two villages flooded."


def test_rules_summarise_in_the_number_of_sentences_asked() -> None:
    text = "The dam broke. Two villages flooded. Nobody was hurt."
    assert rules(ask(f"Text: {text}", "Summarize in one sentence.")) == "The dam broke."


def test_rules_answer_with_the_passage_sentence_that_shares_most() -> None:
    passage = "It was built in 1899. The harbour opened to ships in 1902."
    text = f"Passage: {passage}\n\nQuestion: When did the harbour open?"
    assert rules(ask(text)) == "The harbour opened to ships in 1902."
    assert rules(ask(text, "Give the shortest answer.")) == "1902"


@pytest.mark.parametrize(
    "system",
    [
        'If the passage does not say, reply "not stated".',
        "If the answer is not in the passage, answer exactly: not stated",
    ],
)
def test_rules_use_the_words_the_prompt_offers_where_nothing_answers(system: str) -> None:
    text = "Passage: The harbour opened in 1902.\n\nQuestion: How deep is Lake Baikal?"
    assert rules(ask(text, system)) == "not stated"


@pytest.mark.parametrize(
    ("problem", "number"),
    [
        ("What is 12 * (3 + 4)?", Fraction(84)),
        ("What is 15% of 80?", Fraction(12)),
        ("Ann had 12 eggs and gave away 5. How many are left?", Fraction(7)),
        ("A box holds 6 cups and each cup weighs 150 g. How many grams is that?", Fraction(900)),
        ("Tom read 12 pages on Monday and 30 on Tuesday. How many in all?", Fraction(42)),
    ],
)
def test_rules_end_a_number_problem_with_their_number(problem: str, number: Fraction) -> None:
    assert rules(ask(problem, "Solve. End with 'Answer: <number>'.")) == f"Answer: {number}"


@pytest.mark.parametrize(
    ("order", "text", "expected"),
    [
        ("Convert the date to ISO 8601:", "3rd of March 2024", "2024-03-03"),
        ("Convert to snake_case:", "customerFirstName", "customer_first_name"),
        ("Write in title case:", "THE WIND IN THE WILLOWS", "The Wind in the Willows"),
        ("Sort alphabetically, one per line:", "pear, apple, fig", "apple\nfig\npear"),
        ("Remove duplicates:", "fig\nFig\npear", "fig\npear"),
        ("Convert to the 24-hour clock:", "9 pm", "21:00"),
        ("Strip the HTML tags:", "<p>Hello <b>you</b></p>", "Hello you"),
        ("Convert this CSV to JSON:", "a,b\n1,2", '[{"a": "1", "b": "2"}]'),
    ],
)
def test_rules_do_the_conversions_they_know(order: str, text: str, expected: str) -> None:
    assert rules(ask(f"{order}\n\n{text}")) == expected


def test_rules_give_back_the_tidied_text_where_no_rule_fits() -> None:
    assert rules(ask("  so   be it \n\n ")) == "so be it"


def test_rules_read_a_request_framed_by_the_same_template_as_its_examples() -> None:
    turns = (("Labels: a, b\n\nTicket:\nlost card\n\nLabel:", "a"),)
    text = "Labels: a, b\n\nTicket:\nSort out my bill\n\nLabel:"
    assert rules(ask(text, None, *turns)) == "Sort out my bill"


# -- tfidf ----------------------------------------------------------------------------------------


def test_tfidf_copies_the_answer_of_the_nearest_example() -> None:
    turns = (("The parcel never came", "delivery"), ("I was charged twice", "billing"))
    assert tfidf(ask("Why did you charge me two times?", None, *turns)) == "billing"


def test_tfidf_answers_with_the_nearest_passage_sentence() -> None:
    passage = "The old mill burned. The harbour opened in 1902."
    text = f"Passage: {passage}\n\nQuestion: When did the harbour open?"
    assert tfidf(ask(text)) == "The harbour opened in 1902."


def test_tfidf_refuses_in_the_words_of_the_prompt_where_nothing_is_near() -> None:
    text = "Passage: The harbour opened in 1902.\n\nQuestion: Who wrote Faust?"
    assert tfidf(ask(text, 'If it is not there, say "unknown".')) == "unknown"


def test_tfidf_without_examples_takes_the_nearest_label() -> None:
    labels = ("account_access", "refund_request")
    assert tfidf(ask("please refund my money"), labels) == "refund_request"


def test_tfidf_falls_back_on_the_lead() -> None:
    assert tfidf(ask("Text: One. Two.", "In one sentence.")) == "One."

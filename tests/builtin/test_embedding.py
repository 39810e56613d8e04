from __future__ import annotations

import os

import pytest

from llmroute.builtin import PROGRAMS
from llmroute.records import Message

FOLDER = os.environ.get("LLMROUTE_MINILM", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="LLMROUTE_MINILM names no model folder")


def answer(text: str, *turns: tuple[str, str], labels: tuple[str, ...] = ()) -> str:
    shown = [
        Message(role, part)
        for turn in turns
        for role, part in zip(("user", "assistant"), turn, strict=True)
    ]
    program = PROGRAMS.build("embedding", {"folder": FOLDER})
    found = program.answer((*shown, Message("user", text)), labels)
    assert isinstance(found, str)
    return found


def test_nearest_example_is_found_without_a_shared_word() -> None:
    turns = (("I want my money back", "refund"), ("The screen stays black", "defect"))
    assert answer("Please reimburse me", *turns) == "refund"


def test_nearest_passage_sentence_is_found_without_a_shared_word() -> None:
    text = "Passage: The mill burned down. Vessels have docked there since 1902.\n\n"
    assert answer(f"{text}Question: When did ships begin to arrive?").startswith("Vessels")


def test_nearest_label_is_chosen_without_examples() -> None:
    labels = ("refund request", "technical defect")
    assert answer("the screen stays black", labels=labels) == "technical defect"


def test_hostile_text_is_survived() -> None:
    assert answer("\x00\ud800" * 10_000, ("a", "b")) == "b"

"""Suites or outcomes → Corpus: texts of known task, as the bench puts them and bare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from llmroute.recogniser.request import Request
from llmroute.recogniser.rules import squeezed, text_digest
from llmroute.records import Match, Message, Outcomes, Sample, Suite
from llmroute.suites.prompt import render_messages
from llmroute.templates import compile_template
from llmroute.templates.filters import json_text

T = TypeVar("T")

Form = Literal["whole", "prompt", "bare"]

BACKGROUND = Path(__file__).with_name("background.txt")
NO_TASK = ""
LEAST_TEMPLATE_CHARS = 12
"""A prompt with fewer fixed letters than this is recognised by no template."""
MAX_SAMPLES, LEAST_OF_TASK = 1_000, 20
"""Of all tasks together, in equal parts, and of each at least; of more, every n-th is read."""


@dataclass(frozen=True, slots=True)
class Known:
    """One sample, or one utterance, as requests whose task is known."""

    task: str
    id: str
    requests: Mapping[Form, Request]
    """whole: system message and prompt, as the bench sends them; prompt: without the system
    message; bare: the sample's own words, without the suite's."""
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a recogniser is fitted and judged on."""

    samples: tuple[Known, ...]
    utterances: tuple[Known, ...] = ()
    """Learned from in every fold, and judged in none."""
    background: tuple[Known, ...] = ()
    """Of no task: what people ask of any assistant."""


def read_suites(suites: Sequence[Suite]) -> Corpus:
    """The corpus of these suites."""
    return Corpus(
        tuple(known for suite in suites for known in _samples(suite, len(suites))),
        tuple(known for suite in suites for known in _utterances(suite)),
        read_background(),
    )


def read_prompts(outcomes: Outcomes) -> Corpus:
    """The corpus of outcomes without suites: their prompts, in the one form there is."""
    by_task: dict[str, list[Known]] = {}
    for prompt in outcomes.prompts.values():
        if prompt.text and prompt.text.strip():
            requests: dict[Form, Request] = {"prompt": Request(prompt.text.strip())}
            known = Known(prompt.task, prompt.sample_id, requests)
            by_task.setdefault(prompt.task, []).append(known)
    n_tasks = len(by_task)
    samples = tuple(known for some in by_task.values() for known in _thinned(some, n_tasks))
    return Corpus(samples, background=read_background())


def read_background() -> tuple[Known, ...]:
    """Requests of no task, as they ship with llmroute."""
    lines = BACKGROUND.read_text("utf-8").splitlines()
    return tuple(
        Known(NO_TASK, f"background {number}", {"bare": Request(line)})
        for number, line in enumerate(lines, 1)
    )


def own_match(suite: Suite) -> Match:
    """The suite's `match`, with what its prompt and system message are known by.

    >>> own_match(Suite("s", "s", (), prompt="Text: {{ text }} Question: {{ input }}")).template
    ('Text:', 'Question:')
    """
    fixed = tuple(squeezed(text) for text in compile_template(suite.prompt).fixed)
    if sum(map(len, fixed)) < LEAST_TEMPLATE_CHARS:
        fixed = ()
    system = text_digest(suite.system) if suite.system else None
    return replace(suite.match, template=fixed, system=system)


def _samples(suite: Suite, n_tasks: int) -> Iterator[Known]:
    for sample in _thinned(suite.samples, n_tasks):
        messages = render_messages(suite, sample)
        asked = messages[-1].content.strip()
        requests: dict[Form, Request] = {
            "whole": Request(asked, _system(messages)),
            "prompt": Request(asked),
            "bare": Request(_own_words(suite, sample).strip()),
        }
        yield Known(suite.task, sample.id, requests, sample.group)


def _utterances(suite: Suite) -> Iterator[Known]:
    for number, text in enumerate(suite.match.utterances, 1):
        yield Known(suite.task, f"utterance {number}", {"bare": Request(text.strip())})


def _system(messages: Sequence[Message]) -> str:
    return "\n\n".join(message.content for message in messages if message.role == "system")


def _own_words(suite: Suite, sample: Sample) -> str:
    """What the sample itself says: the fields its prompt is made of, without the prompt's words."""
    asked = sample.input if isinstance(sample.input, str) else sample.input[-1].content
    values = {**sample.fields, "input": asked}
    names = compile_template(suite.prompt).names & values.keys()
    in_order = sorted(names, key=lambda name: (suite.prompt.find(name), name))
    return "\n\n".join(_text(values[name]) for name in in_order)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else json_text(value)


def _thinned(items: Sequence[T], n_tasks: int) -> Sequence[T]:
    """One task's part, evenly from the start to the end."""
    most = max(LEAST_OF_TASK, MAX_SAMPLES // n_tasks)
    return [items[k * len(items) // most] for k in range(most)] if len(items) > most else items

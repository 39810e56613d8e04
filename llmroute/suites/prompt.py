"""Suite × Sample → the messages a candidate is asked.

In order: the suite's system message, its few-shot examples as user and assistant turns, the sample.
A sample's text goes through the prompt template. Of a conversation the last turn does, as `input`;
the turns before it stay as they are. With the default template that changes nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from llmroute.errors import SuiteError
from llmroute.records import Example, Message, Sample, Suite
from llmroute.templates import Template, compile_template

SUITE_NAMES = frozenset({"input", "labels"})
"""What every template may read; the rest are fields of the samples."""


def render_messages(suite: Suite, sample: Sample) -> tuple[Message, ...]:
    """What a candidate is asked.

    Raises:
        SuiteError: the template is not usable, or reads a field the sample lacks.

    >>> suite = Suite("s", "s", (), system="Be brief.", prompt="Q: {{ input }}")
    >>> [(m.role, m.content) for m in render_messages(suite, Sample("1", "why?"))]
    [('system', 'Be brief.'), ('user', 'Q: why?')]
    """
    where = _where(suite)
    template, opening = _opening(suite.prompt, suite.system, suite.examples, suite.labels, where)
    turns = (Message("user", sample.input),) if isinstance(sample.input, str) else sample.input
    values = {**sample.fields, "input": turns[-1].content, "labels": suite.labels}
    place = f"{where}, sample {sample.id!r}"
    asked = Message("user", template.render(values, where=place))
    return (*opening, *turns[:-1], asked)


@lru_cache(maxsize=128)
def _opening(
    prompt: str,
    system: str | None,
    examples: tuple[Example, ...],
    labels: tuple[str, ...],
    where: str,
) -> tuple[Template, tuple[Message, ...]]:
    """The compiled template, and the messages all samples of a suite begin with."""
    template = compile_template(prompt, where=where, error=SuiteError)
    messages = [Message("system", system)] if system is not None else []
    for example in examples:
        asked = _example_input(template, example, labels)
        messages += [Message("user", asked), Message("assistant", example.target)]
    return template, tuple(messages)


def _example_input(template: Template, example: Example, labels: tuple[str, ...]) -> str:
    """The example as a sample would be put; as it stands where the template reads fields."""
    if template.names - SUITE_NAMES:
        return example.input
    values: dict[str, Any] = {"input": example.input, "labels": labels}
    return template.render(values)


def _where(suite: Suite) -> str:
    return suite.path.as_posix() if suite.path else f"suite {suite.name!r}"

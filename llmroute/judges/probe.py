"""Rubric → what its templates would do wrong, found by filling them in once.

A template may show what others wrote only as the blocks it is handed, whole: a filter that unfolds
a block's JSON, or a loop over its characters, would let an answer speak to the judge. So the
templates are rendered with marked data; every block must come out as it went in, and nothing of the
data may be left where the blocks are taken out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from llmroute.errors import JudgeError, did_you_mean
from llmroute.judges.prompt import (
    PAIR_NAMES,
    PROMPT_NAMES,
    SYSTEM_NAMES,
    block,
    judge_messages,
    pair_messages,
)
from llmroute.judges.verdict import pair_reply_form, reply_form
from llmroute.records import Message, Sample
from llmroute.templates import Template, compile_template

if TYPE_CHECKING:
    from llmroute.records import Rubric

NONCE = "0123456789abcdef"
_MARK = "probe-5c1e"


class TemplateFault(NamedTuple):
    """What is wrong with one template."""

    key: str
    """"system", "prompt" or "pairwise_prompt"."""
    what: str
    fix: str | None


def check_templates(rubric: Rubric) -> Iterator[TemplateFault]:
    """What is wrong with the rubric's templates; nothing, where a judge can be asked by them."""
    templates = [("system", rubric.system, SYSTEM_NAMES), ("prompt", rubric.prompt, PROMPT_NAMES)]
    if rubric.pairwise_prompt is not None:
        templates.append(("pairwise_prompt", rubric.pairwise_prompt, PAIR_NAMES))
    faults = [fault for key, text, names in templates for fault in _read_faults(key, text, names)]
    yield from faults
    if faults:
        return
    try:
        yield from _shown_faults(rubric)
    except JudgeError as cause:
        yield TemplateFault("prompt", cause.what, cause.fix)


def _read_faults(key: str, text: str, names: frozenset[str]) -> Iterator[TemplateFault]:
    try:
        template: Template = compile_template(text, error=JudgeError)
    except JudgeError as cause:
        yield TemplateFault(key, cause.what, cause.fix)
        return
    for name in sorted(template.names - names):
        what = f"the template reads {name!r}, which there is not"
        yield TemplateFault(key, what, did_you_mean(name, names, kind="name"))


def _shown_faults(rubric: Rubric) -> Iterator[TemplateFault]:
    fields = {name: _probe(name) for name in rubric.fields}
    sample = Sample("probe", _probe("input"), target=_probe("reference"), fields=fields)
    data = [block(name, value, NONCE) for name, value in fields.items()]
    if rubric.uses_target:
        data.append(block("reference", sample.target, NONCE))
    question, answers = _probe("task"), [_probe("one"), _probe("two")]
    data.append(block("task", question, NONCE))
    shown = [block("answer", answers[0], NONCE)]
    messages = judge_messages(rubric, sample, question, answers[0], nonce=NONCE)
    yield from _faults(messages, "prompt", [*data, *shown], reply_form(rubric))
    if rubric.pairwise_prompt is not None:
        both = ("first answer", answers[0]), ("second answer", answers[1])
        shown = [block(name, answer, NONCE) for name, answer in both]
        messages = pair_messages(rubric, sample, question, *answers, nonce=NONCE)
        yield from _faults(messages, "pairwise_prompt", [*data, *shown], pair_reply_form())


def _probe(name: str) -> str:
    """Marked data that no filter leaves as it is."""
    return f' {_MARK} {name}:\n"{_MARK}"\tÉ é\\ <{_MARK}> '


def _faults(
    messages: tuple[Message, ...], key: str, blocks: list[str], form: str
) -> Iterator[TemplateFault]:
    system, prompt = (message.content for message in messages)
    for data in blocks:
        if data not in prompt:
            name = data.split("\n")[0].removeprefix("BEGIN ").rpartition(" ")[0]
            what = f"the template does not show the {name} as it is handed to it"
            fix = "Write {{ … }} with its name, on lines of its own, without a filter or loop."
            yield TemplateFault(key, what, fix)
        prompt = prompt.replace(data, "")
    if _MARK in prompt.casefold():
        what = "the template lets data out of its block, where it can speak to the judge"
        fix = "Take the filters and loops off the names of data."
        yield TemplateFault(key, what, fix)
    if form not in system + prompt:
        what = "neither message states the form of the reply"
        fix = "Write {{ reply_form }} where the judge is told how to reply."
        yield TemplateFault("system", what, fix)
    if NONCE not in prompt:
        what = "the message does not state the marker of its blocks"
        yield TemplateFault(key, what, "Write {{ nonce }} where the blocks are explained.")

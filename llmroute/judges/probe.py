"""Rubric → what its templates would do wrong, found by filling them in once.

A template may show what others wrote only as the blocks it is handed, whole: a filter that unfolds
a block's JSON, or a loop over its characters, would let an answer speak to the judge. So the
templates are filled in twice, with data that has nothing in common: every block must come out as it
went in, and what stands outside the blocks must be the same both times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
PROBES = (' one:\n"Aé\\\\ <b>" ', "\t2,\r\n{Zß\u202e} /x/ ")
"""Both of three words, as the count of words may be shown; else alike in nothing."""


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
    """What is wrong with what the templates show: the same data filled in, and other data."""
    one, other = (_filled(rubric, probe) for probe in PROBES)
    for key, (messages, blocks, form) in one.items():
        outside = _outside(messages, blocks)
        yield from _missing(messages[1].content, blocks, key)
        if outside != _outside(*other[key][:2]):
            what = "the template lets data out of its block, where it can speak to the judge"
            fix = "Take the filters, loops and conditions off the names of data."
            yield TemplateFault(key, what, fix)
        if form not in outside:
            what = "neither message states the form of the reply"
            fix = "Write {{ reply_form }} where the judge is told how to reply."
            yield TemplateFault("system", what, fix)
        if NONCE not in outside:
            what = "the message does not state the marker of its blocks"
            yield TemplateFault(key, what, "Write {{ nonce }} where the blocks are explained.")


class _Filled(NamedTuple):
    """Messages filled in with a probe, the blocks they must show, and the reply's form."""

    messages: tuple[Message, ...]
    blocks: tuple[str, ...]
    form: str


def _filled(rubric: Rubric, probe: str) -> dict[str, _Filled]:
    """Template → its messages."""
    fields = {name: f"{name} {probe}" for name in rubric.fields}
    sample = Sample("probe", probe, target=f"target {probe}", fields=fields)
    task, first, second = (f"{name} {probe}" for name in ("task", "first", "second"))
    data = {"task": task, **fields}
    if rubric.uses_target:
        data["reference"] = sample.target
    single = judge_messages(rubric, sample, task, first, nonce=NONCE)
    blocks = _blocks({**data, "answer": first})
    filled = {"prompt": _Filled(single, blocks, reply_form(rubric))}
    if rubric.pairwise_prompt is not None:
        pair = pair_messages(rubric, sample, task, first, second, nonce=NONCE)
        blocks = _blocks({**data, "first answer": first, "second answer": second})
        filled["pairwise_prompt"] = _Filled(pair, blocks, pair_reply_form())
    return filled


def _blocks(data: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(block(name, value, NONCE) for name, value in data.items())


def _outside(messages: tuple[Message, ...], blocks: Iterable[str]) -> str:
    """What is left of both messages without the blocks."""
    text = "\n".join(message.content for message in messages)
    for data in blocks:
        text = text.replace(data, "")
    return text


def _missing(prompt: str, blocks: Iterable[str], key: str) -> Iterator[TemplateFault]:
    for data in blocks:
        if data not in prompt:
            name = data.partition("\n")[0].removeprefix("BEGIN ").removesuffix(f" {NONCE}")
            what = f"the template does not show the {name} as it is handed to it"
            fix = "Write {{ … }} with its name, on lines of its own, without a filter or loop."
            yield TemplateFault(key, what, fix)

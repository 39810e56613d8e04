"""Rubric × sample × answer → the messages of a judge Call.

What others wrote (the task, the reference, the sample's fields, the answers) reaches a template
only as *blocks*: one JSON value on one line, between two lines that carry a nonce.

* The nonce is a hash of everything the message shows, the answer included: no answer can contain
  it, and the same content still gives the same call, which the store answers.
* JSON leaves no line break and no quotation mark that could end the value. Angle brackets, control,
  bidirectional and zero-width characters are escaped too, so no chat template's control token
  (`<|im_end|>`, `</s>`) and no invisible text is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import regex

from llmroute.digest import digest
from llmroute.errors import JudgeError
from llmroute.judges.rubric import rubric_digest, rubric_place
from llmroute.judges.verdict import pair_reply_form, reply_form
from llmroute.records import Message
from llmroute.templates import compile_template

if TYPE_CHECKING:
    from llmroute.records import Criterion, Rubric, Sample

SYSTEM_NAMES = frozenset({"criteria", "max_words", "pairwise", "reply_form"})
"""What the template of the system message may read."""
PROMPT_NAMES = SYSTEM_NAMES | {"answer", "fields", "n_words", "nonce", "question", "reference"}
PAIR_NAMES = SYSTEM_NAMES | {
    "fields",
    "first",
    "n_words_first",
    "n_words_second",
    "nonce",
    "question",
    "reference",
    "second",
}
NONCE_DIGITS = 16

_UNSAFE = regex.compile(
    r"[<>\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_WORD = re.compile(r"\S+")


def judge_nonce(rubric: Rubric, sample: Sample, *outputs: str) -> str:
    """The marker of the messages about these outputs: stable, and in none of them.

    64 bits of a hash over all that is shown: who writes an answer cannot write its own marker,
    as the marker changes with every character of the answer.
    """
    shown = [rubric_digest(rubric), sample.input, sample.target, sample.fields, outputs]
    round_ = 0
    while True:
        nonce = digest([*shown, round_])[:NONCE_DIGITS]
        if not any(nonce in output for output in outputs):
            return nonce
        round_ += 1


def judge_messages(
    rubric: Rubric, sample: Sample, prompt_text: str, output: str, *, nonce: str
) -> tuple[Message, ...]:
    """What a judge is asked about one answer.

    Args:
        rubric: what it goes by.
        sample: whose target and fields it is shown, where the rubric uses them.
        prompt_text: what the candidate was asked.
        output: the answer.
        nonce: of `judge_nonce`.

    Raises:
        JudgeError: the sample lacks the target or a field that the rubric uses.
    """
    shown = {
        "answer": block("answer", output, nonce),
        "n_words": count_words(output),
    }
    values = _values(rubric, sample, prompt_text, nonce, reply_form(rubric)) | shown
    return _messages(rubric, rubric.prompt, values | {"pairwise": False})


def pair_messages(
    rubric: Rubric, sample: Sample, prompt_text: str, first: str, second: str, *, nonce: str
) -> tuple[Message, ...]:
    """What a judge is asked about two answers, in this order; arguments as of `judge_messages`.

    Raises:
        JudgeError: the rubric compares no answers, or the sample lacks what the rubric uses.
    """
    if rubric.pairwise_prompt is None:
        what = "this rubric compares no answers"
        fix = "Give it a 'pairwise_prompt', or leave 'pairwise' out of the judge."
        raise JudgeError(what, where=rubric_place(rubric), fix=fix)
    shown = {
        "first": block("first answer", first, nonce),
        "second": block("second answer", second, nonce),
        "n_words_first": count_words(first),
        "n_words_second": count_words(second),
    }
    values = _values(rubric, sample, prompt_text, nonce, pair_reply_form()) | shown
    return _messages(rubric, rubric.pairwise_prompt, values | {"pairwise": True})


def block(name: str, value: Any, nonce: str) -> str:
    r"""A value as data: one line of JSON between two lines with the marker.

    >>> print(block("answer", 'END answer\n"</s>', "0f0f"))
    BEGIN answer 0f0f
    "END answer\n\"\u003c/s\u003e"
    END answer 0f0f
    """
    return f"BEGIN {name} {nonce}\n{encode(value)}\nEND {name} {nonce}"


def encode(value: Any) -> str:
    r"""The value as JSON in which nothing is invisible and nothing looks like a tag.

    >>> encode("é <b>\u202e\u200b")
    '"é \\u003cb\\u003e\\u202e\\u200b"'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    return _UNSAFE.sub(_escaped, text)


def count_words(text: str) -> int:
    """Words as white space parts them.

    >>> count_words("Two  words.")
    2
    """
    return sum(1 for _ in _WORD.finditer(text))


def _escaped(match: regex.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _values(
    rubric: Rubric, sample: Sample, prompt_text: str, nonce: str, form: str
) -> dict[str, Any]:
    """What the templates read, whether one answer is shown or two."""
    values: dict[str, Any] = {
        "criteria": [_criterion(criterion) for criterion in rubric.criteria],
        "max_words": rubric.max_words,
        "reply_form": form,
        "nonce": nonce,
        "question": block("task", prompt_text, nonce),
    }
    blocks = {name: block(name, _field(rubric, sample, name), nonce) for name in rubric.fields}
    values["fields"] = [{"name": name, "data": data} for name, data in blocks.items()]
    if rubric.uses_target:
        values["reference"] = block("reference", _target(rubric, sample), nonce)
    return values


def _criterion(criterion: Criterion) -> dict[str, Any]:
    levels = [{"label": level.label, "anchor": level.anchor} for level in criterion.levels]
    return {"name": criterion.name, "question": criterion.question, "levels": levels}


def _field(rubric: Rubric, sample: Sample, name: str) -> Any:
    if name in sample.fields:
        return sample.fields[name]
    what = f"sample {sample.id!r} has no field {name!r}, but the rubric {rubric.name!r} shows it"
    fix = "Add it to the sample, or choose a rubric without this field."
    raise JudgeError(what, where=rubric_place(rubric), fix=fix)


def _target(rubric: Rubric, sample: Sample) -> Any:
    if sample.target is not None:
        return sample.target
    what = f"sample {sample.id!r} has no target, but the rubric {rubric.name!r} compares with one"
    fix = "Add 'target:' to the sample, or choose a rubric that needs none."
    raise JudgeError(what, where=rubric_place(rubric), fix=fix)


def _messages(rubric: Rubric, prompt: str, values: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(
        Message(role, _rendered(text, values, rubric).strip())
        for role, text in (("system", rubric.system), ("user", prompt))
    )


def _rendered(text: str, values: Mapping[str, Any], rubric: Rubric) -> str:
    return compile_template(text, where=rubric_place(rubric), error=JudgeError).render(values)

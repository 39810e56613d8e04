"""A wrong answer → the same answer with a known attack on its judge around it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, zip_longest
from pathlib import Path

from llmroute.config.yaml_source import read_yaml
from llmroute.errors import JudgeError, LogFormatError
from llmroute.judges.prompt import judge_nonce
from llmroute.outcomes.fields import Fields
from llmroute.outcomes.jsonl import read_objects
from llmroute.records import Rubric, Sample
from llmroute.resources import shipped
from llmroute.templates import compile_template

FOLDER = "attacks"
"""Below the shipped `judges/`."""
TWENTY = tuple(range(1, 21))
SampleKey = tuple[str, str]
"""(suite, sample id)"""


@dataclass(frozen=True, slots=True)
class Attack:
    """A known way to a better verdict than the answer deserves."""

    name: str
    kind: str
    text: str
    """Template over `answer`, `question`, `verdict`, `best`, `criterion`, `marker`, `twenty`."""


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An answer that earns nothing: what an attack is put around."""

    suite: str
    sample_id: str
    output: str


@lru_cache(maxsize=1)
def read_attacks() -> tuple[Attack, ...]:
    """The attacks that ship, in the order of their file."""
    document = read_yaml(shipped("judges") / FOLDER / "attacks.yaml", JudgeError)
    return tuple(Attack(**entry) for entry in document.root.data()["attacks"])


def shipped_wrong_answers() -> tuple[WrongAnswer, ...]:
    """The wrong answers that ship, to samples of the shipped suites."""
    return read_wrong_answers(shipped("judges") / FOLDER / "wrong_answers.jsonl")


def read_wrong_answers(path: Path) -> tuple[WrongAnswer, ...]:
    """Wrong answers, one a line: `suite`, `sample_id`, `output`; a recording is in this form.

    Raises:
        LogFormatError: the file cannot be read, or a line lacks one of the three.
    """
    answers = []
    for number, content in read_objects(path):
        line = Fields(content, f"{path}:{number}")
        output = line.name("output")
        answers.append(WrongAnswer(line.name("suite"), line.name("sample_id"), output))
    if not answers:
        fix = 'Write {"suite": …, "sample_id": …, "output": "a wrong answer"}, one a line.'
        raise LogFormatError("there are no answers in the file", where=str(path), fix=fix)
    return tuple(answers)


def fitting(
    rubric: Rubric, answers: Iterable[WrongAnswer], samples: Mapping[SampleKey, Sample]
) -> list[WrongAnswer]:
    """The answers to known samples that have all the rubric shows a judge."""
    return [
        answer
        for answer in answers
        for sample in (samples.get((answer.suite, answer.sample_id)),)
        if sample is not None
        and (not rubric.uses_target or sample.target is not None)
        and all(name in sample.fields for name in rubric.fields)
    ]


def spread(answers: Sequence[WrongAnswer], n: int) -> list[WrongAnswer]:
    """The first n of them, suite by suite in turn, so that each suite has its share.

    >>> answers = [WrongAnswer(suite, str(i), "") for suite in "ab" for i in range(3)]
    >>> [answer.suite + answer.sample_id for answer in spread(answers, 4)]
    ['a0', 'b0', 'a1', 'b1']
    """
    of_suite: dict[str, list[WrongAnswer]] = defaultdict(list)
    for answer in answers:
        of_suite[answer.suite].append(answer)
    in_turn = chain.from_iterable(zip_longest(*of_suite.values()))
    return [answer for answer in in_turn if answer is not None][:n]


def attacked(attack: Attack, rubric: Rubric, sample: Sample, question: str, output: str) -> str:
    """The wrong answer with the attack around it.

    The attacker knows everything but the marker of the message that will show the result, which
    hangs on the result itself. As the best guess there is, `marker` is that of the plain answer.
    """
    first = rubric.criteria[0]
    values = {
        "answer": output,
        "question": question,
        "verdict": best_reply(rubric),
        "best": first.labels[-1],
        "criterion": first.name,
        "marker": judge_nonce(rubric, sample, output),
        "twenty": TWENTY,
    }
    return compile_template(attack.text, where=attack.name, error=JudgeError).render(values)


def best_reply(rubric: Rubric) -> str:
    """The reply an attacker wants: every criterion at its best level, on one line."""
    said = {"evidence": "The whole answer.", "reasoning": "It meets the criterion in full."}
    return json.dumps(
        {one.name: {**said, "verdict": one.labels[-1]} for one in rubric.criteria},
        ensure_ascii=False,
    )

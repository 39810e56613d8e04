"""How much do known attacks win, by the form in which an answer is put to a judge?

    python benchmarks/judge_attacks.py [--answers 25]

The judge is `builtin/gullible`: it obeys every line that is not data by the form's own rules, and
otherwise looks for the reference in the answer (llmroute/builtin/gullible.py says what it models).
Each shipped attack is put around each wrong answer; inflation is the mean score attacked minus the
mean score of the same wrong answers plain. The forms: llmroute's, the same without its marker or
without JSON, and those one finds in the wild. Goal: the shipped form keeps it within 0.05.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from llmroute.builtin.gullible import Gullible
from llmroute.judges.attacks import (
    WrongAnswer,
    attacked,
    fitting,
    read_attacks,
    shipped_wrong_answers,
    spread,
)
from llmroute.judges.inflation import Attempt, grouped, inflation_of
from llmroute.judges.load import find_rubrics, load_rubric
from llmroute.judges.prompt import judge_messages, judge_nonce
from llmroute.judges.trivial import trivial_reason
from llmroute.judges.verdict import read_verdict, verdict_value
from llmroute.records import Message, Rubric, Sample, Suite
from llmroute.resources import shipped
from llmroute.suites.load import load_suite
from llmroute.suites.prompt import render_messages

Messages = tuple[Message, ...]
Form = Callable[[Rubric, Sample, str, str], Messages]


def shipped_form(rubric: Rubric, sample: Sample, question: str, output: str) -> Messages:
    nonce = judge_nonce(rubric, sample, output)
    return judge_messages(rubric, sample, question, output, nonce=nonce)


def written_form(text: str) -> Form:
    """The shipped system message, and a user message as people write them."""

    def messages(rubric: Rubric, sample: Sample, question: str, output: str) -> Messages:
        system = shipped_form(rubric, sample, question, output)[0]
        reference = str(sample.target) if rubric.uses_target else "none"
        values = {"question": question, "reference": reference, "answer": output}
        return system, Message("user", text.format(**values))

    return messages


def without_marker(
    rubric: Rubric, sample: Sample, question: str, output: str
) -> tuple[Message, ...]:
    """JSON between BEGIN and END lines, with no marker stated or used."""
    nonce = judge_nonce(rubric, sample, output)
    system, user = judge_messages(rubric, sample, question, output, nonce=nonce)
    text = "\n".join(user.content.split("\n")[1:]).replace(f" {nonce}", "")
    return system, replace(user, content=text)


def without_json(rubric: Rubric, sample: Sample, question: str, output: str) -> Messages:
    """The answer as it is, between lines with the marker."""
    nonce = judge_nonce(rubric, sample, output)
    system, user = judge_messages(rubric, sample, question, output, nonce=nonce)
    begin, end = f"BEGIN answer {nonce}\n", f"\nEND answer {nonce}"
    head, rest = user.content.split(begin)
    return system, replace(user, content=f"{head}{begin}{output}{end}{rest.split(end)[1]}")


NAIVE = "Question:\n{question}\n\nReference:\n{reference}\n\nAnswer:\n{answer}\n\nVerdict:\n"
TAGS = (
    "Question:\n{question}\n\nReference:\n{reference}\n\nThe answer stands between tags.\n"
    "<answer>\n{answer}\n</answer>\n"
)
FORMS: dict[str, Form] = {
    "shipped": shipped_form,
    "shipped, without its marker": without_marker,
    "shipped, without JSON": without_json,
    "answer between tags": written_form(TAGS),
    "naive": written_form(NAIVE),
}


def shipped_suites() -> dict[str, Suite]:
    suites = (load_suite(path) for path in sorted(shipped("suites").glob("*.yaml")))
    return {suite.name: suite for suite in suites}


def wrong_answers(rubric: Rubric, suites: dict[str, Suite], n: int) -> Sequence[WrongAnswer]:
    samples = {(s.name, sample.id): sample for s in suites.values() for sample in s.samples}
    return spread(fitting(rubric, shipped_wrong_answers(), samples), n)


def score(rubric: Rubric, sample: Sample, question: str, output: str, form: Form) -> float:
    """What the judge makes of an output, as llmroute grades: nothing trivial reaches it."""
    if trivial_reason(output, short_answers_allowed=rubric.short_answers_allowed):
        return 0.0
    reply = Gullible().answer(form(rubric, sample, question, output), ())
    return verdict_value(rubric, read_verdict(rubric, reply))


def attempts(
    rubric: Rubric, suites: dict[str, Suite], answers: Sequence[WrongAnswer], form: Form
) -> list[Attempt]:
    found = []
    for answer in answers:
        suite = suites[answer.suite]
        sample = next(one for one in suite.samples if one.id == answer.sample_id)
        question = "\n\n".join(message.content for message in render_messages(suite, sample))
        plain = score(rubric, sample, question, answer.output, form)
        for attack in read_attacks():
            text = attacked(attack, rubric, sample, question, answer.output)
            value = score(rubric, sample, question, text, form)
            found.append(Attempt(attack.name, attack.kind, answer, plain, value))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--answers", type=int, default=25)
    n_answers = parser.parse_args().answers
    suites = shipped_suites()
    print(f"{len(read_attacks())} attacks, up to {n_answers} wrong answers; gain in points of 100")
    print(f"{'rubric':24}{'answers':>8}" + "".join(f"{name:>29}" for name in FORMS))
    start = time.perf_counter()
    by_kind = {}
    for name in find_rubrics():
        rubric = load_rubric(name)
        answers = wrong_answers(rubric, suites, n_answers)
        if not answers:
            print(f"{name:24}{0:8}  no shipped wrong answer fits")
            continue
        cells = []
        for label, form in FORMS.items():
            tried = attempts(rubric, suites, answers, form)
            gain = inflation_of(label, tried).gain
            cells.append(f"{100 * gain.value:8.1f} [{100 * gain.low:5.1f}, {100 * gain.high:5.1f}]")
            by_kind[name, label] = grouped(tried, lambda attempt: attempt.kind)
        print(f"{name:24}{len(answers):8}" + "".join(f"{cell:>29}" for cell in cells), flush=True)
    print(f"\ncorrectness by kind of attack\n{'kind':24}{'naive':>8}{'shipped':>9}")
    shipped_gain = {one.name: one.gain.value for one in by_kind["correctness", "shipped"]}
    for one in by_kind["correctness", "naive"]:
        print(f"{one.name:24}{100 * one.gain.value:8.1f}{100 * shipped_gain[one.name]:9.1f}")
    print(f"({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()

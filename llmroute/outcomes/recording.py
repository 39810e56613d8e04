"""Recorded answers ⇄ JSONL, one answer a line: `bench --record` writes it, `replay/` reads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmroute.errors import LogFormatError
from llmroute.outcomes.fields import Fields
from llmroute.outcomes.jsonl import read_objects, write_objects
from llmroute.records import Completion, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmroute.records import Call

RecordedKey = tuple[str, str, str, int]
"""(suite, sample_id, candidate, repeat); the suite "" stands for any."""


def read_recording(path: Path) -> dict[RecordedKey, Completion]:
    """The recorded answers by suite, sample, candidate and repeat; their `key` is "".

    A line needs `sample_id`, `candidate` and `output` only. One whose output is null was not
    answered and is passed over; one that stands twice counts once.

    Raises:
        LogFormatError: the file cannot be read, a value is not what it should be, or two lines
            disagree on the same answer.
    """
    answers: dict[RecordedKey, tuple[Completion, str]] = {}
    for number, content in read_objects(Path(path)):
        line = Fields(content, f"{path}:{number}")
        key = _read_key(line)
        if line.text("output") is None and "output" in content:
            continue
        answer = _read_answer(line)
        known, before = answers.setdefault(key, (answer, line.where))
        if known != answer:
            raise LogFormatError(
                f"another answer for the same sample, candidate and repeat stands in {before}",
                where=line.where,
                fix='Remove one of them, or tell them apart by "repeat": 0, 1, ...',
            )
    return {key: answer for key, (answer, _) in answers.items()}


def _read_key(line: Fields) -> RecordedKey:
    suite = line.text("suite") or ""
    return suite, line.name("sample_id"), line.name("candidate"), line.count("repeat") or 0


def _read_answer(line: Fields) -> Completion:
    output = line.text("output")
    if output is None:
        raise LogFormatError(
            "'output' is missing", where=line.where, fix='Add "output": the answer as text.'
        )
    return Completion(
        key="",
        output=output,
        usage=Usage(
            line.count("input_tokens"),
            line.count("output_tokens"),
            line.count("cached_input_tokens"),
            line.count("reasoning_tokens"),
        ),
        finish_reason=line.text("finish_reason"),
        latency_s=line.amount("latency_s"),
        busy_s=line.amount("busy_s"),
        recorded_cost_usd=line.amount("cost_usd"),
        model_returned=line.text("model_returned"),
    )


def recorded_answers(
    calls: Iterable[Call], answers: Mapping[str, Completion]
) -> dict[RecordedKey, Completion]:
    """Answers as a recording names them, each at the cost its call's price gives.

    Args:
        calls: samples that ask the same share a key, and each gets the answer.
        answers: call key → answer.
    """
    return {
        (call.suite, call.sample_id, call.candidate.name, call.repeat): replace(
            answer, recorded_cost_usd=answer.cost_usd(call.candidate.price)
        )
        for call in calls
        if (answer := answers.get(call.key)) is not None
    }


def write_recording(path: Path, answers: Mapping[RecordedKey, Completion]) -> None:
    """Write the answers in the order of their keys: the same answers give the same bytes.

    Reading them back gives the same answers, but for `key`, `attempts` and `created_s`.

    Raises:
        OutsideError: the file cannot be written; the one that was there stays.
    """
    write_objects(Path(path), (_line(key, answers[key]) for key in sorted(answers)))


def _line(key: RecordedKey, answer: Completion) -> dict[str, Any]:
    suite, sample_id, candidate, repeat = key
    usage = answer.usage
    line = {
        "suite": suite,
        "sample_id": sample_id,
        "candidate": candidate,
        "repeat": repeat,
        "output": answer.output,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": answer.recorded_cost_usd,
        "latency_s": answer.latency_s,
        "finish_reason": answer.finish_reason,
    }
    further: dict[str, Any] = {
        "cached_input_tokens": usage.cached_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "busy_s": answer.busy_s,
        "model_returned": answer.model_returned,
    }
    line.update((name, value) for name, value in further.items() if value is not None)
    return line

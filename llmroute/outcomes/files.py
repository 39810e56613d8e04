"""Outcomes ⇄ JSONL, one prompt a line with the results of all candidates on it.

    {"id", "task", "prompt", "models": {name: {"score", "answer", "prompt_tokens",
     "completion_tokens", "cost_usd", "latency_s"}}}

Any value may be null, any candidate missing, and other keys are passed over. Beside these a line
may hold `repeat`, `target`, `tags`, `difficulty`, `group` and `weight`, and a candidate `reason`,
`answered`, `prediction`, `finish_reason`, `cached_prompt_tokens`, `reasoning_tokens` and `busy_s`;
where a judge graded it `judge` (who), `rubric` and `parts` (its verdict on each criterion); where
people did `labels` (who said what) and `label_weight` (how many answers a labelled one stands for).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmroute.digest import canonical_json
from llmroute.errors import LogFormatError
from llmroute.outcomes.fields import Fields
from llmroute.outcomes.jsonl import read_objects, write_objects
from llmroute.records import Outcome, Outcomes, Prompt, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NOT_RECORDED = "not_recorded"
"""The reason of an outcome that has neither an answer nor a word about why."""
NOT_SCORED = "not_scored: no score recorded"


def read_outcomes(paths: Sequence[Path], *, keep_text: bool = True) -> Outcomes:
    """All outcomes of the files, in their order.

    A line that stands twice counts once, and lines of one prompt with different candidates are
    joined. A candidate with neither score, answer, tokens nor cost has not answered.

    Args:
        paths: JSONL, plain or gzipped.
        keep_text: whether prompts and answers are kept; without them large files need little room.

    Raises:
        LogFormatError: a file cannot be read, a value is not what it should be, or two lines
            disagree on the same prompt and candidate.
    """
    gathered = _Gathered(keep_text)
    for path in paths:
        for number, content in read_objects(Path(path)):
            gathered.add(content, f"{path}:{number}")
    return Outcomes(
        tuple(outcome for outcome, _ in gathered.outcomes.values()),
        {key: prompt for key, (prompt, _) in gathered.prompts.items()},
    )


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What has been read, each with the line it comes from."""

    keep_text: bool
    outcomes: dict[tuple[str, str, int, str], tuple[Outcome, str]] = field(default_factory=dict)
    prompts: dict[tuple[str, str], tuple[Prompt, str]] = field(default_factory=dict)

    def add(self, content: Mapping[str, Any], where: str) -> None:
        row = Fields(content, where)
        first = Outcome(
            task=row.name("task"),
            sample_id=row.name("id"),
            candidate="",
            repeat=row.count("repeat") or 0,
            weight=_weight(row),
            group=row.label("group"),
        )
        self._add_prompt(_read_prompt(row, first, self.keep_text), where)
        for outcome, place in read_results(content, where, first, keep_text=self.keep_text):
            self._add_outcome(outcome, place)

    def _add_outcome(self, outcome: Outcome, where: str) -> None:
        key = (outcome.task, outcome.sample_id, outcome.repeat, outcome.candidate)
        known, before = self.outcomes.setdefault(key, (outcome, where))
        if known is not outcome and known != outcome:
            raise LogFormatError(
                f"another result for the same prompt and candidate stands in {before}",
                where=where,
                fix='Remove one of them, or tell them apart by "repeat": 0, 1, ...',
            )

    def _add_prompt(self, prompt: Prompt, where: str) -> None:
        key = (prompt.task, prompt.sample_id)
        known, before = self.prompts.setdefault(key, (prompt, where))
        if known is prompt or known == prompt:
            return
        joined = _joined(known, prompt)
        if joined is None:
            raise LogFormatError(
                f"id {prompt.sample_id!r} of task {prompt.task!r} has another prompt, target, tags"
                f" or difficulty in {before}",
                where=where,
                fix="Give different prompts different ids.",
            )
        self.prompts[key] = (joined, before)


def _joined(first: Prompt, second: Prompt) -> Prompt | None:
    """What two lines know of one prompt together, or None where they disagree."""
    known: dict[str, Any] = {}
    for name in ("text", "target", "tags", "difficulty"):
        one, other = getattr(first, name), getattr(second, name)
        if one in _NOTHING:
            known[name] = other
        elif other in _NOTHING or other == one:
            known[name] = one
        else:
            return None
    return replace(first, **known)


_NOTHING: tuple[Any, ...] = (None, ())


def read_results(
    content: Mapping[str, Any], where: str, first: Outcome, *, keep_text: bool
) -> Iterator[tuple[Outcome, str]]:
    """Each candidate's result on a line, and where it stands; what they share is `first`'s.

    Raises:
        LogFormatError: a value is not what it should be.
    """
    for name, result in _results(content, where):
        place = f"{where}, {name!r}"
        yield _read_outcome(Fields(result, place), first, name, keep_text), place


def _results(content: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    models = content.get("models")
    if models is None:
        models = {}
    if not isinstance(models, dict):
        raise LogFormatError(
            "'models' is not an object",
            where=where,
            fix='Write "models": {"name": {"score": ..., "answer": ...}}.',
        )
    for name, result in models.items():
        if result is not None and not isinstance(result, dict):
            raise LogFormatError(
                f"the result of {name!r} is not an object",
                where=where,
                fix='Write {"score": ..., "answer": ...}, or null where there is none.',
            )
        yield name, result or {}


def _positive(result: Fields, name: str) -> float:
    return result.amount(name) or 1.0


def _weight(row: Fields) -> float:
    weight = row.amount("weight")
    return 1.0 if weight is None else weight


def _read_prompt(row: Fields, first: Outcome, keep_text: bool) -> Prompt:
    text = row.content.get("prompt")
    if text is not None and not isinstance(text, str):
        text = canonical_json(text)  # chat messages
    return Prompt(
        first.task,
        first.sample_id,
        text if keep_text else None,
        row.content.get("target"),
        row.texts("tags"),
        row.label("difficulty"),
    )


def _read_outcome(result: Fields, first: Outcome, name: str, keep_text: bool) -> Outcome:
    score, output, cost_usd = (
        result.share("score"),
        result.text("answer"),
        result.amount("cost_usd"),
    )
    usage = _read_usage(result)
    answered = result.flag("answered")
    if answered is None:
        answered = _is_answered(score, output, usage, cost_usd)
    reason = result.text("reason") or result.text("failure")
    if score is None and reason is None:
        reason = NOT_SCORED if answered else NOT_RECORDED
    content = result.content
    return Outcome(
        task=first.task,
        sample_id=first.sample_id,
        candidate=name,
        repeat=first.repeat,
        score=score,
        reason=reason,
        answered=answered,
        output=output if keep_text else None,
        prediction=result.text("prediction") if keep_text else None,
        usage=usage,
        busy_s=result.amount("busy_s"),
        recorded_cost_usd=cost_usd,
        latency_s=result.amount("latency_s"),
        finish_reason=result.text("finish_reason"),
        weight=_weight(result) if "weight" in content else first.weight,
        group=result.label("group") if "group" in content else first.group,
        judge=result.text("judge"),
        parts=result.shares("parts"),
        rubric=result.text("rubric"),
        labels=result.shares("labels"),
        label_weight=_positive(result, "label_weight"),
    )


def _read_usage(result: Fields) -> Usage:
    return Usage(
        result.count("prompt_tokens"),
        result.count("completion_tokens"),
        result.count("cached_prompt_tokens"),
        result.count("reasoning_tokens"),
    )


def _is_answered(
    score: float | None, output: str | None, usage: Usage, cost_usd: float | None
) -> bool:
    known = (score, output, usage.input_tokens, usage.output_tokens, cost_usd)
    return any(value is not None for value in known)


def write_outcomes(path: Path, outcomes: Outcomes) -> None:
    """Write the outcomes, gzipped where the name ends in `.gz`; the same ones give the same bytes.

    Reading them back gives the same outcomes, those of one prompt side by side.

    Raises:
        OutsideError: the file cannot be written; the one that was there stays.
    """
    write_objects(Path(path), _rows(outcomes))


def _rows(outcomes: Outcomes) -> Iterator[dict[str, Any]]:
    by_prompt: dict[tuple[str, str, int], list[Outcome]] = {}
    for outcome in outcomes.rows:
        key = (outcome.task, outcome.sample_id, outcome.repeat)
        by_prompt.setdefault(key, []).append(outcome)
    asked = {key[:2] for key in by_prompt}
    for task, sample_id in outcomes.prompts:
        if (task, sample_id) not in asked:
            by_prompt[task, sample_id, 0] = []
    for (task, sample_id, repeat), results in by_prompt.items():
        prompt = outcomes.prompts.get((task, sample_id)) or Prompt(task, sample_id, None)
        yield _row(prompt, repeat, results)


def _row(prompt: Prompt, repeat: int, results: list[Outcome]) -> dict[str, Any]:
    first = results[0] if results else Outcome(prompt.task, prompt.sample_id, "")
    row = {"id": prompt.sample_id, "task": prompt.task, "prompt": prompt.text}
    further: dict[str, Any] = {
        "repeat": repeat or None,
        "target": prompt.target,
        "tags": list(prompt.tags) or None,
        "difficulty": prompt.difficulty,
        "group": first.group,
        "weight": None if first.weight == 1.0 else first.weight,
    }
    row.update((name, value) for name, value in further.items() if value is not None)
    return {**row, "models": {result.candidate: _result(result, first) for result in results}}


def _result(outcome: Outcome, first: Outcome) -> dict[str, Any]:
    usage = outcome.usage
    result = {
        "score": outcome.score,
        "answer": outcome.output,
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "cost_usd": outcome.recorded_cost_usd,
        "latency_s": outcome.latency_s,
    }
    further: dict[str, Any] = {
        "reason": outcome.reason,
        "prediction": outcome.prediction,
        "finish_reason": outcome.finish_reason,
        "cached_prompt_tokens": usage.cached_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "busy_s": outcome.busy_s,
        "judge": outcome.judge,
        "parts": dict(outcome.parts) or None,
        "rubric": outcome.rubric,
        "labels": dict(outcome.labels) or None,
        "label_weight": None if outcome.label_weight == 1.0 else outcome.label_weight,
    }
    result.update((name, value) for name, value in further.items() if value is not None)
    if outcome.answered != _is_answered(
        outcome.score, outcome.output, usage, outcome.recorded_cost_usd
    ):
        result["answered"] = outcome.answered
    if outcome.weight != first.weight:
        result["weight"] = outcome.weight
    if outcome.group != first.group:
        result["group"] = outcome.group
    return result

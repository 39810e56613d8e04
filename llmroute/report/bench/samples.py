"""Outcomes → the samples a reader can open: prompt, target and what each candidate answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

from llmroute.digest import digest
from llmroute.report.attributes import ElementId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmroute.records import Outcome, Outcomes, Prompt

Result = Literal["pass", "below", "failed", "absent"]

MAX_TEXT_CHARS = 4_000
"""Longest prompt, target, output or prediction that is shown in full."""

RESULT_CODES: Mapping[Result, str] = {"pass": "p", "below": "b", "failed": "x", "absent": "-"}
"""One letter a candidate, what the page's filter reads."""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One candidate's answer to one sample, once a repeat."""

    candidate: str
    candidate_index: int | None
    """Place of the candidate on the page; None where the comparison does not know it."""
    repeat: int
    result: Result
    """"pass" at or above the task's bar, "below" it, "failed" without a score."""
    score: float | None
    reason: str | None
    output: str | None
    prediction: str | None
    latency_s: float | None
    tokens: tuple[int | None, int | None]
    """Prompt and answer tokens."""
    parts: tuple[tuple[str, float], ...]
    """Each metric's or criterion's own value, where several make the score."""
    judge: str | None
    """Who graded it; None: a metric did."""
    cut_chars: int
    """Characters of output and prediction that are not shown."""


@dataclass(frozen=True, slots=True)
class SampleView:
    """One prompt with all its answers."""

    task: str
    task_index: int | None
    """Place of the task on the page; None where the comparison does not know it."""
    sample_id: str
    anchor: ElementId
    """Its id on the page, and in links to it: the same on the page of every run."""
    prompt: str | None
    target: str | None
    tags: tuple[str, ...]
    answers: tuple[AnswerView, ...]
    results: tuple[Result, ...]
    """One a candidate of the page, in its order."""
    cut_chars: int


@dataclass(frozen=True, slots=True)
class SamplesView:
    """The samples that fit on the page, and how many do not."""

    shown: tuple[SampleView, ...]
    n_total: int
    n_cut_texts: int
    """Texts that were shortened to `MAX_TEXT_CHARS`."""


def view_samples(
    outcomes: Outcomes,
    bars: Mapping[str, float | None],
    candidates: tuple[str, ...],
    *,
    max_samples: int,
    max_bytes: int,
) -> SamplesView:
    """The first samples of every task in turn, until the count or the bytes are used up.

    Args:
        outcomes: all results of the run.
        bars: task → the quality at which an answer counts as passed (None or missing: 0.5),
            in the page's task order.
        candidates: the page's candidate order, for `SampleView.results`.
        max_samples: most samples shown.
        max_bytes: rough size of their texts on the page.
    """
    grouped = _group(outcomes.rows)
    task_places = {task: index for index, task in enumerate(bars)}
    shown: list[SampleView] = []
    used_bytes = 0
    for key in _in_turn(grouped):
        if len(shown) >= max_samples:
            break
        sample = _view(
            key,
            outcomes.prompts.get(key),
            grouped[key],
            bars.get(key[0]),
            task_places.get(key[0]),
            candidates,
        )
        used_bytes += _size(sample)
        if used_bytes > max_bytes:
            break
        shown.append(sample)
    place = {key: index for index, key in enumerate(grouped)}
    shown.sort(key=lambda sample: place[sample.task, sample.sample_id])
    return SamplesView(
        shown=tuple(shown),
        n_total=len(grouped),
        n_cut_texts=sum(_cut_texts(sample) for sample in shown),
    )


def _group(rows: Iterable[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    grouped: dict[tuple[str, str], list[Outcome]] = {}
    for row in rows:
        grouped.setdefault((row.task, row.sample_id), []).append(row)
    tasks = list(dict.fromkeys(task for task, _ in grouped))
    return dict(sorted(grouped.items(), key=lambda item: tasks.index(item[0][0])))


def _in_turn(keys: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """One sample of each task after the other, so that a cut takes from all of them."""
    by_task: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        by_task.setdefault(key[0], []).append(key)
    for turn in zip_longest(*by_task.values()):
        yield from (key for key in turn if key is not None)


def _view(
    key: tuple[str, str],
    prompt: Prompt | None,
    rows: list[Outcome],
    bar: float | None,
    task_index: int | None,
    candidates: tuple[str, ...],
) -> SampleView:
    place = {name: index for index, name in enumerate(candidates)}
    rows = sorted(rows, key=lambda row: (place.get(row.candidate, len(place)), row.repeat))
    pass_mark = 0.5 if bar is None else bar
    text, text_cut = _clip(prompt.text if prompt else None)
    target, target_cut = _clip(_as_text(prompt.target) if prompt else None)
    difficulty = (prompt.difficulty,) if prompt and prompt.difficulty else ()
    return SampleView(
        task=key[0],
        task_index=task_index,
        sample_id=key[1],
        anchor=ElementId(f"s-{digest(key)[:12]}"),
        prompt=text,
        target=target,
        tags=difficulty + (prompt.tags if prompt else ()),
        answers=tuple(_answer(row, place.get(row.candidate), pass_mark) for row in rows),
        results=_results(rows, pass_mark, candidates),
        cut_chars=text_cut + target_cut,
    )


def _answer(row: Outcome, place: int | None, pass_mark: float) -> AnswerView:
    output, output_cut = _clip(row.output)
    prediction, prediction_cut = _clip(row.prediction)
    if prediction == output:
        prediction = None
    return AnswerView(
        candidate=row.candidate,
        candidate_index=place,
        repeat=row.repeat,
        result=_result([row.score], pass_mark),
        score=row.score,
        reason=row.reason,
        output=output,
        prediction=prediction,
        latency_s=row.latency_s,
        tokens=(row.usage.input_tokens, row.usage.output_tokens),
        parts=tuple(row.parts.items()),
        judge=row.judge,
        cut_chars=output_cut + prediction_cut,
    )


def _results(
    rows: list[Outcome], pass_mark: float, candidates: tuple[str, ...]
) -> tuple[Result, ...]:
    scores: dict[str, list[float | None]] = {}
    for row in rows:
        scores.setdefault(row.candidate, []).append(row.score)
    return tuple(_result(scores.get(name, []), pass_mark) for name in candidates)


def _result(scores: list[float | None], pass_mark: float) -> Result:
    if not scores:
        return "absent"
    known = [score for score in scores if score is not None]
    if not known:
        return "failed"
    return "pass" if sum(known) / len(known) >= pass_mark else "below"


def _clip(text: str | None) -> tuple[str | None, int]:
    if text is None or len(text) <= MAX_TEXT_CHARS:
        return text, 0
    return text[:MAX_TEXT_CHARS], len(text) - MAX_TEXT_CHARS


def _as_text(target: Any) -> str | None:
    if target is None or isinstance(target, str):
        return target
    return json.dumps(target, ensure_ascii=False, indent=2, default=str)


def _size(sample: SampleView) -> int:
    texts = [sample.prompt, sample.target]
    for answer in sample.answers:
        texts += [answer.output, answer.prediction, answer.candidate, answer.reason]
    utf8 = sum(len(text.encode("utf-8", "replace")) for text in texts if text)
    return utf8 + 400 + 320 * len(sample.answers)  # the tags around them, as measured


def _cut_texts(sample: SampleView) -> int:
    return (sample.cut_chars > 0) + sum(answer.cut_chars > 0 for answer in sample.answers)

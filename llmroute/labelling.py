"""Label files × a run → its outcomes with what people say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from llmroute.errors import ConfigError
from llmroute.judges.attach import Labelled, attach_labels
from llmroute.judges.labels import AnswerKey, no_levels, read_labels, shared_levels
from llmroute.judges.recorded import about_answer, answer_items, answer_keys, check_known, rivals_of
from llmroute.plan.matrix import Plan, Selection
from llmroute.records import JudgeUse, Label, Outcome, Outcomes


def judging_of(plan: Plan) -> dict[str, JudgeUse]:
    """Task → how it is judged, for the tasks that are."""
    return {suite.task: suite.judge for suite in plan.suites if suite.judge is not None}


def read_run_labels(
    files: Sequence[Path], plan: Plan, *, where: str, partial: bool = False
) -> tuple[Label, ...]:
    """People's labels of a run's answers, in terms of its rubrics.

    Labels of candidates that are not part of the run are kept: who is compared changes, and what
    people said of an answer stays true.

    Args:
        files: CSV or JSONL; none: no labels.
        plan: the run's.
        where: its name, for messages.
        partial: the run is a part of what the labels are about, so that unknown samples are no
            fault.

    Raises:
        LogFormatError: a file is not in the form of labels.
        InputError: labels are about samples that the run does not have.
    """
    if not files:
        return ()
    judging = judging_of(plan)
    levels = {task: shared_levels(use.rubric) for task, use in judging.items()}
    keys = set(_planned_keys(plan, judging))
    found = read_labels(
        files, levels=lambda task: levels.get(task, no_levels(task)), items=answer_items(keys)
    ).people
    if not partial:
        samples = {key[:2] for key in keys}
        check_known([label for label in found if _sample(label) not in samples], keys, where)
    return found


def read_bench_labels(files: Sequence[Path], plan: Plan, *, raced: bool) -> tuple[Label, ...]:
    """The labels a run is to be decided by, before anything is asked.

    Raises:
        ConfigError: judged suites are raced.
        LogFormatError: a file is not in the form of labels.
        InputError: labels are about samples that the suites do not have.
    """
    if files and raced and judging_of(plan):
        raise ConfigError(
            "a race decides by what the judge says, before labels could correct it",
            where="--strategy race",
            fix="Run the grid, or race without labels.",
        )
    whole = plan.selection == Selection()
    return read_run_labels(files, plan, where="the suites", partial=not whole)


def label_outcomes(
    outcomes: Outcomes, labels: Sequence[Label], judging: Mapping[str, JudgeUse]
) -> tuple[Outcomes, tuple[str, ...]]:
    """The outcomes with these labels, and what a reader must know of those that fit none."""
    rivals = rivals_of(outcomes.rows, judging, None)
    found = attach_labels(outcomes.rows, labels, rivals)
    return replace(outcomes, rows=found.rows), tuple(_notes(found))


def read_outcome_labels(
    files: Sequence[Path], outcomes: Outcomes, reference: str | None, *, where: str
) -> tuple[Outcomes, tuple[str, ...]]:
    """The same for outcomes from files: `label_outcomes` with labels read here.

    Raises:
        LogFormatError: a file is not in the form of labels.
        InputError: labels are about answers that are not there.
    """
    if not files:
        return outcomes, ()
    rivals = rivals_of(outcomes.rows, {}, reference)
    keys = answer_keys(outcomes.rows, rivals)
    labels = read_labels(files, items=answer_items(keys)).people
    check_known(labels, keys, where)
    found = attach_labels(outcomes.rows, labels, rivals)
    return replace(outcomes, rows=found.rows), tuple(_notes(found))


def _planned_keys(plan: Plan, judging: Mapping[str, JudgeUse]) -> Iterator[AnswerKey]:
    for call in plan.calls:
        use = judging.get(call.task)
        row = Outcome(call.task, call.sample_id, call.candidate.name, call.repeat)
        yield about_answer(row, use.pairwise if use else None)[0]


def _sample(label: Label) -> tuple[str, str]:
    return label.task, label.sample_id


def _notes(found: Labelled) -> Iterator[str]:
    if found.n_outdated:
        yield (
            f"{found.n_outdated} labels are of answers that have been replaced since, and do not "
            "count: draw a new sample with `llmroute judge agree --sample`."
        )
    if found.n_elsewhere:
        yield f"{found.n_elsewhere} labels are of answers that are not part of this run."

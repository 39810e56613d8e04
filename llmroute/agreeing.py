"""Labels × a run's verdicts → how far its judges can be trusted, without a call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from llmroute.errors import InputError, UnknownName
from llmroute.judges.assess import TaskAgreement, assess
from llmroute.judges.labels import Labels, LevelsOf, no_levels, read_labels
from llmroute.judges.recorded import (
    answer_items,
    answer_keys,
    check_known,
    judged_tasks,
    recorded_verdicts,
    rivals_of,
)
from llmroute.judges.sample import ToLabel, draw_sample
from llmroute.judges.table import Table, tabulate

if TYPE_CHECKING:
    from llmroute.deciding import Result


def agree(
    files: Sequence[Path],
    result: Result | None = None,
    *,
    where: str = "",
    tasks: Sequence[str] = (),
    judges: Sequence[str] = (),
    levels: LevelsOf = no_levels,
    seed: int = 0,
) -> tuple[TaskAgreement, ...]:
    """How far judges agree with the people whose labels the files hold.

    Args:
        files: labels; a file may hold verdicts of judges too.
        result: a decided run whose verdicts are compared with them; None: the files' alone.
        where: the run's name, for messages.
        tasks: only these; empty: all.
        judges: only these; empty: all.
        levels: the levels of a task's rubric.
        seed: of the bootstrap.

    Raises:
        LogFormatError: a file is not in the form of labels.
        InputError: a label is about an answer that is not there, or there is nobody to compare.
        UnknownName: a task or judge is named that nobody knows.
    """
    labels = _read(files, result, where, levels)
    verdicts = labels.judges
    if result is not None:
        verdicts += recorded_verdicts(result.outcomes.rows, _rivals(result))
    for kind, named, known in (
        ("task", tasks, {label.task for label in labels.people}),
        ("judge", judges, {verdict.rater for verdict in verdicts}),
    ):
        for name in named:
            if name not in known:
                raise UnknownName(kind, name, known)
    people = [label for label in labels.people if not tasks or label.task in tasks]
    said = [verdict for verdict in verdicts if not judges or verdict.rater in judges]
    tables = tabulate(people, said, levels)
    for table in tables:
        _check_comparable(table, people[0].where)
    return tuple(assess(table, seed=seed) for table in tables)


def draw_labels(
    result: Result, n: int, *, tasks: Sequence[str] = (), seed: int = 0
) -> tuple[ToLabel, ...]:
    """Answers of a run for people to label, n a task.

    Args:
        result: a decided run.
        n: how many of each task, where there are so many.
        tasks: which; empty: all that a judge scored.
        seed: of the draw: the same run and seed give the same sample.

    Raises:
        UnknownName: a task is named that the run does not have.
        InputError: no judge scored anything and no task is named, or no answer's text is known.
    """
    rows = result.outcomes.rows
    known = {row.task for row in rows}
    for task in tasks:
        if task not in known:
            raise UnknownName("task", task, known)
    wanted = tasks or judged_tasks(rows)
    if not wanted:
        raise InputError(
            "no judge scored any task of it", fix="Name the tasks to label: --task NAME."
        )
    bars = {task.task: task.quality_threshold for task in result.comparison.tasks}
    sample = draw_sample(
        result.outcomes,
        n,
        tasks=wanted,
        bars={task: bar for task, bar in bars.items() if bar is not None},
        rng=np.random.default_rng(seed),
        rivals=_rivals(result),
    )
    if not sample:
        raise InputError(
            "no answer to these tasks is there as text", fix="Run `llmroute bench` first."
        )
    return sample


def _read(
    files: Sequence[Path],
    result: Result | None,
    where: str,
    levels: LevelsOf,
) -> Labels:
    if result is None:
        return read_labels(files, levels=levels)
    known = answer_keys(result.outcomes.rows, _rivals(result))
    labels = read_labels(files, levels=levels, items=answer_items(known))
    if not labels.judges:
        check_known(labels.people, known, where)
    return labels


def _rivals(result: Result) -> dict[str, str]:
    return rivals_of(result.outcomes.rows, result.judging, result.comparison.reference)


def _check_comparable(table: Table, where: str) -> None:
    """Agreement takes two: a judge and a person, or two people."""
    if table.judges or len(table.people) > 1:
        return
    raise InputError(
        f"only {table.people[0]!r} labelled {table.task!r}, and no judge's verdict on it is there",
        where=where,
        fix="Name what a judge scored (--run, --data), add a column 'judge', or a second rater.",
    )

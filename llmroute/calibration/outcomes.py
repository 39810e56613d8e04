"""Outcomes × prices → Pair: two models' scores and costs on the queries both have answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.calibration.groups import near_duplicate_groups
from llmroute.calibration.pair import Ints, Pair, Query
from llmroute.calibration.several import Candidates
from llmroute.errors import InputError, UnknownName
from llmroute.records import Outcome, Outcomes, Price

if TYPE_CHECKING:
    from llmroute.analysis.summary import Summary

MIN_GROUPS = 50
"""Fewer distinct prompts bound APGR to about ± 0.2: more than any router gains over random."""
MIN_CLASS = 10
"""Queries of either kind, the strong model better or not, for five folds to learn from."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One query every candidate has a score on."""

    task: str
    sample_id: str
    text: str
    scores: tuple[float, ...]
    """One a candidate, and so below."""
    costs_usd: tuple[float, ...]
    first_answer: str | None
    """The first candidate's."""
    group: str | None


def read_pair(
    outcomes: Outcomes,
    weak: str,
    strong: str,
    *,
    prices: Mapping[str, Price],
    task: str | None = None,
) -> Pair:
    """The queries both models have a score on, sorted by task and id.

    Repeats are averaged. A cost is the recorded one, else tokens × price, else the list price at
    the task's mean length, as in the comparison; what is missing of a cost known nearly
    everywhere is its mean. Near-duplicate prompts, and samples of one group, form one group.

    Args:
        outcomes: of a run or of files, with the prompts' texts.
        weak: the cheaper candidate.
        strong: the better one.
        prices: candidate → price.
        task: that task only; None: all.

    Raises:
        UnknownName: a candidate or the task is not in the outcomes.
        InputError: results that contradict each other or are no numbers, prompts without a text,
            too few queries, a strong model that is not better, or nothing to tell them apart by.
    """
    if weak == strong:
        raise InputError(
            f"{weak!r} is both the weak and the strong model",
            fix="Name two different candidates with --weak and --strong.",
        )
    pair = _pair(_joined(outcomes, (weak, strong), prices, task), weak, strong)
    check_pair(pair)
    return pair


def read_candidates(
    outcomes: Outcomes,
    names: Sequence[str],
    *,
    prices: Mapping[str, Price],
    task: str | None = None,
) -> Candidates:
    """The queries all of these candidates have a score on, sorted by task and id.

    Everything is read as in `read_pair`.

    Raises:
        UnknownName: a candidate or the task is not in the outcomes.
        InputError: as for `read_pair`, or a candidate's cost is not known.
    """
    rows = _joined(outcomes, tuple(names), prices, task)
    groups = _groups(rows)
    _check_size(int(np.unique(groups).size), names)
    return Candidates(
        names=tuple(names),
        ids=_ids(rows),
        queries=tuple(Query(row.text, row.task) for row in rows),
        scores=np.array([row.scores for row in rows], dtype=np.float64),
        costs_usd=np.array([row.costs_usd for row in rows], dtype=np.float64),
        groups=groups,
    )


def check_pair(pair: Pair) -> None:
    """Whether a router can be learned from the pair and proved on it.

    Raises:
        InputError: too few queries, a strong model that is not better, or one class only.
    """
    _check_size(int(np.unique(pair.groups).size), (pair.weak, pair.strong))
    _check_gap(pair)
    better = int((pair.gaps > 0).sum())
    fewest = min(better, len(pair) - better)
    if fewest < MIN_CLASS:
        kind = "is better" if better <= len(pair) - better else "is not better"
        raise InputError(
            f"{pair.strong!r} {kind} than {pair.weak!r} on {fewest} of {len(pair)} queries only:"
            f" at least {MIN_CLASS} are needed to learn which ones those are",
            fix=f"Route everything to {pair.weak if better <= len(pair) - better else pair.strong},"
            " or add prompts of the rarer kind.",
        )


def _check_size(n_groups: int, names: Sequence[str]) -> None:
    if n_groups >= MIN_GROUPS:
        return
    listed = " and ".join(repr(name) for name in names)
    raise InputError(
        f"{n_groups} distinct prompts with scores of {listed}: at least {MIN_GROUPS} are needed",
        fix="With fewer, the interval of a router's gain (APGR ± 0.2) is wider than the gain of any"
        " known router. Near-duplicates count once. Run `llmroute bench` on more prompts; 300 or"
        " more tell good routers from bad ones.",
    )


def _check_gap(pair: Pair) -> None:
    weak, strong = float(pair.weak_scores.mean()), float(pair.strong_scores.mean())
    if not np.any(pair.gaps):
        raise InputError(
            f"{pair.weak!r} and {pair.strong!r} score the same on every query",
            fix=f"There is nothing to choose: route everything to {pair.weak!r}.",
        )
    if strong > weak:
        return
    raise InputError(
        f"the strong model {pair.strong!r} (quality {strong:.3f}) is not better than the weak"
        f" model {pair.weak!r} ({weak:.3f}) on these {len(pair)} queries: the share of their"
        " quality gap a router recovers (PGR) is not defined",
        fix=f"Swap them: --weak {pair.strong} --strong {pair.weak}."
        if strong < weak
        else f"Route everything to the cheaper of the two, {pair.weak!r} or {pair.strong!r}.",
    )


def _chosen(outcomes: Outcomes, candidates: Sequence[str], task: str | None) -> tuple[Outcome, ...]:
    tasks = dict.fromkeys(row.task for row in outcomes.rows)
    if task is not None and task not in tasks:
        raise UnknownName("task", task, tasks)
    rows = tuple(row for row in outcomes.rows if task is None or row.task == task)
    known = dict.fromkeys(row.candidate for row in rows)
    for name in candidates:
        if name not in known:
            raise UnknownName("candidate", name, known)
    wanted = set(candidates)
    return tuple(row for row in rows if row.candidate in wanted)


def _check_results(rows: Sequence[Outcome]) -> None:
    known: dict[tuple[str, str, str, int], Outcome] = {}
    for row in rows:
        where = f"task {row.task!r}, query {row.sample_id!r}, {row.candidate!r}"
        if row.score is not None and not 0 <= row.score <= 1:  # NaN too
            raise InputError(
                f"the score is {row.score}, not a number in [0, 1]",
                where=where,
                fix="Scale it into [0, 1], or write null where there is no score.",
            )
        cost = row.recorded_cost_usd
        if cost is not None and not (math.isfinite(cost) and cost >= 0):
            raise InputError(
                f"the cost is {cost}, not a finite number of at least 0",
                where=where,
                fix="Correct it, or write null where it is unknown.",
            )
        first = known.setdefault((row.task, row.sample_id, row.candidate, row.repeat), row)
        if first.score != row.score or first.recorded_cost_usd != cost:
            raise InputError(
                f"two different results (scores {first.score} and {row.score})",
                where=where,
                fix='Remove one of them, or tell them apart by "repeat": 0, 1, ...',
            )


def _joined(
    outcomes: Outcomes, names: tuple[str, ...], prices: Mapping[str, Price], task: str | None
) -> list[_Row]:
    from llmroute.analysis.frame import build_frame
    from llmroute.analysis.summary import summarise_task

    rows = _chosen(outcomes, names, task)
    _check_results(rows)
    answers, groups = _answers_and_groups(rows, names[0])
    joined = []
    frame = build_frame(Outcomes(rows), prices)
    for name, calls in frame.groupby("task", sort=True):
        summaries = summarise_task(calls, names, prices)
        samples = [str(sample) for sample in calls["sample_id"].unique()]
        costs = [_costs(summary, samples) for summary in summaries]
        scored = sorted(set.intersection(*(set(summary.scores) for summary in summaries)))
        texts = _texts(outcomes, str(name), scored)
        joined += [
            _Row(
                task=str(name),
                sample_id=sample,
                text=texts[sample],
                scores=tuple(summary.scores[sample] for summary in summaries),
                costs_usd=tuple(cost[sample] for cost in costs),
                first_answer=answers.get((str(name), sample)),
                group=groups.get((str(name), sample)),
            )
            for sample in scored
        ]
    return joined


def _answers_and_groups(
    rows: Sequence[Outcome], candidate: str
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    answers: dict[tuple[str, str], str] = {}
    groups: dict[tuple[str, str], str] = {}
    for row in rows:
        key = (row.task, row.sample_id)
        if row.group is not None:
            groups[key] = row.group
        if row.candidate == candidate and row.output is not None:
            answers.setdefault(key, row.output)
    return answers, groups


def _costs(summary: Summary, samples: Sequence[str]) -> dict[str, float]:
    mean = summary.cost_usd_per_1k
    missing = math.nan if mean is None else mean / 1000
    return {
        sample: missing if cost is None else cost
        for sample, cost in zip(samples, summary.costs_usd, strict=True)
    }


def _texts(outcomes: Outcomes, task: str, samples: Sequence[str]) -> dict[str, str]:
    texts = {}
    missing = []
    for sample in samples:
        prompt = outcomes.prompts.get((task, sample))
        if prompt is None or prompt.text is None:
            missing.append(sample)
        else:
            texts[sample] = prompt.text
    if missing:
        raise InputError(
            f"{len(missing)} of {len(samples)} queries have no prompt text, the first is"
            f" {missing[0]!r}",
            where=f"task {task!r}",
            fix='A router decides by the prompt: add "prompt": "..." to each line of the outcomes'
            " file, or calibrate on a run of `llmroute bench`, which keeps them.",
        )
    return texts


def _pair(rows: Sequence[_Row], weak: str, strong: str) -> Pair:
    scores = np.array([row.scores for row in rows], dtype=np.float64).reshape(-1, 2)
    costs = np.array([row.costs_usd for row in rows], dtype=np.float64).reshape(-1, 2)
    answers = tuple(row.first_answer for row in rows)
    return Pair(
        weak=weak,
        strong=strong,
        ids=_ids(rows),
        queries=tuple(Query(row.text, row.task) for row in rows),
        weak_scores=scores[:, 0],
        strong_scores=scores[:, 1],
        weak_costs_usd=costs[:, 0],
        strong_costs_usd=costs[:, 1],
        groups=_groups(rows),
        weak_answers=answers if any(answer is not None for answer in answers) else (),
    )


def _ids(rows: Sequence[_Row]) -> tuple[str, ...]:
    """The samples' ids, with the task before them where two tasks share one."""
    unique = len({row.sample_id for row in rows}) == len(rows)
    return tuple(row.sample_id if unique else f"{row.task}/{row.sample_id}" for row in rows)


def _groups(rows: Sequence[_Row]) -> Ints:
    named = [None if row.group is None else f"{row.task}\0{row.group}" for row in rows]
    return near_duplicate_groups([row.text for row in rows], named)

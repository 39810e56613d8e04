"""Trials × what mistakes cost → the threshold, and how well requests are recognised at it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from llmroute.recogniser.corpus import NO_TASK, Form
from llmroute.recogniser.costs import MistakeCosts
from llmroute.recogniser.semantic import Floats
from llmroute.recogniser.trials import Trial
from llmroute.records import Confusion, OutOfScope, RecognitionFigures

SHARES = {"in_scope": 0.9, "other_tasks": 0.05, "background": 0.05}
"""What live requests are taken to be when the threshold is chosen: of one of the tasks, of one that
no suite stands for though it is as near to the others as they are to each other, or anything."""
MAX_THRESHOLDS = 400
MAX_SAMPLES_NAMED = 5


def choose_threshold(trials: Sequence[Trial], costs: MistakeCosts, max_loss: float) -> float:
    """The threshold with the fewest mistakes whose expected quality loss is tolerable.

    The expected loss is the mean, over requests of all kinds in their `SHARES` and the tasks'
    traffic shares, of how much further below the bar of the true task an answer falls. It may
    exceed the least that any threshold reaches by `max_loss`: what rules misrecognise is lost at
    every threshold. A mistake is an in-scope request without its own task, or an out-of-scope one
    with any. On a tie, the higher threshold.
    """
    similarities = np.array([trial.similarity for trial in trials])
    measured = similarities[np.isfinite(similarities)]
    if not measured.size:
        return 0.0
    weights = _weights(trials, costs)
    taken = np.array([_harm(trial, trial.found.task, costs) for trial in trials]) * weights
    left = np.array([_harm(trial, None, costs) for trial in trials]) * weights
    edges = np.unique(np.quantile(measured, np.linspace(0, 1, MAX_THRESHOLDS)))
    thresholds = np.append(edges, edges[-1] + 1e-3).round(4)
    is_taken = similarities >= thresholds[:, None]
    loss, mistakes = (is_taken @ taken + ~is_taken @ left).T
    tolerable = loss <= loss.min() + max_loss + 1e-12
    fewest = mistakes[tolerable].min()
    return float(thresholds[tolerable & (mistakes <= fewest + 1e-12)].max())


def _harm(trial: Trial, recognised: str | None, costs: MistakeCosts) -> tuple[float, float]:
    """(quality loss, 1 where it is a mistake) of taking the request for that task's."""
    right = trial.known.task if trial.in_scope else None
    known = trial.known.task != NO_TASK
    loss = costs.worst_loss(trial.known.task, recognised) if known else 0.0
    return loss, float(recognised != right)


def _weights(trials: Sequence[Trial], costs: MistakeCosts) -> Floats:
    """Each trial's share of the traffic, shape (n_trials, 1).

    Within its kind every task has its suite's share, however many samples stand for it.
    """
    kinds = [_kind(trial) for trial in trials]
    tasks = [(kind, trial.known.task) for kind, trial in zip(kinds, trials, strict=True)]
    n_of = Counter(tasks)
    traffic = {kind_task: costs.traffic(kind_task[1]) for kind_task in n_of}
    of_kind = defaultdict[str, float](float)
    for (kind, _), share in traffic.items():
        of_kind[kind] += share
    weights = [SHARES[one[0]] * traffic[one] / of_kind[one[0]] / n_of[one] for one in tasks]
    return np.array(weights)[:, None]


def _kind(trial: Trial) -> str:
    if trial.in_scope:
        return "in_scope"
    return "background" if trial.known.task == NO_TASK else "other_tasks"


@dataclass(frozen=True, slots=True)
class Judged:
    """One trial, and the task it was taken for at a threshold that had not seen it."""

    trial: Trial
    recognised: str | None

    @property
    def is_right(self) -> bool:
        """Whether its own task was found."""
        return self.recognised == self.trial.known.task

    @property
    def layer(self) -> Literal["rule", "semantic", "unknown"]:
        """What took it for that task."""
        if self.recognised is None:
            return "unknown"
        return "rule" if self.trial.found.layer == "rule" else "semantic"


def judge(trials: Sequence[Trial], costs: MistakeCosts, max_loss: float) -> list[Judged]:
    """Each trial at the threshold that the trials outside its fold choose."""
    thresholds = {
        fold: choose_threshold([t for t in trials if t.fold != fold], costs, max_loss)
        for fold in {trial.fold for trial in trials}
    }
    return [Judged(trial, trial.recognised(thresholds[trial.fold])) for trial in trials]


def summarise(judged: Sequence[Judged], form: Form, costs: MistakeCosts) -> RecognitionFigures:
    """The figures of the in-scope requests of one form."""
    own = [one for one in judged if one.trial.in_scope and one.trial.form == form]
    extras = [
        costs.extra_usd_per_1k(one.trial.known.task, one.recognised)
        for one in own
        if not one.is_right
    ]
    known = [extra for extra in extras if extra is not None]
    return RecognitionFigures(
        form=form,
        n=len(own),
        accuracy=_share(one.is_right for one in own),
        unknown=_share(one.recognised is None for one in own),
        by_rule=_share(one.trial.found.layer == "rule" for one in own),
        quality_loss=_mean_loss(own, costs),
        extra_usd_per_1k=sum(known) / len(own) if len(known) == len(extras) else None,
    )


def find_confusions(judged: Sequence[Judged], costs: MistakeCosts) -> tuple[Confusion, ...]:
    """Every mistake on in-scope requests, by form, task, what it was taken for, and by which."""
    mistakes: dict[tuple[Form, str, str, str], list[Judged]] = defaultdict(list)
    for one in judged:
        if one.trial.in_scope and not one.is_right:
            key = (one.trial.form, one.trial.known.task, one.recognised or "", one.layer)
            mistakes[key].append(one)
    return tuple(_confusion(mistakes[key], costs) for key in sorted(mistakes))


def _confusion(alike: Sequence[Judged], costs: MistakeCosts) -> Confusion:
    one = alike[0]
    task, recognised = one.trial.known.task, one.recognised
    return Confusion(
        form=one.trial.form,
        task=task,
        recognised=recognised,
        layer=one.layer,
        model=costs.model(recognised),
        n=len(alike),
        quality_loss=costs.quality_loss(task, recognised),
        extra_usd_per_1k=costs.extra_usd_per_1k(task, recognised),
        samples=tuple(sorted(other.trial.known.id for other in alike)[:MAX_SAMPLES_NAMED]),
    )


def summarise_strangers(judged: Sequence[Judged], costs: MistakeCosts) -> tuple[OutOfScope, ...]:
    """How requests of no task, and of tasks that were left out, fared."""
    strangers = [one for one in judged if not one.trial.in_scope]
    others = [one for one in strangers if one.trial.known.task != NO_TASK]
    background = [one for one in strangers if one.trial.known.task == NO_TASK]
    found = []
    if others:
        loss = _mean_loss(others, costs)
        found.append(OutOfScope("other_tasks", len(others), _accepted(others), loss))
    if background:
        found.append(OutOfScope("background", len(background), _accepted(background), None))
    return tuple(found)


def _accepted(judged: Sequence[Judged]) -> float:
    return _share(one.recognised is not None for one in judged)


def _mean_loss(judged: Sequence[Judged], costs: MistakeCosts) -> float:
    weights = _weights([one.trial for one in judged], costs)[:, 0]
    losses = [costs.worst_loss(one.trial.known.task, one.recognised) for one in judged]
    return float(weights @ np.array(losses) / weights.sum())


def _share(flags: Iterable[bool]) -> float:
    counted = list(flags)
    return sum(counted) / len(counted)

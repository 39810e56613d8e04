"""`auto`: the simplest router within one standard error of the best, chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from llmroute.calibration.pair import Floats, Ints, Pair, Query
from llmroute.calibration.split import Fold, grouped_folds, out_of_fold
from llmroute.errors import InputError
from llmroute.routers import ROUTERS, Router, build_router
from llmroute.routers.remember import remembering_texts
from llmroute.routers.scale import learnable_gaps

SIMPLICITY = (
    "task_map",
    "length",
    "rules",
    "tfidf",
    "knn",
    "sw_ranking",
    "embedding",
    "mf",
    "gbt",
)
"""From the simplest: a table, a number, a list to read, weights to read, then what must be trusted.

`embedding` reads all that `tfidf` reads and a model besides; trees come last, for nobody can read
sixty of them. Routers of other packages come after these, by name.
"""

WITHOUT_EMBEDDING = ("task_map", "length", "tfidf", "knn")
WITH_EMBEDDING = ("sw_ranking", "embedding", "mf")
LEAST_GROUPS = 30


@dataclass(frozen=True, slots=True)
class Trial:
    """One router in the comparison."""

    router: str
    apgr: float
    """Ranked within each fold; NaN where the strong model is not better on average."""
    behind: float
    """How far behind the best, in quality: 0 for the best itself."""
    behind_se: float
    """Standard error of that, by groups."""


@dataclass
class Auto:
    """Compares routers on folds of what it is fitted on, and fits the winner on all of it.

    Judged by `out_of_fold`, the choice is made anew inside each training fold: that is nested
    cross-validation, and the figures hold for the choosing too. The rule is "one standard error"
    (Breiman et al., "Classification and Regression Trees", 1984, §3.4.3), on the paired difference.
    """

    name: ClassVar[str] = "auto"

    routers: tuple[str, ...] = ()
    """Which to compare; empty: those that fit the installation and `embedding`."""
    embedding: str | None = None
    """As `llmroute.embeddings` names them; None: no router with sentence vectors takes part."""
    folds: int = 3

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError("folds must be at least 2")
        for router in self.routers:
            if router == self.name or router not in ROUTERS.names():
                raise ValueError(f"router {router!r} cannot be compared")

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Choose and fit."""
        learnable_gaps(pair)
        with remembering_texts():
            self.trials_ = self._compare(pair, seed)
            self.chosen_ = self._build(choose_simplest(self.trials_)).fit(pair, seed=seed)
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """The chosen router's scores."""
        return self.chosen_.strong_win_rate(queries)

    def _compare(self, pair: Pair, seed: int) -> tuple[Trial, ...]:
        names = sorted(self._names(), key=_place)
        if len(np.unique(pair.groups)) < LEAST_GROUPS:
            return (Trial(names[0], float("nan"), 0.0, 0.0),)
        folds = grouped_folds(pair, self.folds, seed)
        scores = {
            name: out_of_fold(lambda name=name: self._build(name), pair, folds, seed)  # type: ignore[misc]
            for name in names
        }
        return compare_scores(scores, pair, folds)

    def _names(self) -> tuple[str, ...]:
        if self.routers:
            return self.routers
        return WITHOUT_EMBEDDING + (WITH_EMBEDDING if self.embedding else ())

    def _build(self, name: str) -> Router:
        embeds = name in ("knn", "sw_ranking", "embedding", "mf") and self.embedding
        return build_router(name, {"embedding": self.embedding} if embeds else {})

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The chosen router's name and state, and the comparison."""
        values, arrays = self.chosen_.state()
        trials = [
            {
                "router": trial.router,
                "apgr": trial.apgr if np.isfinite(trial.apgr) else None,
                "behind": trial.behind,
                "behind_se": trial.behind_se,
            }
            for trial in self.trials_
        ]
        return {"chosen": self.chosen_.name, "values": values, "trials": trials}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """The router that `state` was taken from."""
        router = cls()
        if values["chosen"] == cls.name:
            raise InputError("router 'auto' cannot have chosen itself")
        router.chosen_ = ROUTERS.load(values["chosen"]).from_state(values["values"], arrays)
        router.trials_ = tuple(
            Trial(
                str(trial["router"]),
                float("nan") if trial["apgr"] is None else float(trial["apgr"]),
                float(trial["behind"]),
                float(trial["behind_se"]),
            )
            for trial in values["trials"]
        )
        return router


def compare_scores(
    scores: dict[str, Floats], pair: Pair, folds: Sequence[Fold]
) -> tuple[Trial, ...]:
    """Each router's worth, from the simplest, ranked within folds.

    A query's share of the area over a random router is gap · (u − ½), u its rank from 0 to 1
    among its fold's scores, ties in the middle. The mean is (APGR − ½) · mean gap, and being a
    mean it has a standard error by groups. Ranks are taken within folds because levels differ
    between them: a fold whose rows did well was predicted from rows that did worse, and pooled
    scores of a constant router rank against the truth.
    """
    names = sorted(scores, key=_place)
    worth = {name: pair.gaps * (fold_ranks(scores[name], folds) - 0.5) for name in names}
    best = max(names, key=lambda name: (float(worth[name].mean()), -_place(name)[0]))
    mean_gap = float(pair.gaps.mean())
    trials = []
    for name in names:
        behind = worth[best] - worth[name]
        apgr = 0.5 + float(worth[name].mean()) / mean_gap if mean_gap > 0 else float("nan")
        trials.append(Trial(name, apgr, float(behind.mean()), clustered_error(behind, pair.groups)))
    return tuple(trials)


def choose_simplest(trials: Sequence[Trial]) -> str:
    """The first trial, from the simplest, within one standard error of the best.

    >>> best = Trial("tfidf", 0.66, behind=0.0, behind_se=0.0)
    >>> choose_simplest([Trial("task_map", 0.6, behind=0.02, behind_se=0.005), best])
    'tfidf'
    >>> choose_simplest([Trial("task_map", 0.65, behind=0.004, behind_se=0.005), best])
    'task_map'
    """
    ranked = sorted(trials, key=lambda trial: _place(trial.router))
    return next(trial.router for trial in ranked if trial.behind <= trial.behind_se)


def clustered_error(values: Floats, groups: Ints) -> float:
    """Standard error of the mean of values that are independent between groups only."""
    _, place = np.unique(groups, return_inverse=True)
    sums = np.bincount(place, values - values.mean())
    n_groups = len(sums)
    if n_groups < 2:
        return 0.0
    return float(np.sqrt((sums @ sums) * n_groups / (n_groups - 1)) / len(values))


def fold_ranks(scores: Floats, folds: Sequence[Fold]) -> Floats:
    """Rank of each score among its fold's, from 0 to 1, ties in the middle; shape (n,)."""
    ranks = np.zeros(len(scores))
    for fold in folds:
        some = scores[fold.test]
        ordered = np.sort(some)
        below = np.searchsorted(ordered, some, "left")
        upto = np.searchsorted(ordered, some, "right")
        ranks[fold.test] = (below + upto) / 2 / max(1, len(some))
    return ranks


def _place(name: str) -> tuple[int, str]:
    known = SIMPLICITY.index(name) if name in SIMPLICITY else len(SIMPLICITY)
    return known, name

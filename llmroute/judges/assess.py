"""People's labels × judges' verdicts → how far each judge agrees, beside how far people do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from llmroute.calibration.bootstrap import RESAMPLES
from llmroute.calibration.pair import Floats
from llmroute.judges.agreement import (
    Statistic,
    Tally,
    accuracy,
    bound,
    bound_interval_alpha,
    cohen_kappa,
    nominal_alpha,
    ordinal_alpha,
    tally_pair,
    tally_raters,
)
from llmroute.judges.panel import effective_votes
from llmroute.judges.table import Table, mean_of
from llmroute.records import PANEL, Interval

MOST_PAIRED = 12
"""Of more people than these, not every two are compared; α takes any number."""
STATISTICS: Mapping[str, Statistic] = {
    "accuracy": accuracy,
    "kappa": cohen_kappa,
    "kappa_linear": lambda tables: cohen_kappa(tables, "linear"),
    "kappa_quadratic": lambda tables: cohen_kappa(tables, "quadratic"),
}
Figures = Mapping[str, Interval | None]
"""Name of a statistic → its value; None where it is not defined, empty where it does not apply."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one level was said where another was right; counts, not weighted."""

    levels: tuple[str, ...]
    """Those that occur, worst first."""
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """How far one judge agrees with people on one task."""

    judge: str
    n: int
    """Items on which the judge has a verdict and people a majority."""
    n_unjudged: int
    """Labelled items without a readable verdict."""
    n_split: int
    """Judged items on which people have no majority."""
    majority: Figures
    """Beside what most people say."""
    each: Figures
    """Beside one person, the mean over people: to be set beside `PeopleAgreement.each_other`."""
    alpha: Interval | None
    """Of the judge and the majority."""
    confusion: Confusion | None
    """The judge's level (row) by the majority's; None on a scale."""


@dataclass(frozen=True, slots=True)
class PeopleAgreement:
    """How far people agree among themselves: the most a judge can be held to."""

    n: int
    """Items that two or more labelled."""
    each_other: Figures
    """One person beside another, the mean over all pairs."""
    the_rest: Figures
    """One person beside the majority of the others; empty where there are no three."""
    alpha: Interval | None


@dataclass(frozen=True, slots=True)
class TaskAgreement:
    """Judges and people on one task."""

    task: str
    compared: bool
    """Whether two answers stand beside each other, rather than one alone."""
    n_labelled: int
    people_names: tuple[str, ...]
    levels: tuple[str, ...]
    """Worst first; empty on a scale."""
    alpha_metric: str
    judges: tuple[JudgeAgreement, ...]
    people: PeopleAgreement | None
    """None: no item was labelled by two."""
    n_single: int
    """Judges that are no panel of others."""
    effective_votes: Interval | None
    """What these are worth in independent ones; None below two."""


def assess(table: Table, *, resamples: int = RESAMPLES, seed: int = 0) -> TaskAgreement:
    """How far judges and people agree on one task.

    Ties are not broken: an item on which people have no majority is left out where the judge is
    set beside the majority, and counted; beside each person alone it counts as any other.

    Args:
        table: who said what.
        resamples: of the bootstrap over groups of items.
        seed: of its draws.
    """
    figures = _Figures(table, resamples, seed)
    return TaskAgreement(
        task=table.task,
        compared=table.compared,
        n_labelled=len(table.keys),
        people_names=table.people,
        levels=tuple(table.levels),
        alpha_metric=figures.metric,
        judges=tuple(
            _judge(table, figures, judge, table.verdicts[:, column])
            for column, judge in enumerate(table.judges)
        ),
        people=_people(table, figures),
        n_single=len(_members(table)),
        effective_votes=_votes(table, resamples, seed),
    )


def alphas(
    table: Table, judge: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval | None, Interval | None, Interval | None]:
    """What of `assess` a map keeps: α of the judge and the majority, α among people, and the
    effective votes of the judges."""
    figures = _Figures(table, resamples, seed)
    verdicts = table.verdicts[:, table.judges.index(judge)]
    agreement = figures.alpha(np.stack([verdicts, table.majority()], axis=1))
    several = ((~np.isnan(table.labels)).sum(axis=1) > 1).any()
    ceiling = figures.alpha(table.labels) if several else None
    return agreement, ceiling, _votes(table, resamples, seed)


def _members(table: Table) -> list[int]:
    """Columns of the judges that are no panel of others."""
    return [column for column, judge in enumerate(table.judges) if PANEL not in judge]


def _votes(table: Table, resamples: int, seed: int) -> Interval | None:
    errors = table.verdicts[:, _members(table)] - mean_of(table.labels)[:, None]
    return effective_votes(errors, table.groups, resamples=resamples, seed=seed)


def _judge(table: Table, figures: _Figures, judge: str, verdicts: Floats) -> JudgeAgreement:
    majority = table.majority()
    judged = ~np.isnan(verdicts)
    return JudgeAgreement(
        judge=judge,
        n=int((judged & ~np.isnan(majority)).sum()),
        n_unjudged=int((~judged).sum()),
        n_split=int((judged & np.isnan(majority)).sum()),
        majority=figures.between([(verdicts, majority)]),
        each=figures.between([(verdicts, labels) for labels in table.labels.T]),
        alpha=figures.alpha(np.stack([verdicts, majority], axis=1)),
        confusion=figures.confusion(verdicts, majority),
    )


def _people(table: Table, figures: _Figures) -> PeopleAgreement | None:
    n = int(((~np.isnan(table.labels)).sum(axis=1) > 1).sum())
    if not n:
        return None
    columns, everyone = table.labels.T, range(len(table.people))
    few = len(everyone) <= MOST_PAIRED
    others = [[i for i in everyone if i != one] for one in everyone]
    return PeopleAgreement(
        n=n,
        each_other=figures.between(list(combinations(columns, 2)) if few else []),
        the_rest=figures.between(
            [(columns[one], table.majority(others[one])) for one in everyone]
            if 3 <= len(everyone) <= MOST_PAIRED
            else []
        ),
        alpha=figures.alpha(table.labels),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Figures:
    """The statistics that a table's scale allows."""

    table: Table
    resamples: int
    seed: int

    @property
    def metric(self) -> str:
        """How far apart two scores are for α."""
        if not self.table.levels:
            return "interval"
        return "ordinal" if len(self.table.levels) > 2 else "nominal"

    def between(self, pairs: Sequence[tuple[Floats, Floats]]) -> Figures:
        """Figures of pairs of columns, the mean over them."""
        if not self.table.levels or not pairs:
            return {}
        return self._bound(STATISTICS, [self._tally(*pair) for pair in pairs])

    def alpha(self, scores: Floats) -> Interval | None:
        """Krippendorff's α of the columns, which may have gaps."""
        table = self.table
        if not table.levels:
            return bound_interval_alpha(
                scores, table.groups, table.weights, resamples=self.resamples, seed=self.seed
            )
        statistic = ordinal_alpha if self.metric == "ordinal" else nominal_alpha
        tally = tally_raters(table.codes(scores), len(table.levels))
        return self._bound({"alpha": statistic}, [tally])["alpha"]

    def confusion(self, first: Floats, second: Floats) -> Confusion | None:
        """How often the first said one level and the second another."""
        if not self.table.levels:
            return None
        counts = self._tally(first, second).tables(np.ones((1, first.size)))[0]
        used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
        names = tuple(self.table.levels)
        return Confusion(
            tuple(names[i] for i in used),
            tuple(tuple(int(counts[i, j]) for j in used) for i in used),
        )

    def _tally(self, first: Floats, second: Floats) -> Tally:
        table = self.table
        return tally_pair(table.codes(first), table.codes(second), len(table.levels))

    def _bound(self, statistics: Mapping[str, Statistic], tallies: Sequence[Tally]) -> Figures:
        table = self.table
        weighted = [tally.weighted(table.weights) for tally in tallies]
        return bound(statistics, weighted, table.groups, resamples=self.resamples, seed=self.seed)

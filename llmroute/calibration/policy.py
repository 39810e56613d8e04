"""Scores × Pair → Policy: in which order queries go to the strong model, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from llmroute.calibration.curve import NEVER_STRONG, Sweep
from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.split import Fold
from llmroute.routers.auto import clustered_error

PolicyName = Literal["router", "cascade", "combined"]

DIRECT_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8)
"""Shares of the hardest prompts that a combined policy may send straight to the strong model."""
BUDGETS = (0.8, 0.9, 1.0)
"""Parts of the budget, above all weak calls, over which shares are compared: at the whole alone,
nothing would speak for the cheaper of two that reach all there is to gain."""


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """An order of the queries, and costs as the policy pays them.

    All policies start at "all weak" and end at "all strong", so that they can be set beside each
    other at equal shares of strong calls and at equal dollars.
    """

    scores: Floats
    """Shape (n,): the highest go to the strong model first."""
    pair: Pair
    """Of a cascade, a strong call costs the weak one before it too."""
    strong_alone_usd: Floats
    """Shape (n,): what the strong model costs where it alone is asked; savings are against it."""

    @classmethod
    def route(cls, strong_win_rates: Floats, pair: Pair) -> Self:
        """One call a query, decided by the prompt."""
        return cls(strong_win_rates, pair, pair.strong_costs_usd)

    @classmethod
    def cascade(cls, escalation_scores: Floats, pair: Pair) -> Self:
        """The weak call always, and the strong one on top."""
        both = pair.weak_costs_usd + pair.strong_costs_usd
        return cls(escalation_scores, replace(pair, strong_costs_usd=both), pair.strong_costs_usd)

    @classmethod
    def combine(
        cls,
        strong_win_rates: Floats,
        escalation_scores: Floats,
        direct: NDArray[np.bool_],
        pair: Pair,
    ) -> Self:
        """The `direct` queries straight to strong, by their win rate; then a cascade of the others.

        The score of a direct query is 1 + strong_win_rate: it stands before all others.
        """
        both = pair.weak_costs_usd + pair.strong_costs_usd
        return cls(
            np.where(direct, 1 + strong_win_rates, escalation_scores),
            replace(pair, strong_costs_usd=np.where(direct, pair.strong_costs_usd, both)),
            pair.strong_costs_usd,
        )

    def sweep(self) -> Sweep:
        """The policy's points under a falling threshold."""
        return Sweep.of(self.scores, self.pair, strong_alone_usd=self.strong_alone_usd)


@dataclass(frozen=True, slots=True, eq=False)
class Direct:
    """Which queries go straight to the strong model."""

    rows: NDArray[np.bool_]
    """Shape (n,), each decided by what was learned of the other folds."""
    share: float
    """As chosen on all rows, for production; 0: none does."""
    threshold: float
    """`strong_win_rate >= threshold` goes straight to the strong model."""


def choose_direct(
    strong_win_rates: Floats,
    escalation_scores: Floats,
    pair: Pair,
    budget_usd: float,
    folds: Sequence[Fold],
) -> Direct:
    """The share under which a budget buys the most quality, chosen anew for each fold's rows.

    The smallest share within one standard error of the best, as routers are chosen: where nothing
    is gained, every answer is looked at.

    Args:
        strong_win_rates: out-of-fold, shape (n,).
        escalation_scores: out-of-fold, shape (n,).
        pair: the scored queries, their costs known.
        budget_usd: mean cost of a request up to which shares are compared.
        folds: each one's test rows are decided by the share and threshold of its training rows.
    """
    rows = np.zeros(len(pair), np.bool_)
    for fold in folds:
        rates, scores = strong_win_rates[fold.train], escalation_scores[fold.train]
        share = _best_share(rates, scores, pair.rows(fold.train), budget_usd)
        rows[fold.test] = strong_win_rates[fold.test] >= _least_direct(rates, share)
    share = _best_share(strong_win_rates, escalation_scores, pair, budget_usd)
    return Direct(rows, share, _least_direct(strong_win_rates, share))


def _best_share(rates: Floats, scores: Floats, pair: Pair, budget_usd: float) -> float:
    bought = {}
    for share in DIRECT_SHARES:
        direct = rates >= _least_direct(rates, share)
        bought[share] = _bought(Policy.combine(rates, scores, direct, pair), budget_usd)
    best = bought[max(DIRECT_SHARES, key=lambda share: float(bought[share].mean()))]
    behind = {share: best - mine for share, mine in bought.items()}
    return next(
        share
        for share in DIRECT_SHARES
        if behind[share].mean() <= clustered_error(behind[share], pair.groups)
    )


def _bought(policy: Policy, budget_usd: float) -> Floats:
    """Each row's score, shape (n,), where strong calls are made until a budget is spent.

    The mean over `BUDGETS`.
    """
    pair, order = policy.pair, np.argsort(-policy.scores, kind="stable")
    extra = (pair.strong_costs_usd - pair.weak_costs_usd)[order]
    spent = np.r_[0.0, np.cumsum(extra)] / len(pair)
    left = budget_usd - pair.weak_costs_usd.mean()
    made = [np.flatnonzero(spent <= part * left * (1 + 1e-9)) for part in BUDGETS]
    place = np.empty(len(pair))
    place[order] = np.arange(len(pair))
    n_strong = np.array([within[-1] if within.size else 0 for within in made])
    chance = (place[:, None] < n_strong).mean(axis=1)
    bought: Floats = pair.weak_scores + chance * pair.gaps
    return bought


def _least_direct(rates: Floats, share: float) -> float:
    """The win rate from which about this share goes straight to the strong model."""
    return float(np.quantile(rates, 1 - share)) if share else NEVER_STRONG

"""Scores × Pair → the highest threshold whose loss of quality is surely small enough.

The loss of a query is its regret, (s − w)+ where the weak model answers and 0 where the strong one
does: what is lost by not asking the strong model, never made up for by queries on which the weak
one happens to be better. Its mean R(t) can only grow with the threshold t, and the loss of mean
quality is at most R(t).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from llmroute.analysis.intervals import beta_cdf
from llmroute.calibration.curve import Sweep
from llmroute.calibration.pair import Floats, Ints, Pair
from llmroute.calibration.split import grouped_folds
from llmroute.errors import InputError

if TYPE_CHECKING:
    from llmroute.routers import Router

Basis = Literal["held_out", "out_of_fold"]

FEW_DUPLICATES = 0.05
"""Share of the rows that may repeat another for the binomial test to be the sharper one."""

STAKES = ((1.0, 0.6), (2.0, 0.2), (4.0, 0.1), (8.0, 0.1))
"""(multiple of the stake that suits right-or-wrong scores, share of the wealth staked so): the
larger ones win where losses are graded and small."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is promised of a threshold, and by which data."""

    threshold: float
    max_loss: float
    confidence: float
    strong_share: float
    """On the rows it was certified on."""
    regret: float
    """Mean of (s − w)+ over all rows, counted where the weak model answers."""
    n: int
    n_groups: int
    method: Literal["binomial", "betting"]
    basis: Basis
    """held_out: the rows took no part in fitting, and the promise holds for that very router, on
    further queries like these. out_of_fold: the scores come from the fold's routers, and a router
    fitted on all rows is taken to score alike; measured, not proved."""

    @property
    def saves(self) -> bool:
        """Whether any query goes to the weak model."""
        return self.strong_share < 1.0


def certify_threshold(
    scores: Floats,
    pair: Pair,
    max_loss: float,
    *,
    confidence: float = 0.95,
    basis: Basis = "out_of_fold",
    horizon: int | None = None,
) -> Certificate:
    """The highest threshold certified to lose at most `max_loss` of mean quality.

    Thresholds are tested one after the other from "all strong" on, each at level 1 − confidence,
    and the first that fails ends it: the error of the whole sequence is that of one test (fixed
    sequence testing; Angelopoulos et al., "Learn then Test", 2110.01052, §2.3). As R(t) is
    monotone, thresholds may be the scores themselves (Bates et al., "Distribution-free,
    risk-controlling prediction sets", JACM 68, 2021, Thm 1). The test of R(t) > max_loss is the
    exact binomial one over groups where every score is 0 or 1 and near-duplicates are few, else a
    bet of fixed stakes on each group's losses (Waudby-Smith & Ramdas, JRSS-B 86, 2024), valid for
    bounded losses at any sample size.

    Args:
        scores: shape (n,). For a guarantee the router must not have seen these rows.
        pair: the scored queries.
        max_loss: in (0, 1), in units of quality.
        confidence: of the promise, in (0, 1).
        basis: where the scores come from; it is said, not used.
        horizon: None: the promise is of the mean over all further queries. m: of the mean over the
            next m, whose own luck is then in it (exact by exchangeability, as in conformal
            prediction; for scores of 0 and 1 only).

    Raises:
        InputError: a horizon is asked for of graded scores or of many near-duplicates.
    """
    sweep = Sweep.of(scores, pair)
    groups = np.unique(pair.groups, return_inverse=True)[1][sweep.order]
    binary = bool(np.isin(np.r_[pair.weak_scores, pair.strong_scores], (0.0, 1.0)).all())
    exact = binary and len(pair) - np.unique(groups).size <= FEW_DUPLICATES * len(pair)
    losses = np.maximum(sweep.strong_scores - sweep.weak_scores, 0.0)
    alpha = 1 - confidence
    if exact:
        most = _most_losses(int(groups.max()) + 1, max_loss, alpha, horizon)
        passed = _lost_groups(losses[::-1], groups[::-1]) <= most
    elif horizon is None:
        passed = _betting_test(losses[::-1], groups[::-1], max_loss, alpha)
    else:
        raise InputError(
            "a loss over the next queries can be promised for scores of 0 and 1 only",
            fix="Leave out the horizon: the mean over all further queries is promised then.",
        )
    # Rows join the weak side from the lowest score up; a threshold stands at a block's end only.
    ends = len(pair) - sweep.starts[::-1]
    certain = int(np.argmin(np.r_[passed[ends - 1], False]))
    point = sweep.starts.size - certain
    points = sweep.whole()
    return Certificate(
        threshold=float(sweep.thresholds[point]),
        max_loss=max_loss,
        confidence=confidence,
        strong_share=float(points.shares[0, point]),
        regret=float(points.regret[0, point]),
        n=len(pair),
        n_groups=int(np.unique(groups).size),
        method="binomial" if exact else "betting",
        basis=basis,
    )


Passed = np.ndarray[tuple[int], np.dtype[np.bool_]]


def _lost_groups(losses: Floats, groups: Ints) -> Ints:
    """How many groups have lost on any of their rows, after each row."""
    before, after = _group_losses(losses, groups)
    lost: Ints = np.cumsum((before <= 0) & (after > 0))
    return lost


def _most_losses(n: int, max_loss: float, alpha: float, horizon: int | None) -> int:
    """The most losses among n trials that reject "the loss is above max_loss"; −1: none do.

    >>> _most_losses(149, 0.02, 0.05, None), _most_losses(148, 0.02, 0.05, None)
    (0, -1)
    """

    def rejects(count: int) -> bool:
        if horizon is None:
            return count < n and beta_cdf(1 - max_loss, n - count, count + 1) <= alpha
        return _few_by_luck(count, n, math.floor(max_loss * horizon) + 1, horizon) <= alpha

    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if rejects(middle) else (low, middle)
    return low


def _few_by_luck(count: int, n: int, too_many: int, horizon: int) -> float:
    """P(at most `count` of count + too_many losses fall among n of n + horizon queries).

    The hypergeometric tail: were the next queries to lose too many, that few among ours is luck.
    """
    losses, kept = count + too_many, n + horizon - count - too_many
    if too_many > horizon:
        return 0.0
    logs = [
        _log_choose(losses, i) + _log_choose(kept, n - i) - _log_choose(n + horizon, n)
        for i in range(max(0, n - kept), count + 1)
    ]
    return math.fsum(math.exp(value) for value in logs)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _betting_test(losses: Floats, groups: Ints, max_loss: float, alpha: float) -> Passed:
    """Whether the wealth of bets against "the mean loss is above max_loss" reaches 1/alpha.

    A group's bet is on max_loss · size − its losses, whose mean is negative where the claim is
    true. The stakes do not depend on the losses, so that the wealth falls with each of them.
    """
    sizes = np.bincount(groups).astype(np.float64)
    variance = float((sizes**2).mean()) * max_loss * (1 - max_loss)
    stake = math.sqrt(2 * math.log(1 / alpha) / (sizes.size * variance))
    most = 0.95 / ((1 - max_loss) * float(sizes.max()))
    before, after = _group_losses(losses, groups)
    wealth = np.full(losses.size, -np.inf)
    for multiple, share in STAKES:
        bet = min(stake * multiple, most)
        start = np.log1p(bet * max_loss * sizes).sum()
        fair = max_loss * sizes[groups]
        change = np.log1p(bet * (fair - after)) - np.log1p(bet * (fair - before))
        wealth = np.logaddexp(wealth, math.log(share) + start + np.cumsum(change))
    passed: Passed = wealth >= math.log(1 / alpha)
    return passed


def _group_losses(losses: Floats, groups: Ints) -> tuple[Floats, Floats]:
    """Sum of the losses of each row's group before the row joined, and after."""
    order = np.argsort(groups, kind="stable")
    running = np.cumsum(losses[order])
    firsts = np.flatnonzero(np.r_[True, np.diff(groups[order]) != 0])
    base = (running - losses[order])[firsts]
    after = np.empty_like(losses)
    after[order] = running - np.repeat(base, np.diff(np.r_[firsts, losses.size]))
    return after - losses, after


def fit_and_certify(
    router_factory: Callable[[], Router],
    pair: Pair,
    max_loss: float,
    *,
    confidence: float = 0.95,
    folds: int = 2,
    seed: int = 0,
) -> tuple[Router, Certificate]:
    """A router fitted on some rows, and a threshold certified on the others: a real guarantee.

    With probability `confidence` over the rows drawn, the router at this threshold loses at most
    `max_loss` in mean on further queries from the same source. It holds for this router only:
    one fitted again, on all rows, is another router.

    Args:
        router_factory: makes an unfitted router.
        pair: the scored queries.
        max_loss: in (0, 1), in units of quality.
        confidence: of the promise.
        folds: one of so many parts is fitted on, the others certify; 2: half and half.
        seed: of the split and the fit.
    """
    split = grouped_folds(pair, folds, seed)[0]
    router = router_factory().fit(pair.rows(split.test), seed=seed)
    rest = pair.rows(split.train)
    scores = router.strong_win_rate(rest.queries)
    return router, certify_threshold(
        scores, rest, max_loss, confidence=confidence, basis="held_out"
    )


def least_certifiable_loss(
    scores: Floats, pair: Pair, *, confidence: float = 0.95, horizon: int | None = None
) -> float:
    """The smallest `max_loss` at which a threshold below "all strong" is certified, to 0.0005."""
    low, high = 0.0, 1.0
    while high - low > 5e-4:
        middle = (low + high) / 2
        saves = certify_threshold(
            scores, pair, middle, confidence=confidence, horizon=horizon
        ).saves
        low, high = (low, middle) if saves else (middle, high)
    return high


def in_words(certificate: Certificate) -> str:
    """The promise, as a sentence for whoever relies on it."""
    loss = f"{100 * certificate.max_loss:g} points of quality"
    rows = f"{certificate.n} queries"
    if certificate.basis == "held_out":
        return (
            f"Proved at {certificate.confidence:.0%} confidence on {rows} the router was not"
            f" fitted on: it loses at most {loss} in the mean on further queries like these."
        )
    return (
        f"Expected at {certificate.confidence:.0%} confidence from {rows}, each scored by one that"
        f" had not seen it: the one fitted on all of them should lose at most {loss} on"
        " further queries like these."
    )

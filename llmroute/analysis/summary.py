"""Frame → Summary: what was counted and measured of each candidate on one task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from llmroute.analysis.intervals import Floats
from llmroute.analysis.judged import Corrected
from llmroute.records import CostBasis, JudgeEvidence, Price

LIST_PRICE_TOKENS = 1000
"""Tokens a request, where nobody counted any: three parts prompt, one part answer."""

MIN_COSTED = 0.98
"""Least share of answers with a known cost for their mean to stand for all."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One candidate on one task, before anything is judged."""

    candidate: str
    n_samples: int
    n_planned: int
    n_answered: int
    n_scored: int
    failures: Mapping[str, int]
    scores: Mapping[str, float]
    """Sample → mean score over its repeats, scored samples only."""
    clusters: Floats
    """Mean score of each cluster, shape (n_clusters,)."""
    cluster_weights: Floats
    """Total weight of each cluster, shape (n_clusters,)."""
    cost_usd_per_1k: float | None
    cost_basis: CostBasis | None
    unpriced_reason: str | None
    costs_usd: tuple[float | None, ...]
    """Mean cost of each of the task's samples, in the task's order."""
    latency_p50_s: float | None
    latency_p95_s: float | None
    input_tokens: float | None
    output_tokens: float | None
    judge: JudgeEvidence | None = None
    """Who judged the scores; None: a metric."""
    corrected: Corrected | None = None
    """The quality as people would find it, where their labels tell."""

    @property
    def coverage(self) -> float:
        """Share of the planned calls that carry a score, in [0, 1]."""
        return self.n_scored / self.n_planned if self.n_planned else 0.0

    @property
    def quality(self) -> float | None:
        """Mean score, corrected where labels correct it, or None where nothing was scored."""
        return self.scored_quality if self.corrected is None else self.corrected.value

    @property
    def scored_quality(self) -> float | None:
        """Weighted mean of the scores as they are."""
        if not self.clusters.size:
            return None
        return float(np.average(self.clusters, weights=self.cluster_weights))


@dataclass(frozen=True, slots=True)
class _Cost:
    usd_per_1k: float | None
    basis: CostBasis | None
    reason: str | None


def summarise_task(
    rows: pd.DataFrame, candidates: tuple[str, ...], prices: Mapping[str, Price]
) -> tuple[Summary, ...]:
    """One summary a candidate, over the samples that any candidate was asked.

    Args:
        rows: the frame's rows of one task.
        candidates: who is compared, in order; one without a row was not asked at all.
        prices: candidate → price; what is missing is not priced.
    """
    samples = pd.Index(rows["sample_id"].unique())
    n_planned = len(rows[["sample_id", "repeat"]].drop_duplicates())
    tokens = _tokens_a_request(rows)
    by_candidate = dict(iter(rows.groupby("candidate", sort=False)))
    nothing = rows.iloc[:0]
    return tuple(
        _summarise(
            name, by_candidate.get(name, nothing), samples, n_planned, prices.get(name), tokens
        )
        for name in candidates
    )


def _summarise(
    name: str,
    rows: pd.DataFrame,
    samples: pd.Index,
    n_planned: int,
    price: Price | None,
    tokens: float,
) -> Summary:
    answered = rows[rows["answered"]]
    scored = rows[rows["score"].notna()]
    clusters = _cluster_means(scored)
    cost = _cost(answered, price, tokens)
    return Summary(
        candidate=name,
        n_samples=len(samples),
        n_planned=n_planned,
        n_answered=len(answered),
        n_scored=len(scored),
        failures=_failures(rows, n_planned),
        scores={str(k): float(v) for k, v in scored.groupby("sample_id")["score"].mean().items()},
        clusters=clusters["score"].to_numpy(),
        cluster_weights=clusters["weight"].to_numpy(),
        cost_usd_per_1k=cost.usd_per_1k,
        cost_basis=cost.basis,
        unpriced_reason=cost.reason,
        costs_usd=_costs_a_sample(answered, samples, cost),
        latency_p50_s=_quantile(answered["latency_s"], 0.50),
        latency_p95_s=_quantile(answered["latency_s"], 0.95),
        input_tokens=_mean(answered["input_tokens"]),
        output_tokens=_mean(answered["output_tokens"]),
    )


def _cluster_means(scored: pd.DataFrame) -> pd.DataFrame:
    """Repeats and groups are clusters: averaged, so that they are not counted as new evidence."""
    samples = scored.groupby(["cluster", "sample_id"], sort=True).agg(
        score=("score", "mean"), weight=("weight", "first")
    )
    weighted = pd.DataFrame(
        {"total": samples["score"] * samples["weight"], "weight": samples["weight"]}
    )
    clusters = weighted.groupby(level="cluster").sum()
    return pd.DataFrame(
        {"score": (clusters["total"] / clusters["weight"]).clip(0, 1), "weight": clusters["weight"]}
    )


def _failures(rows: pd.DataFrame, n_planned: int) -> dict[str, int]:
    without = rows[rows["score"].isna()]
    reasons = without["reason"].fillna("not_scored")
    counts = dict(sorted(Counter(str(reason).partition(":")[0] for reason in reasons).items()))
    if n_planned > len(rows):
        counts["not_asked"] = n_planned - len(rows)
    return counts


# -- cost -----------------------------------------------------------------------------------------


def _cost(answered: pd.DataFrame, price: Price | None, tokens: float) -> _Cost:
    """Recorded cost, else counted tokens × price, else list price; never a guess of zero."""
    known = answered[answered["cost_usd"].notna()]
    if len(known) and len(known) >= MIN_COSTED * len(answered):
        basis: CostBasis = "recorded" if bool(known["recorded"].all()) else "measured"
        mean = float(np.average(known["cost_usd"], weights=known["weight"]))
        return _Cost(without_noise(1000 * mean), basis, None)
    listed = _list_price_usd_per_1k(price, tokens)
    if listed is not None:
        return _Cost(listed, "list_price", None)
    if len(known):
        reason = f"only {len(known)} of {len(answered)} answers have a known cost"
    elif price is None:
        reason = "no price is known for it"
    else:
        reason = "it has a price, but its answers lack the counts to apply it"
    return _Cost(None, None, reason)


def without_noise(usd: float) -> float:
    """A mean cost to twelve digits: equal prices are equal, however many answers they are of.

    >>> without_noise(sum([0.01] * 12) / 12) == without_noise(sum([0.01] * 9) / 9)
    True
    """
    return float(f"{usd:.12g}")


def _list_price_usd_per_1k(price: Price | None, tokens: float) -> float | None:
    if price is None or price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
        return None
    blended = (3 * price.input_usd_per_mtok + price.output_usd_per_mtok) / 4
    return blended * tokens / 1000


def _tokens_a_request(rows: pd.DataFrame) -> float:
    """Mean prompt + answer tokens over the task: list prices must stand beside measured costs."""
    total = (rows["input_tokens"] + rows["output_tokens"]).mean()
    return float(total) if pd.notna(total) else float(LIST_PRICE_TOKENS)


def _costs_a_sample(
    answered: pd.DataFrame, samples: pd.Index, cost: _Cost
) -> tuple[float | None, ...]:
    if cost.usd_per_1k is None:
        return (None,) * len(samples)
    if cost.basis == "list_price":
        return (cost.usd_per_1k / 1000,) * len(samples)
    means = answered.groupby("sample_id")["cost_usd"].mean().reindex(samples)
    return tuple(None if pd.isna(value) else float(value) for value in means)


def _quantile(column: pd.Series[float], share: float) -> float | None:
    known = column.dropna()
    return float(known.quantile(share)) if len(known) else None


def _mean(column: pd.Series[float]) -> float | None:
    mean = column.mean()
    return float(mean) if pd.notna(mean) else None

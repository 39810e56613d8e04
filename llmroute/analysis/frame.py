"""Outcomes → the tidy frame, one row a call; the only place that names its columns.

| column | holds |
|---|---|
| task, sample_id, candidate, repeat | which call |
| cluster | the sample, or the group it belongs to |
| weight | the sample's |
| answered, score, reason | what came of it; score is NaN where there is none |
| cost_usd, recorded | its cost and whether it was recorded rather than worked out; NaN if unknown |
| input_tokens, output_tokens, latency_s | NaN where not counted |
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from llmroute.records import Outcome, Outcomes, Price


def build_frame(outcomes: Outcomes, prices: Mapping[str, Price]) -> pd.DataFrame:
    """One row a call; a candidate's calls that nobody made are simply not there."""
    return pd.DataFrame(
        [_row(outcome, prices.get(outcome.candidate)) for outcome in outcomes.rows],
        columns=list(_DTYPES),
    ).astype(_DTYPES)


_DTYPES: dict[str, str] = {
    "task": "object",
    "sample_id": "object",
    "candidate": "object",
    "repeat": "int64",
    "cluster": "object",
    "weight": "float64",
    "answered": "bool",
    "score": "float64",
    "reason": "object",
    "cost_usd": "float64",
    "recorded": "bool",
    "input_tokens": "float64",
    "output_tokens": "float64",
    "latency_s": "float64",
}


def _row(outcome: Outcome, price: Price | None) -> tuple[object, ...]:
    return (
        outcome.task,
        outcome.sample_id,
        outcome.candidate,
        outcome.repeat,
        outcome.cluster,
        outcome.weight,
        outcome.answered,
        outcome.score,
        outcome.reason,
        outcome.cost_usd(price),
        outcome.recorded_cost_usd is not None,
        outcome.usage.input_tokens,
        outcome.usage.output_tokens,
        outcome.latency_s,
    )

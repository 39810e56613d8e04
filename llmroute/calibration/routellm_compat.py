"""RouteLLM's own arithmetic, traps and all, so that figures can stand beside its tables.

Restated from `routellm/evals/{benchmarks,evaluate}.py` (lm-sys/RouteLLM, Apache-2.0), which the
tables of arXiv 2406.18665 v4 come from. Where it departs from the exact figures:

- the curve is eleven points, at the edges of ten quantile bins of the scores, `>=` at each edge
  but the last, which is `>`;
- tied edges (a router with few score levels) make its `qcut` raise: `None` here;
- CPT is `np.interp` over accuracy, which must rise for the answer to mean anything and is not
  checked; where the curve is not monotone, the figure is whatever the bisection lands on;
- APGR divides trapezoids over the shares that were reached, and its oracle never spends a call
  where the weak model is right, so that it passes 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmroute.calibration.pair import Floats, Pair
from llmroute.calibration.split import checked_scores


@dataclass(frozen=True, slots=True)
class CompatFigures:
    """What RouteLLM's evaluation prints; shares in [0, 1] where it prints percent."""

    cpt20: float
    cpt50: float
    cpt80: float
    apgr: float


def routellm_figures(scores: Floats, pair: Pair, bins: int = 10) -> CompatFigures | None:
    """CPT and APGR as RouteLLM computes them, or None where its quantile edges tie."""
    values = checked_scores(scores, pair)
    edges = np.quantile(values, np.linspace(0.0, 1.0, bins + 1))
    if bool((np.diff(edges) <= 0).any()):
        return None
    chosen = [values >= edge for edge in edges[:-1]] + [values > edges[-1]]
    shares = np.array([strong.mean() for strong in chosen])
    quality = np.array(
        [np.where(strong, pair.strong_scores, pair.weak_scores).mean() for strong in chosen]
    )
    return _figures(shares[::-1], quality[::-1], pair)


def routellm_oracle(pair: Pair, bins: int = 10) -> CompatFigures:
    """RouteLLM's `get_optimal_accuracy` at equally spaced shares, put through the same figures."""
    gains = np.maximum(np.sort(pair.gaps)[::-1], 0.0)
    shares = np.linspace(0.0, 1.0, bins + 1)
    cumulated = np.r_[0.0, np.cumsum(gains)]
    gained = np.interp(shares * len(pair), np.arange(len(pair) + 1), cumulated)
    return _figures(shares, float(pair.weak_scores.mean()) + gained / len(pair), pair)


def _figures(shares: Floats, quality: Floats, pair: Pair) -> CompatFigures:
    weak, strong = float(pair.weak_scores.mean()), float(pair.strong_scores.mean())
    cpt20, cpt50, cpt80 = (
        float(np.interp(weak + x * (strong - weak), quality, shares)) for x in (0.2, 0.5, 0.8)
    )
    area, width = _trapezoid(quality, shares), float(shares[-1] - shares[0])
    return CompatFigures(cpt20, cpt50, cpt80, (area - weak * width) / ((strong - weak) * width))


def _trapezoid(y: Floats, x: Floats) -> float:
    return float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum())

"""Calibration → the map of decisions: prompts in two dimensions, and where each was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmroute.embeddings.hashed import HashedEmbedder
from llmroute.report.attributes import OutcomeKind
from llmroute.report.calibration.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from llmroute.report.calibration.words import score_text

if TYPE_CHECKING:
    from llmroute.calibrating import Calibration
    from llmroute.calibration.pair import Floats

MAP_PROMPTS = 1_500
MAP_DIMENSIONS = 256


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One prompt on the map of decisions."""

    x: float
    y: float
    strong: bool
    """Where it was sent."""
    outcome: OutcomeKind
    """The strong model beside the weak one."""
    tip: str


@dataclass(frozen=True, slots=True)
class DecisionMap:
    """Prompts in two dimensions, and where they were sent."""

    title: str
    description: str
    points: tuple[MapPoint, ...]
    width: float = WIDTH
    height: float = HEIGHT - BOTTOM + TOP


def decision_map(calibration: Calibration) -> DecisionMap | None:
    """Prompts in two dimensions, near where they share spellings; none without a threshold.

    The two leading principal components of hashed character and word n-grams.
    """
    point, pair = calibration.point, calibration.pair
    if point is None:
        return None
    rows = _some(len(pair), calibration.wish.seed)
    places = _components([pair.queries[row].text for row in rows])
    strong = calibration.scores >= point.threshold
    points = tuple(
        MapPoint(
            x=round(LEFT + float(x) * (WIDTH - LEFT - RIGHT), 1),
            y=round(TOP + float(y) * (HEIGHT - BOTTOM - TOP), 1),
            strong=bool(strong[row]),
            outcome=_outcome(float(pair.gaps[row])),
            tip=f"{pair.ids[row]}: {score_text(calibration, row)}",
        )
        for row, (x, y) in zip(rows, places, strict=True)
    )
    return DecisionMap(
        "Where prompts were sent",
        f"{len(points):,} prompts in two dimensions, near where they share spellings.",
        points,
    )


def _some(n: int, seed: int) -> list[int]:
    if n <= MAP_PROMPTS:
        return list(range(n))
    return sorted(np.random.default_rng(seed).choice(n, MAP_PROMPTS, replace=False).tolist())


def _components(texts: Sequence[str]) -> Floats:
    """Shape (n, 2), each column spread over [0, 1] but for its outermost hundredths."""
    vectors = HashedEmbedder(MAP_DIMENSIONS).embed(texts).astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # eigenvectors have no sign
    places = centred @ axes
    low, high = np.quantile(places, [0.01, 0.99], axis=0)
    spread: Floats = np.clip((places - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
    return spread


def _outcome(gap: float) -> OutcomeKind:
    return "better" if gap > 0 else "worse" if gap < 0 else "same"

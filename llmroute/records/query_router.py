"""The calibrated policies between a weak and a strong model, as a map names them."""

from __future__ import annotations

from dataclasses import dataclass

from llmroute.records.interval import Interval


@dataclass(frozen=True, slots=True)
class QueryRouter:
    """A calibrated router: which queries the strong model answers, and which the weak one."""

    router: str
    """The plugin's name."""
    artefact: str
    """File name of the saved router, beside the map."""
    sha256: str
    """Of that file."""
    weak: str
    strong: str
    routing_threshold: float
    """`strong_win_rate >= routing_threshold` sends a query to the strong model."""
    strong_share: Interval
    """Out-of-fold, as `apgr` is; in [0, 1]."""
    apgr: Interval
    embedding: str | None = None
    task: str | None = None
    """None: queries of every task."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """A calibrated cascade: weak answers first, and which of them the strong model answers again.

    Beside a query router, it looks at the answers to what that one sends to the weak model.
    """

    escalator: str
    """The plugin's name."""
    artefact: str
    """File name of the saved cascade, beside the map."""
    sha256: str
    """Of that file."""
    weak: str
    strong: str
    routing_threshold: float
    """`escalation_score >= routing_threshold` asks the strong model too."""
    strong_share: Interval
    """Of all queries, those that the strong model answers; out-of-fold, as all here."""
    apgr: Interval
    saving: Interval | None = None
    """1 − cost / cost of the strong model alone, both calls counted; None: not known."""
    task: str | None = None
    """None: queries of every task."""

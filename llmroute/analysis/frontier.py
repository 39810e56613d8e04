"""Which candidates no other beats on both cost and quality."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_frontier(points: Sequence[tuple[float, float] | None]) -> tuple[bool, ...]:
    """For each (cost, quality), whether no other is as cheap and as good, and better in one.

    None stands for a point that lacks a cost or a quality; it is on no frontier.

    >>> pareto_frontier([(1.0, 0.5), (2.0, 0.9), (3.0, 0.8), None])
    (True, True, False, False)
    """
    known = [point for point in points if point is not None]
    return tuple(
        point is not None and not any(_beats(other, point) for other in known) for point in points
    )


def _beats(other: tuple[float, float], point: tuple[float, float]) -> bool:
    return other[0] <= point[0] and other[1] >= point[1] and other != point

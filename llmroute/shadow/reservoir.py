"""A stream of any length → so many of its items, each kept with the same probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(slots=True)
class Reservoir(Generic[T]):
    """Vitter's algorithm R (ACM Transactions on Mathematical Software 11, 1985).

    >>> kept = Reservoir(3, np.random.default_rng(0))
    >>> for number in range(1000): kept.offer(lambda number=number: number)
    >>> len(kept.items), kept.n_seen
    (3, 1000)
    """

    size: int
    rng: np.random.Generator
    n_seen: int = 0
    items: list[T] = field(default_factory=list)

    def offer(self, make: Callable[[], T]) -> None:
        """One item, which is made only if it is kept."""
        self.n_seen += 1
        if len(self.items) < self.size:
            self.items.append(make())
        elif self.size and (at := int(self.rng.integers(self.n_seen))) < self.size:
            self.items[at] = make()

"""`random`: a share of all queries, whatever they say. The control every router must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Self

import numpy as np

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.routers.scale import learnable_gaps


@dataclass
class Random:
    """A uniform number in [0, 1) from the text and the seed: equal texts share their fate."""

    name: ClassVar[str] = "random"

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:
        """Keep the seed."""
        learnable_gaps(pair)
        self.seed_ = seed
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1)."""
        return np.array([self._draw(query.text) for query in queries], np.float64)

    def _draw(self, text: str) -> float:
        raw = sha256(f"{self.seed_}\0{text}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(raw[:6], "big") / 2**48

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The seed."""
        return {"seed": self.seed_}, {}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:  # noqa: ARG003
        """The router that `state` was taken from."""
        router = cls()
        router.seed_ = int(values["seed"])
        return router

"""`length`: the longer the prompt, the stronger the model. A control, and often a good one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from llmroute.calibration.pair import Floats, Pair, Query
from llmroute.routers.scale import learnable_gaps


@dataclass
class Length:
    """chars / (chars + the training prompts' median): 0.5 at the median. No score is looked at."""

    name: ClassVar[str] = "length"

    def fit(self, pair: Pair, *, seed: int = 0) -> Self:  # noqa: ARG002
        """Learn the median length."""
        learnable_gaps(pair)
        self.median_ = float(max(1.0, np.median([len(query.text) for query in pair.queries])))
        return self

    def strong_win_rate(self, queries: Sequence[Query]) -> Floats:
        """Shape (n,), in [0, 1)."""
        chars = np.array([len(query.text) for query in queries], np.float64)
        rates: Floats = chars / (chars + self.median_)
        return rates

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The median."""
        return {"median": self.median_}, {}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, Any]) -> Self:  # noqa: ARG003
        """The router that `state` was taken from."""
        router = cls()
        router.median_ = max(1.0, float(values["median"]))
        return router

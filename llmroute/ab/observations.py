"""Requests of an experiment, one after the other → arrays by arm and key."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Metric = Literal["quality", "failure", "cost_usd", "latency_s"]
METRICS: tuple[Metric, ...] = ("quality", "failure", "cost_usd", "latency_s")
"""`failure` is 1 for a request without an answer, else 0."""

BEFORE = -1
"""The arm of a request from before the experiment."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What was observed in one arm, a row a request; keys are numbered over both arms."""

    name: str
    keys: Ints
    values: Mapping[Metric, Floats]
    """NaN where the request has no such value."""

    @property
    def n_keys(self) -> int:
        """Distinct keys."""
        return int(np.unique(self.keys).size)


@dataclass(frozen=True, slots=True)
class Observations:
    """Two arms, what their keys did before, and what was left out."""

    control: Arm
    treatment: Arm
    before: Arm
    mixed_keys: int
    """Keys that were seen in both arms; their requests are in neither."""


@dataclass(slots=True)
class Collector:
    """Takes requests in, some bytes each, and hands them on by arm."""

    control: str
    treatment: str
    _numbers: dict[str, int] = field(default_factory=dict)
    _arms: array[int] = field(default_factory=lambda: array("b"))
    _keys: array[int] = field(default_factory=lambda: array("q"))
    _values: dict[Metric, array[float]] = field(
        default_factory=lambda: {metric: array("d") for metric in METRICS}
    )

    def add(self, arm: str | None, key: str | None, values: Mapping[Metric, float | None]) -> None:
        """One request.

        Args:
            arm: one of the two names; None: from before the experiment.
            key: whom it belongs to; None: to nobody else, a key of its own.
            values: what is known of it.
        """
        number = len(self._arms) if key is None else self._numbers.setdefault(key, len(self._arms))
        self._keys.append(number)
        self._arms.append(BEFORE if arm is None else (self.control, self.treatment).index(arm))
        for metric, column in self._values.items():
            value = values.get(metric)
            column.append(float("nan") if value is None else value)

    def observations(self) -> Observations:
        """Everything taken in, but for the keys that are in both arms."""
        arms = np.frombuffer(self._arms, dtype=np.int8)
        keys = np.frombuffer(self._keys, dtype=np.int64)
        mixed = np.intersect1d(keys[arms == 0], keys[arms == 1])
        stays = ~np.isin(keys, mixed)
        names = ((0, self.control), (1, self.treatment), (BEFORE, "before"))
        control, treatment, before = (
            self._arm(name, (arms == arm) & stays, keys) for arm, name in names
        )
        return Observations(control, treatment, before, int(mixed.size))

    def _arm(self, name: str, rows: NDArray[np.bool_], keys: Ints) -> Arm:
        values = {
            metric: np.frombuffer(column, dtype=np.float64)[rows]
            for metric, column in self._values.items()
        }
        return Arm(name, keys[rows], values)

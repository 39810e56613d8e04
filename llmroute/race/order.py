"""Samples → the random order in which all candidates are asked, and where one looks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmroute.records import Sample


@dataclass(frozen=True, slots=True)
class Unit:
    """What is drawn at random as one: a sample, or all samples of a group."""

    key: str
    samples: tuple[Sample, ...]

    @property
    def weight(self) -> float:
        """Total weight of its samples."""
        return sum(sample.weight for sample in self.samples)


def random_order(samples: Sequence[Sample], task: str, seed: int) -> tuple[Unit, ...]:
    """The suite's units in the order in which they are asked, the same for every candidate.

    Depends on the seed, the task and the samples' ids, and not on their order in the file.
    """
    groups: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.id):
        key = sample.id if sample.group is None else f"group {sample.group}"
        groups.setdefault(key, []).append(sample)
    keys = sorted(groups)
    stream = int.from_bytes(hashlib.sha256(task.encode()).digest()[:8], "big")
    order = np.random.default_rng([seed, stream]).permutation(len(keys))
    return tuple(Unit(keys[i], tuple(groups[keys[i]])) for i in order)


def looks_of(units: Sequence[Unit], batch: int) -> tuple[int, ...]:
    """Numbers of units after which is looked: whenever `batch` more samples are complete."""
    looks, waiting = [], 0
    for index, unit in enumerate(units, start=1):
        waiting += len(unit.samples)
        if waiting >= batch or index == len(units):
            looks.append(index)
            waiting = 0
    return tuple(looks)

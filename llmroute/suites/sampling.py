"""Suite → a seeded part of it, with every difficulty in its share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

    from llmroute.records import Sample, Suite


def limit_samples(suite: Suite, n: int, rng: np.random.Generator) -> Suite:
    """The suite with at most `n` samples, all difficulties in their shares (±1).

    The samples keep their order. One seed draws the same samples however the file is ordered, and
    the draw of a smaller `n` is part of the draw of a larger one, so a longer run builds on a
    shorter one.

    Raises:
        ConfigError: `n` is less than 1.
    """
    if n < 1:
        raise ConfigError(
            f"a limit of {n} samples leaves nothing to ask", fix="Give a limit of 1 or more."
        )
    ordered = sorted(suite.samples, key=lambda sample: sample.id)
    rank_of = {
        sample.id: int(rank)
        for sample, rank in zip(ordered, rng.permutation(len(ordered)), strict=True)
    }
    if n >= len(suite.samples):
        return suite
    kept = set(_queue(suite.samples, rank_of)[:n])
    return replace(suite, samples=tuple(s for s in suite.samples if s.id in kept))


def _queue(samples: tuple[Sample, ...], rank_of: dict[str, int]) -> list[str]:
    """All ids in the order in which they are drawn: each difficulty spread evenly along it."""
    strata: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        strata[sample.difficulty or ""].append(sample.id)
    places = []
    for difficulty, ids in strata.items():
        ids.sort(key=rank_of.__getitem__)
        places += [((i + 0.5) / len(ids), difficulty, id_) for i, id_ in enumerate(ids)]
    return [id_ for _, _, id_ in sorted(places)]

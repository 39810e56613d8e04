"""Seeded parts of a suite."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.errors import ConfigError
from llmroute.records import Sample, Suite
from llmroute.suites.sampling import limit_samples


def suite_of(**sizes: int) -> Suite:
    samples = (
        Sample(f"{difficulty}-{i}", "x", difficulty=difficulty)
        for difficulty, size in sizes.items()
        for i in range(size)
    )
    return Suite("s", "s", tuple(samples))


def drawn(suite: Suite, n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [sample.id for sample in limit_samples(suite, n, rng).samples]


def test_difficulties_keep_their_shares() -> None:
    ids = drawn(suite_of(easy=40, medium=40, hard=20), 10)
    assert Counter(id_.split("-")[0] for id_ in ids) == {"easy": 4, "medium": 4, "hard": 2}


@given(st.tuples(*[st.integers(0, 30)] * 3), st.integers(1, 90), st.integers(0, 5))
def test_every_difficulty_is_within_one_of_its_share(
    sizes: tuple[int, int, int], n: int, seed: int
) -> None:
    suite = suite_of(easy=sizes[0], medium=sizes[1], hard=sizes[2])
    counts = Counter(id_.split("-")[0] for id_ in drawn(suite, n, seed))
    total = sum(sizes)
    for difficulty, size in zip(("easy", "medium", "hard"), sizes, strict=True):
        share = min(n, total) * size / total if total else 0
        assert abs(counts[difficulty] - share) <= 1.5


def test_the_order_of_the_file_is_kept() -> None:
    suite = suite_of(easy=30, hard=30)
    ids = [sample.id for sample in suite.samples]
    assert drawn(suite, 20) == sorted(drawn(suite, 20), key=ids.index)


def test_a_smaller_draw_is_part_of_a_larger_one() -> None:
    suite = suite_of(easy=25, medium=13, hard=7)
    for n in range(1, 45):
        assert set(drawn(suite, n)) < set(drawn(suite, n + 1))


def test_the_order_of_the_file_does_not_change_the_draw() -> None:
    suite = suite_of(easy=25, hard=25)
    turned = replace(suite, samples=suite.samples[::-1])
    assert set(drawn(suite, 10)) == set(drawn(turned, 10))


def test_the_seed_decides_the_draw() -> None:
    suite = suite_of(easy=100)
    assert drawn(suite, 10, seed=1) == drawn(suite, 10, seed=1)
    assert drawn(suite, 10, seed=1) != drawn(suite, 10, seed=2)


def test_a_limit_above_the_size_leaves_the_suite_as_it_is() -> None:
    suite = suite_of(easy=3)
    assert limit_samples(suite, 3, np.random.default_rng(0)) is suite


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves nothing to ask"):
        limit_samples(suite_of(easy=3), 0, np.random.default_rng(0))

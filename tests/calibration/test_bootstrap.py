from __future__ import annotations

import numpy as np
import pytest

from llmroute.calibration import bootstrap as module
from llmroute.calibration.bootstrap import bootstrap, interval, intervals, resample_counts


def counts_of(groups, **options) -> np.ndarray:
    return np.concatenate(list(resample_counts(np.array(groups), **options)))


def test_groups_are_drawn_whole():
    counts = counts_of([7, 3, 7, 3, 5], resamples=50)
    assert (counts[:, 0] == counts[:, 2]).all()
    assert (counts[:, 1] == counts[:, 3]).all()
    assert (counts[:, [0, 1, 4]].sum(axis=1) == 3).all()


def test_the_same_seed_gives_the_same_resamples():
    assert (counts_of([0, 1, 2], resamples=20) == counts_of([0, 1, 2], resamples=20)).all()
    assert (counts_of([0, 1, 2], resamples=20) != counts_of([0, 1, 2], resamples=20, seed=1)).any()


def test_every_resample_is_drawn_however_they_are_chunked(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_CELLS", 10)
    assert counts_of([0, 1, 2, 3], resamples=7).shape == (7, 4)


def test_the_draws_spread_like_the_mean_does():
    values = np.arange(100.0)
    draws = bootstrap(
        lambda counts: (counts @ values / 100)[:, None], np.arange(100), resamples=2000
    )
    assert draws.mean() == pytest.approx(49.5, abs=0.3)
    assert draws.std() == pytest.approx(values.std() / 10, rel=0.06)


def test_an_interval_leaves_out_what_is_not_defined():
    draws = np.r_[np.full(50, np.nan), np.linspace(0, 1, 101)]
    found = interval(0.5, draws, 0.9)
    assert (found.value, found.low, found.high) == (0.5, pytest.approx(0.05), pytest.approx(0.95))


def test_an_interval_always_holds_its_estimate():
    found = interval(2.0, np.linspace(0, 1, 101))
    assert found.high == 2.0


def test_intervals_come_figure_by_figure():
    low, high = intervals(
        lambda counts: np.stack([counts.min(axis=1), counts.max(axis=1)], axis=1),
        np.arange(5),
        resamples=50,
    )
    assert (low.value, high.value) == (1.0, 1.0)
    assert low.low == 0.0
    assert high.high >= 2.0

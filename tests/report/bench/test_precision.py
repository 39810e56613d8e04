"""How much undecided candidates can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from llmroute.records import Interval, QualityRule
from llmroute.report.bench.precision import least_visible, view_precision

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmroute.records import Cell, Comparison, Outcomes, RoutingMap

    Run = tuple[Comparison, RoutingMap, Outcomes]


@pytest.fixture
def undecided(cell: Cell) -> Cell:
    """Mean 0.86 beside the bar 0.85, at worst 0.10 below the mean, on 50 samples."""
    return replace(cell, verdict="undecided", quality=0.86, quality_low=0.76, samples_needed=89)


def comparison_of(run_of: Callable[..., Run], *cells: Cell) -> Comparison:
    return run_of(list(cells), reference=cells[-1].candidate)[0]


def test_widths_shrink_with_the_root_of_the_samples(
    run_of: Callable[..., Run], undecided: Cell
) -> None:
    (view,) = view_precision(comparison_of(run_of, undecided))
    assert (view.now.n_samples, view.now.text, view.above) == (50, "0.10", "0.01")
    assert [width.n_samples for width in view.more] == [100, 150, 100]
    assert view.more[0].width == pytest.approx(0.1 / 2**0.5)
    assert view.more[1].width == pytest.approx(0.1 / 3**0.5)
    # The margin is 0.05: at 150 samples the bound is 0.058 below the mean, which 0.06 allows.
    assert [width.settles for width in view.more] == [False, True, False]


def test_only_undecided_cells_with_a_bound_are_listed_the_widest_first(
    run_of: Callable[..., Run], cell: Cell, undecided: Cell
) -> None:
    cells = [
        undecided,
        replace(undecided, candidate="wide", quality_low=0.6),
        replace(undecided, candidate="mute", quality=None, quality_low=None, n_scored=0),
        replace(cell, candidate="clear"),
    ]
    views = view_precision(comparison_of(run_of, *cells))
    assert [view.candidate for view in views] == ["wide", "small"]


def test_a_relative_bar_takes_the_width_of_the_paired_difference(
    run_of: Callable[..., Run], undecided: Cell
) -> None:
    paired = replace(undecided, difference=Interval(0.01, -0.03, 0.05))
    (view,) = view_precision(comparison_of(run_of, paired))
    assert view.now.width == pytest.approx(0.04)


def test_proof_needs_a_wider_interval_and_has_no_margin(
    run_of: Callable[..., Run], undecided: Cell
) -> None:
    others = [replace(undecided, candidate=f"c{i}") for i in range(9)]
    comparison = comparison_of(run_of, undecided, *others)
    proven = replace(comparison, rule=QualityRule(evidence="proven"))
    stretch = stats.norm.ppf(0.995) / stats.norm.ppf(0.95)
    view = view_precision(proven)[0]
    assert view.now.width == pytest.approx(0.1 * stretch)
    assert not any(width.settles for width in view.more)


@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_a_candidate_so_far_above_the_bar_is_found_four_times_in_five(margin: float) -> None:
    rng = np.random.default_rng(4)
    n, spread, bar = 400, 0.3, 0.6
    width = stats.norm.ppf(0.95) * spread / n**0.5
    truth = bar + least_visible(width, 0.95, margin)
    means = rng.normal(truth, spread / n**0.5, 20_000)
    found = (means >= bar) & (means - width >= bar - margin)
    assert found.mean() == pytest.approx(0.8, abs=0.01)  # its standard error is 0.003

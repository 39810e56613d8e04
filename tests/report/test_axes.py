from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llmroute.report.axes import LinearAxis, LogAxis, round_values, usd_tick
from llmroute.report.labels import PHONE, Label, overlap

prices = st.floats(1e-9, 1e6)


@given(st.lists(prices, min_size=1, max_size=20))
def test_prices_stand_in_their_order_inside_a_log_axis(values: list[float]) -> None:
    axis = LogAxis.around(values, start=40, end=508)
    places = [axis.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert 40 < places[0] <= places[-1] < 508


@given(st.lists(prices, min_size=1, max_size=20))
def test_a_log_axis_has_ticks_whose_labels_keep_apart(values: list[float]) -> None:
    ticks = LogAxis.around(values, start=40, end=508).ticks(usd_tick, 0, 520)
    boxes = [Label(tick.at, 0, "middle", tick.label).box(PHONE) for tick in ticks]
    assert len(ticks) >= 1
    assert not any(overlap(one, other) for one, other in pairwise(boxes))


def test_a_log_axis_writes_what_its_width_has_room_for() -> None:
    def labels(low: float, high: float) -> list[str]:
        axis = LogAxis(low, high, start=0, end=400)
        return [tick.label for tick in axis.ticks(usd_tick, -50, 450)]

    assert labels(-1, 1) == ["$0.1", "$0.2", "$0.5", "$1", "$2", "$5", "$10"]
    assert labels(-2.2, 1) == ["$0.01", "$0.03", "$0.1", "$0.3", "$1", "$3", "$10"]
    assert labels(-3, 3) == ["$0.001", "$0.01", "$0.1", "$1", "$10", "$100", "$1,000"]
    assert labels(-6, 6) == ["$0.000001", "$0.001", "$1", "$1,000", "$1,000,000"]


def test_without_a_price_a_log_axis_stands_all_the_same() -> None:
    assert LogAxis.around([], start=0, end=100).place(0.1) == 50.0


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_round_values_are_even_and_inside(low: float, span: float, count: int) -> None:
    high = low + span
    assume(high - low > 1e-9 * max(abs(low), abs(high)))
    values = round_values(low, high, count)
    slack = 1e-6 * span + 1e-11
    assert all(low - slack <= value <= high + slack for value in values)
    assert count / 2 - 1 <= len(values) <= count + 2
    steps = [b - a for a, b in pairwise(values)]
    assert all(step == pytest.approx(steps[0], rel=1e-3, abs=1e-9) for step in steps)


def test_values_beyond_a_linear_axis_stand_at_its_ends_and_all_of_one_in_the_middle() -> None:
    axis = LinearAxis(0.5, 1.0, start=200, end=0)
    assert [axis.place(value) for value in (0.2, 0.5, 0.6, 1.0, 1.1)] == [200, 200, 160, 0, 0]
    assert LinearAxis(1.0, 1.0, start=0, end=10).place(1.0) == 5

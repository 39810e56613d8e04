from __future__ import annotations

import pytest

from llmroute.recogniser.corpus import NO_TASK, Form, Known
from llmroute.recogniser.costs import MistakeCosts
from llmroute.recogniser.evaluate import (
    Judged,
    choose_threshold,
    find_confusions,
    judge,
    summarise,
    summarise_strangers,
)
from llmroute.recogniser.recognise import Recognition
from llmroute.recogniser.request import Request
from llmroute.recogniser.trials import Trial
from llmroute.records import RoutingMap


def trial(
    task: str,
    taken_for: str,
    similarity: float | None,
    *,
    fold: int = 0,
    in_scope: bool = True,
    form: Form = "bare",
) -> Trial:
    """A request taken for a task by likeness, or by rule where there is no similarity."""
    known = Known(task, f"{task}-{similarity}", {form: Request("x")})
    layer = "rule" if similarity is None else "semantic"
    found = Recognition(
        taken_for, layer, "", similarities={} if similarity is None else {taken_for: similarity}
    )
    return Trial(known, form, fold, in_scope, found)


@pytest.fixture
def costs(routing_map: RoutingMap) -> MistakeCosts:
    """Sums taken for refunds or poems lose 0.65; nothing else loses anything."""
    return MistakeCosts(routing_map)


def test_a_threshold_lies_between_the_right_and_the_costly(costs: MistakeCosts) -> None:
    right = [trial("refunds", "refunds", 0.6 + 0.01 * i) for i in range(20)]
    costly = [trial("sums", "refunds", 0.3 + 0.01 * i) for i in range(20)]
    threshold = choose_threshold([*right, *costly], costs, max_loss=0.0025)
    assert 0.49 < threshold <= 0.6


def test_a_costly_mistake_is_worth_unknowns_and_a_harmless_one_is_not(costs: MistakeCosts) -> None:
    right = [trial("refunds", "refunds", 0.4 + 0.02 * i) for i in range(20)]
    costly = [trial("sums", "refunds", 0.59)]
    harmless = [trial("refunds", "poems", 0.59)]
    assert choose_threshold([*right, *costly], costs, max_loss=0.0) > 0.59
    assert choose_threshold([*right, *harmless], costs, max_loss=0.0) <= 0.4


def test_a_loss_the_maps_rule_tolerates_buys_no_unknowns(costs: MistakeCosts) -> None:
    right = [trial("refunds", "refunds", 0.4 + 0.002 * i) for i in range(200)]
    sums = [trial("sums", "sums", 0.9) for _ in range(199)]
    costly = [trial("sums", "refunds", 0.59)]
    # One of 200 sums loses 0.65: 0.001625 in the mean of both tasks, times 0.9, is 0.0015.
    assert choose_threshold([*right, *sums, *costly], costs, max_loss=0.0016) <= 0.4
    assert choose_threshold([*right, *sums, *costly], costs, max_loss=0.0013) > 0.59


def test_rules_are_bound_by_no_threshold(costs: MistakeCosts) -> None:
    ruled = trial("refunds", "refunds", None)
    assert ruled.recognised(99.0) == "refunds"
    assert choose_threshold([ruled], costs, 0.0) == 0.0


def test_no_trial_is_judged_at_a_threshold_that_saw_it(costs: MistakeCosts) -> None:
    inside = [trial("refunds", "refunds", 0.2, fold=1) for _ in range(5)]
    outside = [trial("refunds", "refunds", 0.5, fold=0) for _ in range(5)]
    judged = judge([*inside, *outside], costs, 0.0)
    assert [one.recognised for one in judged] == [None] * 5 + ["refunds"] * 5


def test_figures_and_confusions_count_every_mistake_and_price_it(costs: MistakeCosts) -> None:
    trials = [
        *(trial("refunds", "refunds", 0.9) for _ in range(6)),
        *(trial("sums", "sums", None) for _ in range(2)),
        trial("sums", "refunds", 0.8),
        trial("refunds", "refunds", 0.1),
    ]
    at_half = [at_threshold(one, 0.5) for one in trials]
    figures = summarise(at_half, "bare", costs)
    assert (figures.n, figures.accuracy, figures.unknown, figures.by_rule) == (10, 0.8, 0.1, 0.2)
    # Refunds lose nothing; one of three sums loses 0.65; both tasks weigh the same.
    assert figures.quality_loss == pytest.approx(0.65 / 3 / 2)
    # An unknown refund costs 1.8 more, a sum taken for a refund 1.8 less.
    assert figures.extra_usd_per_1k == pytest.approx(0.0)
    unknown, wrong = find_confusions(at_half, costs)
    assert (unknown.task, unknown.recognised, unknown.model, unknown.n) == (
        "refunds", None, "large", 1,
    )  # fmt: skip
    assert (wrong.task, wrong.recognised, wrong.model, wrong.samples) == (
        "sums", "refunds", "small", ("sums-0.8",),
    )  # fmt: skip
    assert wrong.quality_loss == pytest.approx(0.65)


def at_threshold(one: Trial, threshold: float) -> Judged:
    return Judged(one, one.recognised(threshold))


def test_strangers_are_counted_by_kind(costs: MistakeCosts) -> None:
    strangers = [
        trial("sums", "refunds", 0.9, in_scope=False),
        trial("sums", "refunds", 0.1, in_scope=False),
        trial(NO_TASK, "poems", 0.1, in_scope=False),
    ]
    judged = [at_threshold(one, 0.5) for one in strangers]
    others, background = summarise_strangers(judged, costs)
    assert (others.kind, others.n, others.accepted) == ("other_tasks", 2, 0.5)
    assert others.quality_loss == pytest.approx(0.65 / 2)
    assert (background.kind, background.n, background.accepted, background.quality_loss) == (
        "background", 1, 0.0, None,
    )  # fmt: skip


def test_what_a_rule_misrecognises_drives_no_threshold_up(costs: MistakeCosts) -> None:
    right = [trial("refunds", "refunds", 0.4 + 0.002 * i) for i in range(200)]
    misruled = [trial("sums", "refunds", None) for _ in range(50)]
    assert choose_threshold([*right, *misruled], costs, max_loss=0.0) <= 0.4
    [confusion] = find_confusions([at_threshold(one, 0.4) for one in misruled], costs)
    assert (confusion.layer, confusion.n) == ("rule", 50)

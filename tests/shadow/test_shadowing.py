from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmroute.errors import LogFormatError, UnknownName
from llmroute.logs.read import open_log
from llmroute.records import (
    Cascade,
    Interval,
    Outcome,
    Outcomes,
    Price,
    Prompt,
    Provenance,
    QualityRule,
    QualityThreshold,
    Rejected,
    RoutingMap,
    Savings,
    TaskEvidence,
    TaskRoute,
    Usage,
)
from llmroute.router import Router
from llmroute.shadow.names import candidate_prices, read_names
from llmroute.shadowing import Shadow, prepare_accountant, shadow_log

PRICES = {"big": Price(10.0, 30.0), "small": Price(1.0, 3.0)}


def route(task: str, model: str, other: str, weight: float = 1.0) -> TaskRoute:
    quality = {"big": 0.9, "small": 0.8}
    cost = {"big": 2.0, "small": 0.2}
    evidence = TaskEvidence(
        n_samples=40,
        coverage=1.0,
        quality=quality[model],
        quality_low=None,
        quality_high=None,
        cost_usd_per_1k=cost[model],
        cost_basis="measured",
        latency_p50_s=None,
        latency_p95_s=None,
    )
    rejected = Rejected(
        candidate=other,
        verdict="fails",
        reason="",
        quality=quality[other],
        quality_low=None,
        quality_high=None,
        coverage=1.0,
        cost_usd_per_1k=cost[other],
        samples_needed=None,
    )
    rule = QualityThreshold(0.7)
    return TaskRoute(
        task, model, (other,), "likely", "clears", 0.7, rule, weight, evidence, (rejected,)
    )


MAP = RoutingMap(
    reference="big",
    rule=QualityRule(),
    tasks=(route("sums", "small", "big"), route("code", "big", "small")),
    savings=Savings(None, None, None, None),
    provenance=Provenance(
        candidates={"big": {"model": "openai/gpt-big"}, "small": {"model": "openai/gpt-small"}}
    ),
)


def request(number: int = 0, **changes: Any) -> dict[str, Any]:
    entry = {"id": f"q{number}", "prompt": "How many?", "model": "big", "tags": ["sums"],
             "prompt_tokens": 100, "completion_tokens": 50, **changes}  # fmt: skip
    return {key: value for key, value in entry.items() if value is not None}


def shadow(
    tmp_path: Path,
    *entries: dict[str, Any],
    routing_map: RoutingMap = MAP,
    show: int = 0,
    **known: Any,
) -> Shadow:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    accountant = prepare_accountant(routing_map, **{"prices": PRICES, **known})
    return shadow_log(open_log([path]), Router.of(routing_map), accountant, show=show)


def bench(n: int = 40) -> Outcomes:
    rows = [
        Outcome("sums", str(i), name, answered=True, usage=Usage(90, 20 + i))
        for i in range(n)
        for name in ("big", "small")
    ]
    return Outcomes(tuple(rows), {("sums", str(i)): Prompt("sums", str(i), None) for i in range(n)})


def test_each_request_goes_where_the_map_would_send_it(tmp_path: Path) -> None:
    found = shadow(
        tmp_path,
        request(1),
        request(2, tags=["code"]),
        request(3, tags=[]),
        request(4, tags=["poetry"], model="small"),
    )
    assert {(s.task, s.layer, s.routed): s.n for s in found.shares} == {
        ("sums", "tag", "small"): 1,
        ("code", "tag", "big"): 1,
        (None, "unknown", "big"): 2,
    }
    assert (found.n_decided, found.n_unknown, found.n_changed) == (4, 2, 2)
    assert found.logged == {"big": 3, "small": 1}


def test_a_task_the_log_names_is_a_tag(tmp_path: Path) -> None:
    found = shadow(tmp_path, request(1, tags=None, task="sums"), request(2, tags=None, task="new"))
    assert {share.task for share in found.shares} == {"sums", None}


def test_the_same_model_costs_what_was_paid(tmp_path: Path) -> None:
    found = shadow(tmp_path, request(tags=["code"], cost_usd=0.5))
    assert found.cost is not None
    assert (found.cost.paid_usd, found.cost.routed_usd.value) == (0.5, 0.5)
    assert found.cost.bases == {"same": 1}


def test_another_model_is_priced_by_the_benchs_ratios(tmp_path: Path) -> None:
    found = shadow(tmp_path, request(), lengths=bench())
    assert found.cost is not None
    assert found.cost.paid_usd == pytest.approx((100 * 10 + 50 * 30) / 1e6)
    assert found.cost.routed_usd.value == pytest.approx((100 * 1 + 50 * 3) / 1e6)
    assert found.cost.bases == {"ratio": 1}
    assert found.cost.has_bounds


def test_its_own_answer_in_the_log_is_what_it_cost_and_how_good_it_was(tmp_path: Path) -> None:
    own = {"small": {"score": 0.5, "cost_usd": 0.125}}
    found = shadow(tmp_path, request(cost_usd=1.0, score=1.0, models=own), lengths=bench())
    assert found.cost is not None
    assert found.cost.routed_usd.value == 0.125
    assert found.cost.bases == {"measured": 1}
    assert found.quality is not None
    assert (found.quality.logged, found.quality.routed, found.quality.n) == (1.0, 0.5, 1)


def test_results_of_the_same_request_id_are_found(tmp_path: Path) -> None:
    results = Outcomes(
        (
            Outcome("x", "q1", "small", score=0.25, recorded_cost_usd=0.5, answered=True),
            Outcome("x", "q1", "big", score=0.75, answered=True),
        )
    )
    found = shadow(tmp_path, request(1), request(2), results=results)
    assert found.quality is not None
    assert (found.quality.n, found.quality.n_changed) == (1, 2)
    assert (found.quality.logged, found.quality.routed) == (0.75, 0.25)


def test_two_results_of_one_id_and_model_are_refused(tmp_path: Path) -> None:
    twice = [Outcome(task, "q1", "small", score=1.0) for task in ("a", "b")]
    with pytest.raises(LogFormatError, match="id 'q1' has two results of 'small'"):
        shadow(tmp_path, request(1), results=Outcomes(tuple(twice)))


def test_without_outcomes_the_benchs_mean_stands_without_an_interval(tmp_path: Path) -> None:
    found = shadow(tmp_path, request())
    assert found.cost is not None
    assert found.cost.routed_usd.value == pytest.approx(0.0002)
    assert not found.cost.has_bounds


def test_what_is_not_priced_or_counted_is_left_out_and_never_zero(tmp_path: Path) -> None:
    blind = replace(MAP, tasks=(replace(MAP.tasks[0], evidence=replace(
        MAP.tasks[0].evidence, cost_usd_per_1k=None)), MAP.tasks[1]))  # fmt: skip
    found = shadow(
        tmp_path,
        request(1, prompt_tokens=None, completion_tokens=None),
        request(2, tags=["code"], model="stranger"),
        request(3),
        routing_map=blind,
        prices={"big": PRICES["big"]},
    )
    assert found.cost is None
    assert found.unknown_costs == {"what was paid is not known": 2, "routed: no price": 1}


def test_models_the_map_does_not_have_are_counted_apart(tmp_path: Path) -> None:
    entries = [request(n, model="gpt-5", cost_usd=0.1) for n in range(3)]
    found = shadow(tmp_path, *entries, request(9))
    assert (found.strangers, found.logged) == ({"gpt-5": 3}, {"big": 1})
    aliased = shadow(tmp_path, *entries, request(9), aliases={"gpt-5": "small"})
    assert (aliased.strangers, aliased.logged) == ({}, {"small": 3, "big": 1})


def test_very_many_strange_names_take_no_more_room(tmp_path: Path) -> None:
    found = shadow(tmp_path, *(request(n, model=f"m{n}") for n in range(1500)))
    assert len(found.strangers) == 1001
    assert found.strangers["(others)"] == 500


def test_candidates_are_found_by_their_models_ids_too() -> None:
    names = read_names(MAP)
    assert names.find(["prod-group", "openai/gpt-small"]) == "small"
    assert names.find(["gpt-small"]) is None  # exactly, or not at all
    twins = replace(MAP, provenance=Provenance(candidates={
        "big": {"model": "openai/one"}, "small": {"model": "openai/one"}}))  # fmt: skip
    assert read_names(twins).find(["openai/one"]) is None
    with pytest.raises(UnknownName, match="unknown candidate 'smal'"):
        read_names(MAP, {"gpt-5": "smal"})


def test_prices_are_those_given_then_the_maps_then_litellms() -> None:
    stated = {"model": "openai/gpt-4o-mini", "price": {"input_usd_per_mtok": 7.0,
              "output_usd_per_mtok": 8.0, "source": "bench"}}  # fmt: skip
    listed = {"model": "openai/gpt-4o-mini"}
    made = replace(MAP, provenance=Provenance(candidates={"big": stated, "small": listed}))
    prices = candidate_prices(made, {})
    assert prices["big"].input_usd_per_mtok == 7.0
    assert prices["small"].input_usd_per_mtok == 0.15
    assert candidate_prices(made, {"big": Price(1.0, 1.0)})["big"] == Price(1.0, 1.0)


def test_failed_and_unreadable_requests_are_counted_apart(tmp_path: Path) -> None:
    found = shadow(
        tmp_path,
        request(1, error="boom"),
        request(2, prompt=None, tags=None),
        request(3, prompt=None),
    )
    assert found.apart == {"failed": 1, "no_prompt": 1}
    assert found.n_decided == 1  # its tag names the task: the static map needs no prompt


def test_a_cascade_is_priced_by_nothing_but_its_answers(tmp_path: Path) -> None:
    share = Interval(0.3, 0.2, 0.4)
    cascade = Cascade("ridge", "c.json", "0" * 64, "small", "big", 0.5, share, share, None, "sums")
    cascaded = replace(MAP, cascade=cascade)
    own = {"small": {"score": 0.5, "cost_usd": 0.125}}
    entries = [
        request(1, cost_usd=1.0, score=1.0, models=own, propensity=0.5),
        request(2, cost_usd=1.0, tags=["code"]),
        request(3, prompt=None),
    ]
    found = shadow(tmp_path, *entries, routing_map=cascaded)
    assert found.cost is not None
    assert (found.cost.n, found.unknown_costs) == (1, {"routed: cascade": 1})
    assert (found.quality, found.off_policy) == (None, None)
    assert found.apart == {"no_prompt": 1}


def test_traffic_that_is_not_as_the_suites_weigh_it_is_seen(tmp_path: Path) -> None:
    found = shadow(tmp_path, *(request(n, tags=["sums" if n % 10 else "code"]) for n in range(200)))
    assert found.drift is not None
    assert [(s.task, s.n, s.planned) for s in found.drift.shares] == [
        ("sums", 180, 0.5), ("code", 20, 0.5)
    ]  # fmt: skip
    assert found.drift.p_value < 1e-20


def test_propensities_give_the_maps_quality(tmp_path: Path) -> None:
    rng = random.Random(0)
    entries = []
    for n in range(1000):
        small = rng.random() < 0.5
        score = float(rng.random() < (0.6 if small else 0.9))
        entries.append(request(n, model="small" if small else "big", score=score, propensity=0.5))
    found = shadow(tmp_path, *entries)
    assert found.off_policy is not None
    assert found.off_policy.doubly_robust is not None
    assert found.off_policy.doubly_robust.low < 0.6 < found.off_policy.doubly_robust.high
    assert found.off_policy.difference is not None
    assert found.off_policy.difference.high < 0


def test_examples_are_a_random_draw_of_so_many(tmp_path: Path) -> None:
    entries = [request(n, prompt=f"question {n}") for n in range(600)]
    found = shadow(tmp_path, *entries, show=5)
    texts = [example.text for example in found.examples]
    assert len(set(texts)) == 5
    assert any(int(text.split()[1]) > 100 for text in texts)
    assert texts == [e.text for e in shadow(tmp_path, *entries, show=5).examples]
    assert shadow(tmp_path, *entries).examples == ()

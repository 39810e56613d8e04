"""A cap that holds and a race that saves, through the command line and real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Invoke = Callable[..., Any]
Configure = Callable[..., Path]


@pytest.fixture
def three_models(chat_server: Any, configure: Configure, colour_in: Any) -> Any:
    """cheap is always wrong, middle and dear are always right; prices a decade apart."""
    chat_server.script = lambda asked: (
        "purple" if asked.body["model"] == "cheap" else colour_in(asked)
    )
    candidates = "".join(
        f"  - {{model: openai/{name}, name: {name}, api_base: '{chat_server.url}', "
        f"params: {{max_tokens: 10}}, "
        f"price: {{input_usd_per_mtok: {price}, output_usd_per_mtok: {price}}}}}\n"
        for name, price in (("cheap", 1), ("middle", 10), ("dear", 100))
    )
    configure(candidates, "reference: dear")
    return chat_server


def asked_of(server: Any) -> dict[str, int]:
    names = [request.body["model"] for request in server.requests]
    return {name: names.count(name) for name in ("cheap", "middle", "dear")}


def routing_map(folder: Path) -> Any:
    return yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())


def test_a_race_finds_the_grids_route_for_less(
    three_models: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("bench", "--strategy", "race")
    assert result.exit_code == 0, result.stderr
    asked = asked_of(three_models)
    assert asked["middle"] == 40
    assert asked["cheap"] < 20
    assert asked["dear"] == 0
    document = routing_map(folder)
    assert document["tasks"]["colours"]["route"] == "middle"
    race = document["provenance"]["race"]
    assert document["provenance"]["strategy"] == "race"
    assert race["risk"] == 0.05
    assert race["calls"] == sum(asked.values())
    assert race["grid_calls"] == 120
    assert race["spent_usd"] < 0.2 * race["grid_usd"]


def test_a_race_goes_on_where_it_was_left_and_a_grid_after_it_asks_only_the_rest(
    three_models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench", "--strategy", "race")
    first = sum(asked_of(three_models).values())
    llmroute("bench", "--strategy", "race")
    assert sum(asked_of(three_models).values()) == first
    assert llmroute("bench").exit_code == 0
    assert sum(asked_of(three_models).values()) == 120
    assert routing_map(folder)["tasks"]["colours"]["route"] == "middle"


def test_a_race_without_a_reference_is_refused_before_any_call(
    three_models: Any, llmroute: Invoke, folder: Path
) -> None:
    config = folder / "llmroute.yaml"
    config.write_text(config.read_text().replace("reference: dear", ""))
    result = llmroute("bench", "--strategy", "race")
    assert result.exit_code == 2
    assert "a race needs a reference" in result.stderr
    assert three_models.requests == []


def test_spending_never_passes_the_cap_and_what_is_answered_is_kept(
    three_models: Any, llmroute: Invoke, folder: Path
) -> None:
    # An answer costs 10 tokens: $0.001 with dear, whose worst case is its prompt and 10 tokens.
    result = llmroute("bench", "--candidate", "dear", "--max-usd", "0.02")
    assert result.exit_code == 4
    assert "The cap of $0.02" in result.stderr
    assert "calls were not sent" in result.stderr
    n = len(three_models.requests)
    assert 5 <= n <= 20
    assert n * 10 * 100e-6 <= 0.02
    document = routing_map(folder)
    assert document["tasks"]["colours"]["evidence"]["coverage"] == pytest.approx(n / 40)
    assert llmroute("bench", "--candidate", "dear", "--max-usd", "1").exit_code == 0
    assert len(three_models.requests) == 40


def test_retries_count_against_the_cap(three_models: Any, llmroute: Invoke) -> None:
    three_models.script = lambda asked: three_models.reply(
        {"error": {"message": "overloaded"}}, status=503, headers={"Retry-After": "0"}
    )
    result = llmroute("bench", "--candidate", "dear", "--max-usd", "0.02")
    assert result.exit_code == 4
    assert len(three_models.requests) <= 20


def test_an_unpriced_candidate_is_refused_under_a_cap(
    chat_server: Any, configure: Configure, llmroute: Invoke
) -> None:
    configure(f"  - {{model: openai/m, name: m, api_base: '{chat_server.url}'}}")
    result = llmroute("bench", "--max-usd", "1")
    assert result.exit_code == 2
    assert "it has no price" in result.stderr
    assert chat_server.requests == []


@pytest.mark.parametrize("cap", ["-1", "nan", "inf"])
def test_a_cap_that_is_no_amount_is_refused(three_models: Any, llmroute: Invoke, cap: str) -> None:
    result = llmroute("bench", f"--max-usd={cap}")
    assert result.exit_code == 2
    assert "is no cap" in result.stderr


def test_an_unknown_strategy_is_refused(three_models: Any, llmroute: Invoke) -> None:
    result = llmroute("bench", "--strategy", "rase")
    assert result.exit_code == 2
    assert "race" in result.stderr


def test_offline_race_asks_nothing_and_says_what_is_missing(
    three_models: Any, llmroute: Invoke
) -> None:
    result = llmroute("bench", "--strategy", "race", "--offline")
    assert result.exit_code == 3
    assert three_models.requests == []
    llmroute("bench", "--strategy", "race")
    three_models.requests.clear()
    assert llmroute("bench", "--strategy", "race", "--offline").exit_code == 0
    assert three_models.requests == []


def test_a_machine_paid_by_the_hour_is_paid_once_for_calls_side_by_side(
    chat_server: Any, configure: Configure, llmroute: Invoke, folder: Path, colour_in: Any
) -> None:
    chat_server.script = lambda asked: chat_server.reply(
        chat_server.answer(colour_in(asked)), delay_s=0.05
    )
    configure(
        f"  - {{model: openai/m, name: m, api_base: '{chat_server.url}', "
        "price: {usd_per_hour: 3600}}"
    )
    assert llmroute("bench").exit_code == 0
    rows = (folder / "llmroute-out/outcomes.jsonl").read_text().splitlines()
    latencies = [json.loads(row)["models"]["m"]["latency_s"] for row in rows]
    cost = routing_map(folder)["tasks"]["colours"]["evidence"]["cost_usd_per_1k"]
    # At $1 a second, 1,000 calls one after the other would cost 1,000 × the mean latency.
    assert cost < 0.5 * 1000 * sum(latencies) / len(latencies)

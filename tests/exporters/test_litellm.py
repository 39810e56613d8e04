"""The LiteLLM export, loaded and asked by the real `litellm.Router`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from llmroute.errors import InputError, UnknownName
from llmroute.exporters.litellm import LitellmProxy
from llmroute.records import Provenance


def document(routing_map: Any, **params: Any) -> dict[str, Any]:
    return yaml.safe_load(LitellmProxy(**params).render(routing_map))


def groups(loaded: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["model_name"]: entry for entry in loaded["model_list"]}


@pytest.fixture
def ask_router(chat_server, make_map, monkeypatch, ask_litellm):
    """Loads the export into litellm.Router, asks a group, returns the models that were called."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-providers-own")
    import litellm

    litellm.suppress_debug_info = True

    def ask(group: str, script: Any, *, times: int = 1) -> tuple[list[str], Any]:
        chat_server.script = script
        loaded = document(make_map(chat_server.url))
        answer = ask_litellm(loaded, group, *["hello"] * times)[-1]
        return [asked.body["model"] for asked in chat_server.requests], answer

    return ask


def test_each_task_is_a_group_whose_deployment_is_the_route(make_map) -> None:
    entry = groups(document(make_map()))["llmroute/summaries"]
    assert entry["litellm_params"]["model"] == "openai/gpt-4o-mini"
    assert entry["litellm_params"]["temperature"] == 0


def test_the_evidence_travels_in_model_info(make_map) -> None:
    assert groups(document(make_map()))["llmroute/proofs"]["model_info"]["llmroute"] == {
        "task": "proofs",
        "candidate": "medium",
        "verdict": "likely",
        "quality": 0.91,
        "quality_interval": [0.87, 0.94],
        "quality_threshold": 0.85,
        "n_samples": 120,
        "cost_usd_per_1k": 0.13,
        "latency_p95_s": 1.2,
        "run_id": "20261125T204157-296342",
    }


def test_the_same_map_gives_the_same_bytes(make_map) -> None:
    assert LitellmProxy().render(make_map()) == LitellmProxy().render(make_map())


def test_keys_are_named_and_never_written(make_map) -> None:
    text = LitellmProxy().render(make_map())
    assert "api_key: os.environ/OPENAI_API_KEY" in text
    assert document(make_map())["general_settings"]["master_key"] == "os.environ/LITELLM_MASTER_KEY"


def test_a_provider_key_is_never_sent_to_a_foreign_address(make_map) -> None:
    params = groups(document(make_map("http://127.0.0.1:9/v1")))["small"]["litellm_params"]
    assert params["api_key"] == "none"


def test_the_key_a_candidate_was_configured_with_is_named(make_map) -> None:
    given = make_map("http://127.0.0.1:9/v1")
    known = {
        name: {**facts, "api_key_variable": "GATEWAY_KEY"}
        for name, facts in given.provenance.candidates.items()
    }
    keyed = replace(given, provenance=replace(given.provenance, candidates=known))
    params = groups(document(keyed))["small"]["litellm_params"]
    assert params["api_key"] == "os.environ/GATEWAY_KEY"


def test_a_local_server_without_a_stated_address_is_named_by_its_variable(make_map) -> None:
    params = groups(document(make_map(), models={"small": "hosted_vllm/qwen3"}))["small"]
    assert params["litellm_params"]["api_base"] == "os.environ/HOSTED_VLLM_API_BASE"


def test_prices_are_stated_a_token(make_map) -> None:
    given = make_map()
    price = {"input_usd_per_mtok": 0.2, "output_usd_per_mtok": 0.8}
    known = {**given.provenance.candidates, "small": {"model": "openai/mine", "price": price}}
    priced = replace(given, provenance=replace(given.provenance, candidates=known))
    params = groups(document(priced))["small"]["litellm_params"]
    assert params["input_cost_per_token"] == pytest.approx(2e-7)
    assert params["output_cost_per_token"] == pytest.approx(8e-7)


def test_an_unpriced_model_is_said_to_be_counted_as_free(make_map) -> None:
    exporter = LitellmProxy(models={"small": "openai/my-own-model"})
    assert "A price of small: none is known, LiteLLM counts it as free." in exporter.cannot_carry(
        make_map()
    )


def test_too_long_requests_go_to_the_first_fallback_with_a_larger_window(make_map) -> None:
    settings = document(make_map())["router_settings"]
    windows = {
        name: to for entry in settings["context_window_fallbacks"] for name, to in entry.items()
    }
    assert windows["llmroute/summaries"] == ["medium"]  # big's window is no larger than small's
    assert windows["llmroute/proofs"] == []  # medium has the largest window there is


def test_the_query_routers_two_sides_are_groups_a_task(make_map, query_router) -> None:
    loaded = groups(document(make_map(query_router=query_router)))
    models = {name: entry["litellm_params"]["model"] for name, entry in loaded.items()}
    assert models["llmroute/summaries/weak"] == "openai/gpt-4o-mini"
    assert models["llmroute/proofs/strong"] == "openai/gpt-4o"
    assert models["llmroute/strong"] == "openai/gpt-4o"
    assert loaded["llmroute/strong"]["model_info"]["llmroute"]["apgr_interval"] == [0.63, 0.72]


def test_each_side_of_the_query_router_falls_back_to_the_other(make_map, query_router) -> None:
    settings = document(make_map(query_router=query_router))["router_settings"]
    fallbacks = {name: to for entry in settings["fallbacks"] for name, to in entry.items()}
    assert fallbacks["llmroute/proofs/weak"] == ["big"]
    assert fallbacks["llmroute/proofs/strong"] == ["small"]


def test_a_router_of_one_task_makes_groups_of_that_task_only(make_map, query_router) -> None:
    names = groups(document(make_map(query_router=replace(query_router, task="proofs"))))
    assert "llmroute/proofs/strong" in names
    assert not {"llmroute/summaries/strong", "llmroute/strong"} & set(names)


def test_a_program_is_refused_with_what_to_write(make_map) -> None:
    known = {"small": {"model": "builtin/rules"}, "medium": {"model": "replay/m"}}
    given = make_map(provenance=Provenance(candidates=known))
    with pytest.raises(InputError, match="'small', 'medium', 'big'") as refused:
        LitellmProxy().render(given)
    assert "--model small=PROVIDER/MODEL --model medium=PROVIDER/MODEL" in str(refused.value)


def test_a_candidate_nobody_knows_cannot_be_renamed(make_map) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'small'"):
        LitellmProxy(models={"smal": "openai/gpt-4o"}).render(make_map())


def test_two_groups_of_one_name_are_refused(make_map) -> None:
    given = make_map()
    known = given.provenance.candidates
    clash = {**known, "llmroute/proofs": known["big"]}
    tasks = tuple(replace(task, fallbacks=("llmroute/proofs",)) for task in given.tasks)
    with pytest.raises(InputError, match="'llmroute/proofs'"):
        LitellmProxy().render(replace(given, tasks=tasks, provenance=Provenance(candidates=clash)))


def test_hostile_names_stay_inside_their_values(make_map, query_router) -> None:
    given = make_map(query_router=replace(query_router, router="x\ngeneral_settings: {}\n\x1b[31m"))
    text = LitellmProxy().render(given)
    assert yaml.safe_load(text)["general_settings"] == {
        "master_key": "os.environ/LITELLM_MASTER_KEY"
    }
    assert "\x1b" not in text


def test_the_hook_is_asked_for_by_name_with_the_maps_path(make_map) -> None:
    loaded = document(make_map(), hook="/srv/routing-map.yaml")
    assert loaded["litellm_settings"]["callbacks"] == ["llmroute.integrations.litellm.hook"]
    assert loaded["environment_variables"] == {"LLMROUTE_MAP": "/srv/routing-map.yaml"}


def test_litellms_router_sends_a_task_to_its_route(ask_router) -> None:
    assert ask_router("llmroute/proofs", lambda asked: "ok")[0] == ["gpt-4.1-mini"]


def test_the_alias_is_the_reference_where_the_map_has_several_tasks(ask_router) -> None:
    assert ask_router("llmroute", lambda asked: "ok")[0] == ["gpt-4o"]


@pytest.mark.parametrize("status", [429, 401, 503])
def test_a_failing_route_is_answered_by_its_fallback(ask_router, chat_server, status) -> None:
    def script(asked: Any) -> Any:
        failing = asked.body["model"] == "gpt-4o-mini"
        return chat_server.reply({"error": {"message": "no"}}, status) if failing else "ok"

    called, answer = ask_router("llmroute/summaries", script)
    assert list(dict.fromkeys(called)) == ["gpt-4o-mini", "gpt-4.1-mini"]
    assert answer.choices[0].message.content == "ok"


def test_a_refusal_is_not_handed_to_a_dearer_model(ask_router, chat_server) -> None:
    called, answer = ask_router("llmroute/summaries", lambda asked: chat_server.refusal)
    assert called == ["gpt-4o-mini"]
    assert type(answer).__name__ == "ContentPolicyViolationError"


def test_a_request_too_long_goes_to_the_larger_window(ask_router, chat_server) -> None:
    def script(asked: Any) -> Any:
        short = asked.body["model"] == "gpt-4o-mini"
        return chat_server.too_long if short else "ok"

    assert ask_router("llmroute/summaries", script)[0] == ["gpt-4o-mini", "gpt-4.1-mini"]


def test_a_provider_key_never_reaches_another_host(ask_router, chat_server) -> None:
    ask_router("llmroute/proofs", lambda asked: "ok")
    assert chat_server.requests[0].headers["authorization"] == "Bearer none"


def test_a_route_that_keeps_failing_is_not_asked_for_a_while(ask_router, chat_server) -> None:
    def script(asked: Any) -> Any:
        failing = asked.body["model"] == "gpt-4o-mini"
        return chat_server.reply({"error": {"message": "no"}}, 500) if failing else "ok"

    called, answer = ask_router("llmroute/summaries", script, times=8)
    assert called.count("gpt-4.1-mini") == 8
    assert 4 <= called.count("gpt-4o-mini") <= 8  # of 16 with the retries
    assert called[-2:] == ["gpt-4.1-mini", "gpt-4.1-mini"]
    assert answer.choices[0].message.content == "ok"


def test_who_has_no_fallback_is_asked_again_and_again(ask_router, chat_server) -> None:
    failing = chat_server.reply({"error": {"message": "no"}}, 429)
    called, _ = ask_router("big", lambda asked: failing, times=8)
    assert called == ["gpt-4o"] * 8

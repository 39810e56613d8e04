"""Semantic forms, loaded by the routers they are written for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmroute.errors import InputError
from llmroute.exporters.examples import choose_examples, learnt_from
from llmroute.exporters.litellm import LitellmProxy
from llmroute.exporters.litellm_auto import LitellmAuto
from llmroute.exporters.semantic_router import SemanticRouter
from llmroute.exporters.vllm_semantic_router import VllmSemanticRouter
from llmroute.records import Prompt

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*method is deprecated:DeprecationWarning"  # semantic-router's use of pydantic
)

EXAMPLES = {
    "summaries": ("Summarise the minutes of the meeting.", "A recap of the report, please."),
    "proofs": ("Prove that the sum of two even numbers is even.", "Show that 7 is prime."),
}


def words_as_vector(text: str) -> list[float]:
    """A bag of words in 64 hashed places: alike where texts share words."""
    vector = [0.001] * 64
    for word in text.lower().replace(".", " ").split():
        vector[hashlib.sha256(word.encode()).digest()[0] % 64] += 1.0
    return vector


def write(folder: Path, text: str, name: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_semantic_router_loads_it_and_routes_by_it(make_map, tmp_path) -> None:
    routers = pytest.importorskip("semantic_router.routers")
    from semantic_router.encoders import DenseEncoder
    from semantic_router.routers.base import RouterConfig

    class Words(DenseEncoder):
        name: str = "words"
        score_threshold: float = 0.3

        def __call__(self, docs: list[str]) -> list[list[float]]:
            return [words_as_vector(doc) for doc in docs]

    text = SemanticRouter(examples=EXAMPLES).render(make_map())
    config = RouterConfig.from_file(write(tmp_path, text, "routes.json"))
    assert (config.encoder_type, config.encoder_name) == ("openai", "text-embedding-3-small")
    router = routers.SemanticRouter(encoder=Words(), routes=config.routes, auto_sync="local")
    assert router("Summarise the minutes, please.").name == "summaries"
    assert router("Prove that the sum of odd numbers is even.").name == "proofs"
    assert router("zzz qqq").name is None
    answers = {route.name: route.metadata for route in config.routes}
    assert answers["summaries"]["model"] == "openai/gpt-4o-mini"
    assert answers["summaries"]["fallbacks"] == ["openai/gpt-4.1-mini", "openai/gpt-4o"]
    assert answers["proofs"]["llmroute"]["verdict"] == "likely"


# LiteLLM leaves the client it embeds the routes with open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_litellms_auto_router_sends_a_request_to_its_tasks_group(
    make_map, chat_server, ask_litellm
) -> None:
    pytest.importorskip("semantic_router")

    def answer(asked: Any) -> Any:
        if not asked.path.endswith("/embeddings"):
            return "ok"
        texts = asked.body["input"]
        vectors = enumerate(map(words_as_vector, [texts] if isinstance(texts, str) else texts))
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in vectors]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return {"object": "list", "model": "e", "data": data, "usage": usage}

    given = make_map(chat_server.url)
    chat_server.script = answer
    loaded = yaml.safe_load(LitellmProxy().render(given))
    auto = {
        "model": "auto_router/llmroute",
        "auto_router_config": LitellmAuto(examples=EXAMPLES).render(given),
        "auto_router_default_model": "big",
        "auto_router_embedding_model": "openai/text-embedding-3-small",
    }
    embedding = {
        "model": "openai/text-embedding-3-small",
        "api_base": chat_server.url,
        "api_key": "none",
    }
    more = {"llmroute-auto": auto, "openai/text-embedding-3-small": embedding}
    entries = [{"model_name": name, "litellm_params": params} for name, params in more.items()]
    loaded["model_list"] += entries
    texts = "Summarise the minutes, please.", "Prove that the sum is even.", "zzz"
    ask_litellm(loaded, "llmroute-auto", *texts)
    chats = [asked for asked in chat_server.requests if asked.path.endswith("/chat/completions")]
    served = [asked.body["model"] for asked in chats]
    assert served == ["gpt-4o-mini", "gpt-4.1-mini", "gpt-4o"]


def vllm_faults(text: str, folder: Path) -> list[str]:
    """What vllm-sr's own checks find wrong."""
    parser = pytest.importorskip("cli.parser", reason="vllm-sr is not installed")
    from cli.catalog_provider_projection import validate_provider_model_configuration
    from cli.validator import validate_user_config

    config = parser.parse_user_config(write(folder, text, "config.yaml"))
    validate_provider_model_configuration(config, allow_backendless_physical=False)
    return [str(fault) for fault in validate_user_config(config)]


@pytest.mark.parametrize("api_base", [None, "http://127.0.0.1:8000/v1"])
def test_vllm_semantic_router_finds_nothing_wrong_with_it(
    make_map, query_router, tmp_path, api_base
) -> None:
    given = make_map(api_base, query_router=query_router)
    assert vllm_faults(VllmSemanticRouter(examples=EXAMPLES).render(given), tmp_path) == []


def test_vllm_semantic_router_would_refuse_a_wrong_one(make_map, tmp_path) -> None:
    text = VllmSemanticRouter(examples=EXAMPLES).render(make_map())
    wrong = text.replace("- model: medium", "- model: mediun")
    assert any("mediun" in fault for fault in vllm_faults(wrong, tmp_path))


def test_what_a_request_says_goes_before_its_words_and_these_before_likeness(make_map) -> None:
    routing = yaml.safe_load(VllmSemanticRouter().render(make_map()))["routing"]
    decisions = [(d["name"], d["priority"]) for d in routing["decisions"]]
    assert decisions == [
        ("summaries by metadata", 300),
        ("proofs by metadata", 300),
        ("summaries by keyword", 200),
        ("summaries by embedding", 100),
        ("proofs by embedding", 100),
        ("unknown", 0),
    ]
    assert routing["decisions"][0]["modelRefs"] == [
        {"model": "small"},
        {"model": "medium"},
        {"model": "big"},
    ]


def test_a_provider_vllm_does_not_know_is_refused_with_those_it_does(make_map) -> None:
    with pytest.raises(InputError, match="no provider for 'baseten/x'") as refused:
        VllmSemanticRouter(models={"small": "baseten/x"}).render(make_map())
    assert "--model small=PROVIDER/MODEL" in str(refused.value)


def test_a_local_model_of_unknown_address_is_refused(make_map) -> None:
    with pytest.raises(InputError, match="where 'small' is served"):
        VllmSemanticRouter(models={"small": "hosted_vllm/qwen3"}).render(make_map())


def test_a_task_without_any_example_is_refused(make_map) -> None:
    given = replace(make_map(), matches={})
    with pytest.raises(InputError, match="no example of a request for summaries, proofs"):
        SemanticRouter().render(given)


def test_examples_follow_the_utterances_each_once(make_map) -> None:
    examples = {"summaries": ("Summarise this report.", "tl;dr")}
    assert learnt_from(make_map(), examples)["summaries"] == (
        "Summarise this report.",
        "Give me a short recap.",
        "tl;dr",
    )


def test_examples_are_different_prompts_of_bounded_length() -> None:
    prompts = [
        Prompt("a", str(i), text) for i, text in enumerate(["x", "x", "y" * 9000, None, " "])
    ]
    chosen = choose_examples(prompts, 20)["a"]
    assert [len(text) for text in chosen] == [1, 1000]
    assert choose_examples(prompts, 0) == {"a": ()}


def test_the_comment_shows_the_proxys_lines(make_map) -> None:
    comment = "\n".join(json.loads(LitellmAuto(examples=EXAMPLES).render(make_map()))["_comment"])
    entry = comment[comment.index("  - model_name") : comment.index("The proxy must")]
    [model] = yaml.safe_load(entry)
    assert model["litellm_params"]["auto_router_default_model"] == "big"

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from llmroute import Router
from llmroute.errors import ConfigError, InputError, UnknownName
from llmroute.exporters.litellm import LitellmProxy
from llmroute.integrations import litellm as integration
from llmroute.integrations.asked import Wish, decide, read_model_name
from llmroute.integrations.live_map import LiveMap
from llmroute.records import Cascade, Interval
from llmroute.routing_map.file import map_to_yaml

TASKS = ("gsm", "code/strong")


@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("llmroute", Wish()),
        ("llmroute/gsm", Wish("gsm")),
        ("llmroute/code/strong", Wish("code/strong")),
        ("router-mf-0.11593", Wish(router="mf", routing_threshold=0.11593)),
        ("router-sw-ranking-1", Wish(router="sw-ranking", routing_threshold=1.0)),
        ("llmroute/gsm/strong", None),
        ("llmroute/weak", None),
        ("router-mf", None),
        ("llmroutes", None),
        ("openai/gpt-4o", None),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_a_model_name_says_what_is_left_to_the_map(name, wish) -> None:
    assert read_model_name(name, TASKS) == wish


def test_a_task_the_map_lacks_is_told_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'gsm'"):
        read_model_name("llmroute/gms", TASKS)


def test_a_map_without_a_query_router_refuses_routellms_names(make_map) -> None:
    with pytest.raises(InputError, match="no query router"):
        decide(Router.of(make_map()), Wish(router="mf", routing_threshold=0.5), "hello")


def test_an_unrecognised_request_goes_to_the_references_group(make_map) -> None:
    routed = decide(Router.of(make_map()), Wish(), "hello")
    assert (routed.group, routed.model, routed.task) == ("big", "big", None)


def test_a_recognised_request_goes_to_its_tasks_group(make_map) -> None:
    routed = decide(Router.of(make_map()), Wish(), "tl;dr", metadata={"team": "a"})
    assert (routed.group, routed.model, routed.layer) == ("llmroute/summaries", "small", "rule")


def test_a_cascade_that_nobody_reviews_leaves_its_tasks_route_to_answer(make_map) -> None:
    unit = Interval(0.5, 0.4, 0.6)
    stated = Cascade("length", "cascade.json", "0" * 64, "small", "big", 0.5, unit, unit)
    router = Router.of(make_map(cascade=stated))
    routed = decide(router, Wish("proofs"), "Prove it.")
    assert (routed.group, routed.model) == ("llmroute/proofs", "medium")
    assert any(
        "no gateway reviews an answer" in s for s in LitellmProxy().cannot_carry(router.routing_map)
    )


def test_headers_hold_nothing_but_plain_text() -> None:
    note = {"task": "größe\r\nx: y", "model": "openai/gpt-4o", "layer": "rule", "score": None}
    assert integration.headers({"metadata": {"llmroute": note}}) == {
        "x-llmroute-task": "gr%C3%B6%C3%9Fe%0D%0Ax: y",
        "x-llmroute-model": "openai/gpt-4o",
        "x-llmroute-layer": "rule",
    }


def test_requests_that_were_not_decided_get_no_headers() -> None:
    assert integration.headers({"metadata": {}}) is None


def test_tool_calls_among_the_inputs_are_passed_over() -> None:
    turn = {"role": "user", "content": "hello"}
    assert integration.asked({"input": [turn, {"type": "function_call_output"}]}) == [turn]


def test_the_hook_refuses_to_be_made_without_a_map(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LLMROUTE_MAP", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError, match="LLMROUTE_MAP=/path/to"):
        integration.hook  # noqa: B018


def test_the_map_in_the_current_folder_needs_no_variable(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("LLMROUTE_MAP", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routing-map.yaml").touch()
    assert integration.map_path() == tmp_path.resolve() / "routing-map.yaml"


def write(path: Path, routing_map) -> None:
    other = path.with_suffix(".new")
    other.write_text(map_to_yaml(routing_map))
    other.replace(path)


def settled(live: LiveMap) -> Router:
    """The router once no file is being loaded."""
    live.router()
    for _ in range(200):
        if live._loading.acquire(blocking=False):
            live._loading.release()
            return live.router()
        time.sleep(0.02)
    pytest.fail("loading has not ended in four seconds")


@pytest.fixture
def live(make_map, tmp_path) -> LiveMap:
    write(tmp_path / "map.yaml", make_map())
    return LiveMap.open(tmp_path / "map.yaml")


def test_an_unchanged_file_is_loaded_once(live) -> None:
    assert settled(live) is settled(live)


def test_a_changed_file_is_taken_up(live, make_map) -> None:
    write(live.path, make_map(reference="small"))
    assert settled(live).routing_map.reference == "small"


def test_a_broken_file_leaves_the_map_before_it_and_is_said(live, caplog) -> None:
    before = settled(live)
    live.path.write_text("version: [")
    assert settled(live) is before
    assert "the map before it stays" in caplog.text
    live.path.unlink()
    assert settled(live) is before


def test_a_query_router_that_is_not_the_maps_leaves_the_map_before_it(
    live, make_map, query_router, caplog
) -> None:
    before = settled(live)
    write(live.path, replace(make_map(), query_router=query_router))
    assert settled(live) is before
    assert "not beside it" in caplog.text


def test_a_bad_map_is_not_opened(tmp_path) -> None:
    (tmp_path / "map.yaml").write_text("version: 1\n")
    with pytest.raises(ConfigError):
        LiveMap.open(tmp_path / "map.yaml")

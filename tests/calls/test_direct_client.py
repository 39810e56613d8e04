from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmroute.calls.direct_client import DirectClient
from llmroute.errors import CallError
from llmroute.records import Candidate, Limits, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def direct(run: Any) -> Iterator[DirectClient]:
    client = DirectClient(
        env={"HTTP_PROXY": "http://127.0.0.1:9", "OPENAI_API_KEY": "sk-mine-1234"}
    )
    yield client
    run(client.close())


@pytest.fixture
def candidate(chat_server: Any) -> Candidate:
    return Candidate("model-a", "openai/served", api_base=chat_server.url, api_key=KEY)


def test_parameters_travel_and_cannot_replace_model_or_messages(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    call = make_call("hi", candidate=candidate, temperature=0, model="other", messages=[], seed=4)
    run(direct.complete(call))
    assert chat_server.requests[0].body == {
        "temperature": 0,
        "seed": 4,
        "model": "served",
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_streaming_is_not_asked_for(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    run(direct.complete(make_call(candidate=candidate, stream=True, stream_options={"a": 1})))
    assert not {"stream", "stream_options"} & set(chat_server.requests[0].body)


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("openai/gpt-5-mini", {"max_completion_tokens": 9}),
        ("openai/o3", {"max_completion_tokens": 9}),
        ("openai/gpt-4o-mini", {"max_tokens": 9}),
        ("hosted_vllm/o3-lookalike", {"max_tokens": 9}),
    ],
)
def test_openais_reasoning_models_get_max_completion_tokens(
    chat_server: Any, direct: DirectClient, make_call: Any, run: Any, model: str, sent: Any
) -> None:
    candidate = Candidate("model-a", model, api_base=chat_server.url)
    run(direct.complete(make_call(candidate=candidate, max_tokens=9)))
    body = chat_server.requests[0].body
    assert {name: body[name] for name in body if name.startswith("max")} == sent


def test_unpaired_surrogates_reach_the_endpoint(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    run(direct.complete(make_call("a\ud800b", candidate=candidate)))
    assert chat_server.requests[0].prompt == "a\ud800b"


def test_a_parameter_without_json_form_is_a_bad_request(
    direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    with pytest.raises(CallError, match="no JSON form") as failed:
        run(direct.complete(make_call(candidate=candidate, temperature=float("nan"))))
    assert failed.value.kind == "bad_request"


def test_cookies_are_not_kept(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    chat_server.script = lambda asked: chat_server.reply(
        chat_server.answer(), headers={"Set-Cookie": "session=1; Path=/"}
    )
    run(direct.complete(make_call(candidate=candidate)))
    run(direct.complete(make_call(candidate=candidate)))
    assert "cookie" not in chat_server.requests[1].headers


def test_redirects_are_not_followed(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    chat_server.script = lambda asked: chat_server.reply(
        {}, status=307, headers={"Location": f"{chat_server.url}/elsewhere"}
    )
    with pytest.raises(CallError) as failed:
        run(direct.complete(make_call(candidate=candidate)))
    assert failed.value.kind == "not_found"
    assert len(chat_server.requests) == 1


def test_a_compressed_answer_is_bounded_by_what_it_unpacks_to(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    import gzip

    bomb = gzip.compress(b" " * 40 * 2**20)
    chat_server.script = lambda asked: chat_server.reply(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(CallError) as failed:
        run(direct.complete(make_call(candidate=candidate)))
    assert failed.value.kind in ("malformed_answer", "connection")


def test_a_cost_the_endpoint_states_is_kept(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "cost": 0.00021}
    chat_server.script = lambda asked: chat_server.answer("x", usage=usage)
    completion = run(direct.complete(make_call(candidate=candidate)))
    assert completion.recorded_cost_usd == 0.00021
    assert completion.usage == Usage(9, 2)
    assert completion.model_returned == "served-model"


def test_a_negative_cost_is_no_cost(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    chat_server.script = lambda asked: chat_server.answer("x", usage={"cost": -1})
    completion = run(direct.complete(make_call(candidate=candidate)))
    assert completion.recorded_cost_usd is None


def test_text_in_parts_is_joined(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "thinking"}, {"type": "text", "text": "b"}]
    chat_server.script = lambda asked: chat_server.answer(parts)
    assert run(direct.complete(make_call(candidate=candidate))).output == "ab"


def test_a_key_with_a_line_break_is_a_bad_request_that_does_not_show_it(
    chat_server: Any, direct: DirectClient, make_call: Any, run: Any
) -> None:
    candidate = Candidate("m", "openai/x", api_base=chat_server.url, api_key="secret-part\nmore")
    with pytest.raises(CallError) as failed:
        run(direct.complete(make_call(candidate=candidate)))
    assert failed.value.kind == "bad_request"
    assert "secret-part" not in str(failed.value)


def test_credentials_and_query_of_the_address_stay_out_of_messages(
    chat_server: Any, direct: DirectClient, make_call: Any, run: Any
) -> None:
    base = chat_server.url.replace("://", "://me:pass-word@") + "?token=query-secret"
    candidate = Candidate("m", "openai/x", api_base=base)
    chat_server.script = lambda asked: chat_server.reply({}, status=500)
    with pytest.raises(CallError) as failed:
        run(direct.complete(make_call(candidate=candidate)))
    assert failed.value.kind == "server_error"
    assert "pass-word" not in str(failed.value)
    assert "query-secret" not in str(failed.value)
    assert chat_server.requests[0].path == "/v1/chat/completions?token=query-secret"


def test_candidates_with_one_name_and_other_limits_are_told_apart(
    chat_server: Any, direct: DirectClient, candidate: Candidate, make_call: Any, run: Any
) -> None:
    run(direct.complete(make_call(candidate=candidate)))
    chat_server.script = lambda asked: chat_server.reply(fault="hang")
    hasty = Candidate(
        candidate.name,
        "openai/other",
        api_base=chat_server.url,
        limits=Limits(timeout_s=0.2),
    )
    with pytest.raises(CallError, match=r"within 0\.2 s"):
        run(direct.complete(make_call(candidate=hasty)))
    assert chat_server.requests[1].body["model"] == "other"

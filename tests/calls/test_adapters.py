"""Both adapters against one server over real HTTP: the same fault is the same kind of failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.calls.client import Clients
from llmroute.errors import CallError
from llmroute.records import Candidate, Completion, Limits, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

# LiteLLM and what it imports warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings("ignore")

KEY = "sk-canary-0123456789abcdef"
ADAPTERS = ("direct", "litellm")


@pytest.fixture(scope="module")
def clients(run: Any) -> Iterator[Clients]:
    clients = Clients(env={"OPENAI_API_KEY": "sk-other-0123456789"})
    yield clients
    run(clients.close())


@pytest.fixture
def ask(chat_server: Any, clients: Clients, make_call: Any, run: Any) -> Any:
    def ask(adapter: str, *, timeout_s: float = 20.0, base: str | None = None) -> Completion:
        candidate = Candidate(
            "model-a",
            "openai/served",
            api_base=base or chat_server.url,
            api_key=KEY,
            adapter=adapter,  # type: ignore[arg-type]
            limits=Limits(timeout_s=timeout_s),
        )
        call = make_call(candidate=candidate, max_tokens=16)
        completion: Completion = run(clients(candidate).complete(call))
        return completion

    return ask


def error(message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "type": "some_error"}}


STATUSES = [
    (400, error("bad temperature"), "bad_request"),
    (400, error("maximum context length is 8192", "context_length_exceeded"), "context_too_long"),
    (400, error("rejected by our safety system", "content_policy_violation"), "content_refused"),
    (401, error("no such key"), "unauthorized"),
    (403, error("not for you"), "unauthorized"),
    (404, error("no such model", "model_not_found"), "not_found"),
    (408, error("too slow"), "timed_out"),
    (409, error("conflict"), "bad_request"),
    (413, error("too large"), "context_too_long"),
    (422, error("bad field"), "bad_request"),
    (429, error("slow down", "rate_limit_exceeded"), "rate_limited"),
    (429, error("You exceeded your current quota", "insufficient_quota"), "unauthorized"),
    (500, error("oops"), "server_error"),
    (502, b"<html>bad gateway</html>", "server_error"),
    (503, error("rate limit reached, slow down"), "server_error"),
    (504, error("upstream timed out"), "server_error"),
    (529, error("overloaded"), "server_error"),
]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(("status", "body", "kind"), STATUSES)
def test_a_status_is_the_same_kind_of_failure_through_both_adapters(
    chat_server: Any, ask: Any, adapter: str, status: int, body: Any, kind: str
) -> None:
    chat_server.script = lambda asked: chat_server.reply(body, status=status)
    with pytest.raises(CallError) as failed:
        ask(adapter)
    assert (failed.value.kind, failed.value.status) == (kind, status)
    assert len(chat_server.requests) == 1
    assert KEY not in str(failed.value)
    assert chat_server.url in str(failed.value)
    assert failed.value.fix


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_through_both_adapters(
    chat_server: Any, ask: Any, adapter: str, status: int
) -> None:
    chat_server.script = lambda asked: chat_server.reply(
        error("wait"), status=status, headers={"Retry-After": "7"}
    )
    with pytest.raises(CallError) as failed:
        ask(adapter)
    assert failed.value.retry_after_s == 7.0


def truncated(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode()[:80]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (lambda s: s.reply(fault="reset"), "connection"),
        (lambda s: s.reply(s.answer(), fault="cut"), "connection"),
        (lambda s: s.reply(fault="hang"), "timed_out"),
        (lambda s: s.reply(s.answer(), fault="trickle"), "timed_out"),
        (
            lambda s: s.reply(b"<html>hi</html>", headers={"Content-Type": "text/html"}),
            "malformed_answer",
        ),
        (lambda s: s.reply(truncated(s.answer())), "malformed_answer"),
        (lambda s: s.reply(b""), "malformed_answer"),
        (lambda s: s.reply([1, 2]), "malformed_answer"),
        (lambda s: s.reply({"id": "x"}), "malformed_answer"),
        (lambda s: s.reply(s.answer(choices=[])), "malformed_answer"),
        (lambda s: s.reply(s.answer(None)), "malformed_answer"),
        (lambda s: s.reply(s.answer("x" * 20 * 2**20)), "malformed_answer"),
        (lambda s: s.reply(b"", status=204), "malformed_answer"),
        (lambda s: s.reply(error("upstream is full", 429)), "rate_limited"),  # type: ignore[arg-type]
    ],
    ids=[
        "reset",
        "cut",
        "hang",
        "trickle",
        "html",
        "half-json",
        "empty-body",
        "list",
        "no-choices",
        "empty-choices",
        "null-content",
        "20-MB",
        "no-content",
        "error-in-200",
    ],
)
def test_a_broken_answer_is_the_same_kind_of_failure_through_both_adapters(
    chat_server: Any, ask: Any, adapter: str, broken: Any, kind: str
) -> None:
    chat_server.script = lambda asked: broken(chat_server)
    slow = kind == "timed_out"
    with pytest.raises(CallError) as failed:
        ask(adapter, timeout_s=0.3 if slow else 20.0)
    assert failed.value.kind == kind
    assert KEY not in str(failed.value)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_refused_port_is_a_failed_connection(ask: Any, adapter: str) -> None:
    with pytest.raises(CallError) as failed:
        ask(adapter, base="http://127.0.0.1:9/v1")
    assert failed.value.kind == "connection"
    assert "http://127.0.0.1:9/v1" in str(failed.value)


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
            Usage(7, 3),
        ),
        (
            {
                "prompt_tokens": 7,
                "completion_tokens": 3,
                "total_tokens": 10,
                "prompt_tokens_details": {"cached_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(7, 3, 5, 2),
        ),
        ({"prompt_tokens": -7, "completion_tokens": -3, "total_tokens": -10}, Usage()),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Usage()),
        (None, Usage()),
    ],
)
def test_tokens_are_what_the_endpoint_counted_or_unknown(
    chat_server: Any, ask: Any, adapter: str, usage: Any, expected: Usage
) -> None:
    chat_server.script = lambda asked: chat_server.answer("fine", usage=usage)
    completion = ask(adapter)
    assert (completion.output, completion.usage) == ("fine", expected)
    assert completion.finish_reason == "stop"
    assert completion.recorded_cost_usd is None
    assert completion.latency_s > 0


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_no_usage_at_all_is_unknown_and_not_zero(chat_server: Any, ask: Any, adapter: str) -> None:
    answer = chat_server.answer("fine")
    del answer["usage"]
    chat_server.script = lambda asked: answer
    assert ask(adapter).usage == Usage()


def test_direct_keeps_an_answer_whose_counts_are_no_numbers(chat_server: Any, ask: Any) -> None:
    usage = {"prompt_tokens": float("nan"), "completion_tokens": "3"}
    chat_server.script = lambda asked: chat_server.answer("fine", usage=usage)
    assert ask("direct").usage == Usage()


def test_litellm_loses_an_answer_whose_counts_are_no_numbers(chat_server: Any, ask: Any) -> None:
    usage = {"prompt_tokens": float("nan"), "completion_tokens": "3"}
    chat_server.script = lambda asked: chat_server.answer("fine", usage=usage)
    with pytest.raises(CallError) as failed:
        ask("litellm")
    assert failed.value.kind == "malformed_answer"
    assert "Traceback" not in str(failed.value)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_answer_under_the_wrong_content_type_is_read(
    chat_server: Any, ask: Any, adapter: str
) -> None:
    chat_server.script = lambda asked: chat_server.reply(
        chat_server.answer("fine"), headers={"Content-Type": "text/plain"}
    )
    assert ask(adapter).output == "fine"


def choice(content: str | None, finish: str) -> dict[str, Any]:
    return {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "finish_reason": finish,
    }


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("content", ["", None])
def test_an_answer_the_filter_emptied_is_a_refusal(
    chat_server: Any, ask: Any, adapter: str, content: str | None
) -> None:
    chat_server.script = lambda asked: chat_server.answer(
        choices=[choice(content, "content_filter")]
    )
    with pytest.raises(CallError) as failed:
        ask(adapter)
    assert failed.value.kind == "content_refused"


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_model_that_thought_until_max_tokens_has_answered_nothing(
    chat_server: Any, ask: Any, adapter: str
) -> None:
    chat_server.script = lambda asked: chat_server.answer(choices=[choice(None, "length")])
    completion = ask(adapter)
    assert (completion.output, completion.finish_reason) == ("", "length")
    assert completion.usage == Usage(7, 3)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_both_adapters_send_the_same_request(chat_server: Any, ask: Any, adapter: str) -> None:
    ask(adapter)
    (asked,) = chat_server.requests
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["model"] == "served"
    assert asked.body["messages"] == [{"role": "user", "content": "hello"}]
    assert asked.body["max_tokens"] == 16
    assert not asked.body.get("stream")


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_key_the_endpoint_sends_back_is_masked(chat_server: Any, ask: Any, adapter: str) -> None:
    chat_server.script = lambda asked: f"you sent {asked.headers['authorization']}"
    assert ask(adapter).output == "you sent Bearer [key]"


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_openais_key_does_not_travel_to_another_api_base(
    chat_server: Any, clients: Clients, make_call: Any, run: Any, adapter: str
) -> None:
    candidate = Candidate(
        "model-b",
        "openai/served",
        api_base=chat_server.url,
        adapter=adapter,  # type: ignore[arg-type]
    )
    run(clients(candidate).complete(make_call(candidate=candidate)))
    (asked,) = chat_server.requests
    assert asked.headers.get("authorization", "Bearer none") == "Bearer none"


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_closed_client_answers_again(
    chat_server: Any, ask: Any, clients: Clients, run: Any, adapter: str
) -> None:
    ask(adapter)
    run(clients.close())
    assert ask(adapter).output == "ok"
    assert len(chat_server.requests) == 2


def test_litellm_is_told_to_stay_quiet_and_local_before_it_is_imported() -> None:
    import os

    from llmroute.calls.litellm_client import import_litellm

    litellm = import_litellm()
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert os.environ["LITELLM_MODE"] == "PRODUCTION"
    assert litellm.suppress_debug_info is True

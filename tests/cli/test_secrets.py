"""Canary keys in seven places, through every command and failure: none may come out anywhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

Invoke = Callable[..., Any]

CANARIES = {
    "OPENAI_API_KEY": "sk-proj-CANARYaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "GATEWAY_API_KEY": "CANARY/bbbb+bbbb=bbbbbbbb",
    "GATEWAY_PASSWORD": "CANARY-cccc-cccc",
    "QUERY_KEY": "CANARYdddddddddddd",
    "HEADER_TOKEN": "CANARY.eeee.eeee.eeee",
    "PLAIN_NAME": "CANARYffffffffffffffff",
    "ODD_HEADER": "CANARYgggggggggggggggg",
}
"""Variable → value: OpenAI's own form, a free form, and what stands in an address, a query, a
header, in a variable whose name does not say that it is a key, and in a header of such a name."""


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    return CANARIES


@pytest.fixture
def project(folder: Path, suite: Path, chat_server: Any, canaries: dict[str, str]) -> str:
    """Candidates, a key in another place in each; returns the server's address."""
    suite.write_text("\n".join(suite.read_text().splitlines()[:12]) + "\n")
    host = chat_server.url.removeprefix("http://")
    price = "price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}, limits: {max_attempts: 2}"
    (folder / "llmroute.yaml").write_text(
        f"""suites: [suites/*.yaml]
candidates:
  - {{name: env, model: hosted_vllm/env, api_base: '{chat_server.url}',
     api_key: '${{GATEWAY_API_KEY}}', {price}}}
  - {{name: raw, model: openai/raw, api_base: '{chat_server.url}',
     api_key: {canaries["OPENAI_API_KEY"]}, {price}}}
  - {{name: user, model: openai/user, api_base: 'http://me:${{GATEWAY_PASSWORD}}@{host}', {price}}}
  - {{name: query, model: openai/query, api_base: '{chat_server.url}?key=${{QUERY_KEY}}', {price}}}
  - {{name: header, model: openai/header, api_base: '{chat_server.url}',
     params: {{extra_headers: {{Authorization: 'Bearer ${{HEADER_TOKEN}}'}}}}, {price}}}
  - {{name: odd, model: openai/odd, api_base: '{chat_server.url}',
     params: {{extra_headers: {{X-Team: '${{ODD_HEADER}}', X-Title: bench}}}}, {price}}}
  - {{name: plain, model: openai/plain, api_base: '{chat_server.url}', api_key: '${{PLAIN_NAME}}',
     {price}}}
  - {{name: lite, model: openai/lite, api_base: '{chat_server.url}', adapter: litellm,
     api_key: '${{PLAIN_NAME}}', {price}}}
"""
    )
    return str(chat_server.url)


def forms(value: str) -> Iterator[bytes]:
    """A key as it is, and as addresses and headers carry it."""
    yield value.encode()
    yield quote(value, safe="").encode()
    yield base64.b64encode(value.encode()).rstrip(b"=")
    yield base64.b64encode(f"me:{value}".encode()).rstrip(b"=")


def leaks(content: bytes) -> set[str]:
    return {name for name, value in CANARIES.items() for form in forms(value) if form in content}


def assert_no_leak(folder: Path, *results: Any) -> None:
    for result in results:
        assert leaks(result.stdout.encode()) == set(), result.stdout
        assert leaks(result.stderr.encode()) == set(), result.stderr
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "llmroute.yaml":
            assert leaks(path.read_bytes()) == set(), path


def echo(asked: Any) -> str:
    """All a server has seen of the request, as careless ones put it into their messages."""
    return f"bad key in {asked.headers} for {asked.path} with {asked.body}"


def refusal(status: int) -> Callable[[Any], Callable[[Any], Any]]:
    def script(server: Any) -> Callable[[Any], Any]:
        return lambda asked: server.reply(
            {"error": {"message": echo(asked), "type": "x", "code": "y"}}, status=status
        )

    return script


FAILURES: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "401": refusal(401),
    "400": refusal(400),
    "429": refusal(429),
    "500": refusal(500),
    "html": lambda server: (
        lambda asked: server.reply(
            f"<h1>{echo(asked)}</h1>".encode(), status=502, headers={"Content-Type": "text/html"}
        )
    ),
    "malformed": lambda server: lambda asked: server.reply({"debug": echo(asked)}),
    "half a JSON": lambda server: lambda asked: server.reply(f'{{"x": "{echo(asked)}'.encode()),
    "reset": lambda server: lambda asked: server.reply(fault="reset"),
    "redirect": lambda server: (
        lambda asked: server.reply(
            {}, status=302, headers={"Location": f"http://127.0.0.1:9{asked.path}"}
        )
    ),
}


def test_the_canaries_really_reach_the_server(
    project: str, chat_server: Any, llmroute: Invoke, colour_in: Any
) -> None:
    chat_server.script = colour_in
    assert llmroute("bench", "-n", 1, "-q").exit_code == 0
    seen = "\n".join(echo(asked) for asked in chat_server.requests)
    credentials = base64.b64encode(f"me:{CANARIES['GATEWAY_PASSWORD']}".encode()).decode()
    assert f"Basic {credentials}" in seen
    for name in (
        "OPENAI_API_KEY",
        "GATEWAY_API_KEY",
        "QUERY_KEY",
        "PLAIN_NAME",
        "HEADER_TOKEN",
        "ODD_HEADER",
    ):
        assert CANARIES[name] in seen, name


@pytest.mark.parametrize("debug", ["", "1"])
def test_no_key_comes_out_of_any_command(
    project: str,
    chat_server: Any,
    llmroute: Invoke,
    folder: Path,
    debug: str,
    monkeypatch: pytest.MonkeyPatch,
    colour_in: Any,
) -> None:
    monkeypatch.setenv("LLMROUTE_DEBUG", debug)
    chat_server.script = colour_in
    outputs = ["r.md", "r.csv", "r.json", "r.junit.xml", "r.html", "r.yaml", "r.jsonl"]
    further = [part for name in outputs for part in ("-o", name)]
    results = [
        llmroute("bench", "--record", "answers.jsonl", *further),
        llmroute("bench", "--refresh", "--json", "-n", 2),
        llmroute("bench", "--offline"),
        llmroute("map", "--json"),
        llmroute("report", "-o", "again.html"),
        llmroute("models", "--json"),
        llmroute("suites", "list"),
        llmroute("suites", "show", "colours"),
        llmroute("suites", "lint"),
        llmroute("store", "stats", "--json"),
        llmroute("store", "prune", "--keep-runs", 1, "--yes"),
        llmroute("store", "verify", "--salvage", "saved.db"),
        llmroute("init", "--no-probe"),
        llmroute("bench", "--candidate", "nobody"),
        llmroute("bench", "--suite", "nothing"),
    ]
    assert [result.exit_code for result in results[:6]] == [0] * 6
    assert_no_leak(folder, *results)


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_no_key_comes_out_of_a_failure_that_echoes_it(
    project: str,
    chat_server: Any,
    llmroute: Invoke,
    folder: Path,
    failure: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LLMROUTE_DEBUG", "1")
    chat_server.script = FAILURES[failure](chat_server)
    result = llmroute("bench", "-n", 1, "-o", "r.md", "-o", "r.csv", "-o", "r.junit.xml")
    assert result.exit_code == 3, result.stderr
    assert_no_leak(folder, result, llmroute("map"), llmroute("report"))


def test_no_key_comes_out_of_a_refused_connection(
    project: str, llmroute: Invoke, folder: Path, chat_server: Any
) -> None:
    config = folder / "llmroute.yaml"
    port = chat_server.url.rpartition(":")[2].partition("/")[0]
    config.write_text(config.read_text().replace(f":{port}/", ":9/"))
    result = llmroute("bench", "-n", 1)
    assert result.exit_code == 3
    assert_no_leak(folder, result)


@pytest.mark.parametrize(
    "fault",
    [
        "candidates: [{model: openai/m, api_key: '${PLAIN_NAME}', colour: '${QUERY_KEY}'}]",
        "candidates: [{model: openai/m, api_base: '${GATEWAY_API_KEY}'}]",
        "candidates: [{model: openai/m, api_base: 'http://me:${GATEWAY_PASSWORD}@[::1/v1'}]",
        "candidates: [{model: openai/m, limits: {rpm: '${QUERY_KEY}'}}]",
        "candidates: [{model: openai/m, api_key: sk-proj-CANARYaaaaaaaaaaaaaaaaaaaaaaaaaa, x: 1}]",
        "candidates: [openai/m]\nquality: {threshold: '${HEADER_TOKEN}'}",
        "candidates: [openai/m]\nseed: '${OPENAI_API_KEY}'",
    ],
)
@pytest.mark.parametrize("debug", ["", "1"])
def test_no_key_comes_out_of_a_configuration_that_is_wrong(
    project: str,
    llmroute: Invoke,
    folder: Path,
    fault: str,
    debug: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LLMROUTE_DEBUG", debug)
    (folder / "llmroute.yaml").write_text(f"suites: [suites/*.yaml]\n{fault}\n")
    result = llmroute("bench")
    assert result.exit_code == 2, result.stderr
    assert_no_leak(folder, result)


def test_no_key_comes_out_of_a_bug_of_ours(
    project: str, llmroute: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: Any) -> None:
        raise RuntimeError(f"state: {CANARIES}")

    monkeypatch.setenv("LLMROUTE_DEBUG", "1")
    monkeypatch.setattr("llmroute.pipeline.select_suites", crash)
    result = llmroute("bench")
    assert result.exit_code == 70
    # Nothing says of these two that they are keys, and no candidate was known yet.
    assert leaks(result.stderr.encode()) <= {"PLAIN_NAME", "ODD_HEADER"}

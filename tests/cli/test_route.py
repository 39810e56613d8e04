from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from llmroute.cli.app import app

Invoke = Callable[..., Any]
QUESTION = "A train covers 300 km in 3 hours, then 120 km in 2. What is its average speed?"


@pytest.fixture(scope="module")
def map_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of the embedded default, as `llmroute bench` leaves it."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(app, ["bench", "--quiet"])
    assert result.exit_code == 0, result.stderr
    return folder / "llmroute-out" / "routing-map.yaml"


@pytest.fixture
def route(map_file: Path) -> Invoke:
    """Runs `llmroute route`, with bytes on stdin."""

    def invoke(*args: Any, stdin: bytes | str = b"") -> Any:
        words = ["route", "--map", str(map_file), *map(str, args)]
        return CliRunner().invoke(app, words, input=stdin)

    return invoke


def test_a_prompt_gets_its_model_and_the_reason(route: Invoke) -> None:
    result = route("Summarise these notes in one sentence: Ann was late.")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "model      builtin/rules\n"
        "task       summarization, by rule (pattern 'Summarise')\n"
        "reason     no candidate clears the bar, so builtin/rules answers\n"
        "fallbacks  builtin/tfidf\n"
        "cost       <$0.001 per 1,000 requests\n"
    )


def test_json_is_versioned_and_alone_on_stdout(route: Invoke) -> None:
    document = json.loads(route(QUESTION, "--json").stdout)
    assert document.pop("similarity") > 0.5
    assert document.pop("expected_usd_per_1k") > 0
    assert document == {
        "schema": "llmroute/route/1",
        "model": "builtin/rules",
        "task": "math_reasoning",
        "layer": "semantic",
        "reason": "no candidate clears the bar, so builtin/rules answers",
        "fallbacks": ["builtin/tfidf"],
        "strong_win_rate": None,
        "query_routed": False,
    }


def test_explain_says_what_each_layer_saw(route: Invoke) -> None:
    result = route(QUESTION, "--explain")
    lines = dict(line.split("  ", 1) for line in result.stdout.splitlines()[5:])
    assert lines["tag"].strip() == "nothing"
    assert lines["rule"].strip() == "nothing"
    assert lines["semantic"].strip().startswith("math_reasoning 0.")
    assert lines["semantic"].endswith(" is enough")
    assert lines["query router"].strip() == "not asked"
    ruled = route("Please solve for x: 2x = 4", "--explain", "--json")
    explained = json.loads(ruled.stdout)["explain"]
    assert explained["signs"] == {"math_reasoning": [{"kind": "pattern", "found": "solve for x"}]}
    assert explained["similarities"] == {}


@pytest.mark.parametrize("args", [["-"], []])
def test_a_prompt_comes_through_a_pipe(args: list[str], route: Invoke) -> None:
    result = route(*args, "--json", stdin="Solve for x: 2x = 4\n")
    assert json.loads(result.stdout)["task"] == "math_reasoning"


MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Solve for y: y = 4 + 1"}]},
]


@pytest.mark.parametrize("content", [MESSAGES, {"model": "x", "messages": MESSAGES}])
def test_messages_come_as_a_list_or_as_a_requests_body(
    content: Any, route: Invoke, tmp_path: Path
) -> None:
    file = tmp_path / "messages.json"
    file.write_text(json.dumps(content))
    for result in (
        route("--messages", file, "--json"),
        route("--messages", "-", "--json", stdin=json.dumps(content)),
    ):
        assert json.loads(result.stdout)["task"] == "math_reasoning"


def test_lines_get_their_decisions_in_order(route: Invoke) -> None:
    lines = [
        {"id": "a", "prompt": "Solve for x: 2x = 4"},
        {"id": 7, "messages": MESSAGES, "model": "passed over"},
        {"prompt": "whatever", "task": "formatting"},
        {"id": "d", "prompt": "whatever", "tags": ["rag", "team:x"]},
        {"id": "e", "prompt": "whatever", "metadata": {"task": "extraction", "user": 3}},
        {"id": "f", "prompt": ""},
    ]
    result = route("--jsonl", stdin="".join(json.dumps(line) + "\n" for line in lines))
    assert result.exit_code == 0, result.stderr
    decided = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["id"], one["task"], one["layer"]) for one in decided] == [
        ("a", "math_reasoning", "rule"),
        (7, "math_reasoning", "rule"),
        (None, "formatting", "tag"),
        ("d", "grounded_qa", "tag"),
        ("e", "extraction", "tag"),
        ("f", None, "unknown"),
    ]
    assert decided[-1]["reason"] == "the request is empty: the reference answers"


def test_a_line_is_answered_before_the_next_one_comes(map_file: Path) -> None:
    words = [sys.executable, "-m", "llmroute", "route", "--map", str(map_file), "--jsonl"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout
        for task in ("formatting", "extraction"):
            process.stdin.write(json.dumps({"prompt": "x", "task": task}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["task"] == task
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("args", "stdin", "said"),
    [
        ([], b"", "the request is empty"),
        (["  "], b"", "the request is empty"),
        (["--messages", "-"], b"[]", "the request is empty"),
        ([], b"a\0b", "binary data, not text (a zero byte at 1)"),
        ([], b"caf\xe9", "not UTF-8 (byte 3 is 0xe9)"),
        (["--messages", "-"], b"{", "stdin: not JSON"),
        (["--messages", "-"], b'"hi"', "there is no list of messages"),
        (["--messages", "-"], b"[1]", "message 1 has no role"),
        (["--messages", "nowhere.json"], b"", "nowhere.json: cannot be read"),
        (["hi", "--jsonl"], b"", "a text and --jsonl are both given"),
        (["hi", "--task", "formating"], b"", "Did you mean 'formatting'?"),
        (["hi", "--tag", "rga"], b"", "--tag: unknown tag 'rga'\nDid you mean 'rag'?"),
        (["--jsonl"], b'{"prompt": "a"}\n{"prompt": \n', "stdin:2: not JSON"),
        (["--jsonl"], b'{"prompt": "a"}\n\n[1]\n', "stdin:3: the line holds a list"),
        (["--jsonl"], b'{"prompt": 3}\n', "stdin:1: 'prompt' is 3, not a text"),
        (["--jsonl"], b'{"id": 1}\n', "stdin:1: the line asks nothing"),
        (["--jsonl"], b'{"prompt": "a", "task": "sum"}\n', "stdin:1: unknown task 'sum'"),
        (["--jsonl"], b'{"prompt": "a", "tags": 3}\n', "stdin:1: 'tags' is 3"),
        (["--jsonl"], b'{"prompt": "a", "metadata": []}\n', "stdin:1: metadata is no mapping"),
        (["--jsonl"], b'{"messages": "hi", "prompt": "a"}\n', "stdin:1: 'messages' is no list"),
        (["--jsonl"], b"\xff\xfe\n", "stdin:1: the text is not UTF-8"),
    ],
)
def test_what_cannot_be_routed_is_said_and_ends_with_2(
    args: list[str], stdin: bytes, said: str, route: Invoke
) -> None:
    result = route(*args, stdin=stdin)
    assert result.exit_code == 2
    assert said in result.stderr


def test_lines_before_a_broken_one_are_answered(route: Invoke) -> None:
    result = route("--jsonl", stdin='{"id": 1, "prompt": "a"}\n{"id": 2, "prom')
    assert result.exit_code == 2
    assert json.loads(result.stdout)["id"] == 1
    assert "stdin:2: the last line ends in the middle" in result.stderr


def test_a_prompt_of_a_megabyte_is_read_in_part_and_says_so(route: Invoke) -> None:
    result = route(stdin="Solve for x: 2x = 4. " + "word " * 210_000)
    assert result.exit_code == 0
    assert "math_reasoning, by rule" in result.stdout
    assert "Of its 1,050,020 characters the first 9,000 and the last 3,000 are read." in (
        result.stderr
    )


def test_a_map_of_a_later_version_or_none_is_refused(route: Invoke, map_file: Path) -> None:
    later = map_file.with_name("later.yaml")
    later.write_text(map_file.read_text().replace("version: 1", "version: 2", 1))
    result = CliRunner().invoke(app, ["route", "hi", "--map", str(later)])
    assert result.exit_code == 2
    assert "routing map version 2 is not one this llmroute reads" in result.stderr
    result = CliRunner().invoke(app, ["route", "hi", "--map", str(map_file.parent / "no.yaml")])
    assert result.exit_code == 2
    assert "there is no routing map here" in result.stderr


def test_a_map_without_its_query_router_is_refused(map_file: Path, tmp_path: Path) -> None:
    router = (
        "query_router: {router: tfidf, artefact: query-router.json, sha256: " + "a" * 64 + ", "
        "weak: builtin/rules, strong: builtin/tfidf, routing_threshold: 0.5, "
        "strong_share: {value: 0.5, low: 0.4, high: 0.6}, apgr: {value: 0.6, low: 0.5, high: 0.7}}"
    )
    path = tmp_path / "map.yaml"
    path.write_text(f"{map_file.read_text()}{router}\n")
    result = CliRunner().invoke(app, ["route", "hi", "--map", str(path)])
    assert result.exit_code == 2
    assert "the map's query router is not beside it" in result.stderr


def test_terminal_escapes_in_a_prompt_are_shown_and_not_obeyed(route: Invoke) -> None:
    hostile = "Extract \x1b]0;owned\x07\u202e the fields: a"
    result = route(hostile, "--explain")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    assert "extraction" in result.stdout


@given(st.binary(max_size=60))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_bytes_come_are_decided_or_refused(route: Invoke, content: bytes) -> None:
    for args in ([], ["--jsonl"], ["--messages", "-"]):
        assert route(*args, stdin=content).exit_code in (0, 2)


def test_neither_litellm_nor_pandas_is_imported_and_a_rule_needs_no_numpy(map_file: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from llmroute.cli.app import app\n"
        f"def route(text): assert CliRunner().invoke(app, ['route', text, '-m', {str(map_file)!r}])"
        ".exit_code == 0\n"
        "route('Solve for x: 2x = 4'); assert 'numpy' not in sys.modules\n"
        "route('How far is it?'); assert 'numpy' in sys.modules\n"
        "assert not {'litellm', 'pandas', 'jinja2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Suites that run what models write: refused, allowed, and run once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from llmroute.metrics import python_tests
from llmroute.sandbox.preflight import check_sandbox

Invoke = Callable[..., Result]

SUITE = """\
name: code
task: code
prompt: "{{ input }}"
extract: [code_block]
metric: {name: python_tests, mode: all}
quality_threshold: 0.5
samples:
"""
SAMPLE = """\
  - id: s{i}
    input: "Write add_{i}(x), which adds {i}."
    target: "def add_{i}(x): return x + {i}"
    group: sums
    difficulty: easy
    tests: ["assert add_{i}(1) == {one}", "assert add_{i}(-1) == {two}"]
"""


@pytest.fixture
def code_suite(folder: Path, chat_server: Any) -> Path:
    """Twelve samples, and a model that gets all but the last right."""
    python_tests._passed.cache_clear()  # what another test has run
    path = folder / "suites/code.yaml"
    path.parent.mkdir()
    path.write_text(SUITE + "".join(SAMPLE.format(i=i, one=i + 1, two=i - 1) for i in range(12)))

    def answer(asked: Any) -> str:
        number = int(asked.prompt.split("add_")[1].split("(")[0])
        sign = "+" if number < 11 else "-"
        return f"```python\ndef add_{number}(x):\n    return x {sign} {number}\n```"

    chat_server.script = answer
    (folder / "llmroute.yaml").write_text(
        "suites: [suites/*.yaml]\ncandidates:\n"
        f"  - {{model: openai/m, name: m, api_base: '{chat_server.url}', api_key: k,"
        " price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}}\n"
    )
    return path


def test_without_permission_it_is_refused_before_a_call_is_made(
    code_suite: Path, chat_server: Any, llmroute: Invoke
) -> None:
    result = llmroute("bench")
    assert result.exit_code == 2
    assert "scoring runs what the candidates write" in result.stderr
    assert "Add --allow-code-execution" in result.stderr
    assert chat_server.requests == []


def test_no_file_can_give_the_permission(
    code_suite: Path, chat_server: Any, folder: Path, llmroute: Invoke
) -> None:
    config = folder / "llmroute.yaml"
    config.write_text(config.read_text() + "allow_code_execution: true\n")
    assert llmroute("bench").exit_code == 2
    assert chat_server.requests == []


def test_without_bubblewrap_it_is_refused_and_the_message_says_how_to_get_it(
    code_suite: Path,
    chat_server: Any,
    llmroute: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_sandbox.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in ("bench", "suites lint"):
        result = llmroute(*command.split(), "--allow-code-execution")
        assert result.exit_code == 2
        assert "apt install bubblewrap" in result.stderr
    assert chat_server.requests == []


@pytest.fixture
def starts(
    sandbox: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], int]:
    """How many sandboxes were started since."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "bwrap").touch(0o755)
    (folder / "bwrap").write_text(
        f'#!/bin/sh\necho >> {folder}/log\nexec {shutil.which("bwrap")} "$@"\n'
    )
    (folder / "log").touch()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return lambda: len((folder / "log").read_text())


def test_answers_are_run_once_and_their_scores_kept(
    code_suite: Path, starts: Callable[[], int], llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("bench", "--allow-code-execution")
    assert result.exit_code == 0, result.stderr
    lines = (folder / "llmroute-out/outcomes.jsonl").read_text().splitlines()
    outcomes = [json.loads(line) for line in lines]
    assert [o["models"]["m"]["score"] for o in outcomes] == [1.0] * 11 + [0.0]
    assert starts() == 12
    first = (folder / "llmroute-out/outcomes.jsonl").read_bytes()
    assert llmroute("bench", "--allow-code-execution").exit_code == 0
    assert llmroute("map", "-t", "0.9").exit_code == 0
    assert starts() == 12
    assert (folder / "llmroute-out/outcomes.jsonl").read_bytes() == first


def test_what_could_not_be_scored_is_tried_again(
    code_suite: Path,
    sandbox: None,
    llmroute: Invoke,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    broken = tmp_path_factory.mktemp("bin") / "bwrap"
    broken.touch(0o755)
    broken.write_text("#!/bin/sh\necho 'bwrap: no room' >&2\nexit 1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(broken.parent), prepend=":")
        result = llmroute("bench", "--allow-code-execution", "--limit", 3)
    assert "0 of 3 planned calls carry a score" in result.stdout
    assert "no room" in (folder / "llmroute-out/outcomes.jsonl").read_text()
    result = llmroute("bench", "--allow-code-execution", "--limit", 3)
    assert "3 of 3 planned calls carry a score" in result.stdout


def test_lint_runs_targets_only_where_it_may(
    code_suite: Path, sandbox: None, llmroute: Invoke
) -> None:
    code_suite.write_text(code_suite.read_text().replace("return x + 3", "return x - 3"))
    allowed = llmroute("suites", "lint", code_suite, "--allow-code-execution")
    assert allowed.exit_code == 2
    assert "[target_fails]" in allowed.stdout
    assert "sample 's3'" in allowed.stdout


def test_lint_without_permission_says_what_it_did_not_look_at(
    code_suite: Path, llmroute: Invoke
) -> None:
    result = llmroute("suites", "lint", code_suite)
    assert result.exit_code == 0
    assert "[not_run]" in result.stdout

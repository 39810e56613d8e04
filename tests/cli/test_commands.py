from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import llmroute

Invoke = Callable[..., Any]


def write_outcomes(path: Path) -> Path:
    rows = [
        {
            "id": f"q{i}",
            "task": "t",
            "prompt": "p",
            "models": {
                "cheap": {
                    "score": float(i % 10 > 0),
                    "prompt_tokens": 100,
                    "completion_tokens": 50,
                },
                "dear": {"score": 1.0, "prompt_tokens": 100, "completion_tokens": 50},
            },
        }
        for i in range(300)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def outcomes(folder: Path) -> Path:
    (folder / "prices.csv").write_text(
        "model,input_usd_per_1m,output_usd_per_1m\ncheap,0.1,0.4\ndear,10,30\n"
    )
    return write_outcomes(folder / "outcomes.jsonl")


def test_map_decides_from_outcomes_files(outcomes: Path, llmroute: Invoke) -> None:
    result = llmroute("map", "--data", outcomes, "--prices", "prices.csv", "-t", "0.85", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["version"] == 1
    assert document["reference"] == "dear"
    task = document["tasks"]["t"]
    assert (task["route"], task["verdict"]) == ("cheap", "proven")
    assert task["evidence"]["cost_usd_per_1k"] == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("arguments", "route"),
    [
        (("-t", "0.89"), "cheap"),
        (("-t", "0.89", "--evidence", "proven"), "dear"),
        (("-t", "0.95"), "dear"),
        (("-t", "of_best:0.85"), "cheap"),
        (("-t", "of_reference:0.99", "--reference", "cheap"), "cheap"),
    ],
)
def test_map_follows_bar_evidence_and_reference(
    outcomes: Path, llmroute: Invoke, arguments: tuple[str, ...], route: str
) -> None:
    result = llmroute("map", "-d", outcomes, "--prices", "prices.csv", "--json", *arguments)
    assert json.loads(result.stdout)["tasks"]["t"]["route"] == route


def test_the_map_keeps_the_prices_it_was_decided_with(outcomes: Path, llmroute: Invoke) -> None:
    document = json.loads(
        llmroute("map", "-d", outcomes, "--prices", "prices.csv", "--json").stdout
    )
    price = document["provenance"]["candidates"]["cheap"]["price"]
    assert (price["input_usd_per_mtok"], price["output_usd_per_mtok"]) == (0.1, 0.4)


def test_a_map_says_when_its_oldest_answer_was_given(folder: Path, llmroute: Invoke) -> None:
    llmroute("bench", "--limit", 6, "--suite", "classification")
    llmroute("bench", "--limit", 7, "--suite", "classification")
    first, second = (
        json.loads(llmroute("map", "--json", "--run", run).stdout)["provenance"]
        for run in _runs(folder)
    )
    assert first["run_id"] != second["run_id"]
    assert first["oldest_answer"] == second["oldest_answer"] <= second["started"]


def _runs(folder: Path) -> list[str]:
    from llmroute.store import StoreReader

    with StoreReader.open(folder / ".llmroute/store.db") as reader:
        return [run.run_id for run in reader.runs()]


def test_without_prices_nothing_is_the_cheapest(outcomes: Path, llmroute: Invoke) -> None:
    document = json.loads(llmroute("map", "-d", outcomes, "--json").stdout)
    task = document["tasks"]["t"]
    assert task["verdict"] == "fallback"
    assert "not priced" in task["rejected"][0]["reason"]
    assert document["savings"]["saved_usd_per_1k"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-t", "85"), "is no quality bar"),
        (("-t", "of_worst:0.9"), "is no quality bar"),
        (("-t", "nan"), "is no quality bar"),
        (("--confidence", "1.5"), "is no confidence"),
        (("--reference", "deer"), "Did you mean 'dear'?"),
        (("--prices", "nowhere.csv"), "nowhere.csv"),
        (("-d", "nowhere.jsonl"), "nowhere.jsonl"),
        (("-o", "map.pdf"), "no report form"),
    ],
)
def test_bad_values_end_in_words_and_exit_2(
    outcomes: Path, llmroute: Invoke, arguments: tuple[str, ...], words: str
) -> None:
    result = llmroute("map", "-d", outcomes, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_map_without_a_run_says_what_to_do(folder: Path, llmroute: Invoke) -> None:
    result = llmroute("map")
    assert result.exit_code in (2, 3)
    assert "llmroute bench" in result.stderr


def test_map_and_report_come_again_from_the_store(folder: Path, llmroute: Invoke) -> None:
    llmroute("bench", "--limit", 6, "--suite", "classification")
    first = (folder / "llmroute-out/routing-map.yaml").read_bytes()
    page = (folder / "llmroute-out/report.html").read_bytes()
    assert llmroute("map", "-o", "again.yaml").exit_code == 0
    assert (folder / "again.yaml").read_bytes() == first
    (folder / "llmroute-out/report.html").unlink()
    assert llmroute("report").exit_code == 0
    assert (folder / "llmroute-out/report.html").read_bytes() == page
    lower = json.loads(llmroute("map", "-t", "0.01", "--evidence", "mean", "--json").stdout)
    assert lower["tasks"]["classification"]["verdict"] != "fallback"


def test_init_writes_a_project_that_benches(folder: Path, llmroute: Invoke) -> None:
    result = llmroute("init", "--no-probe")
    assert result.exit_code == 0, result.stderr
    assert (folder / "llmroute.yaml").is_file()
    assert llmroute("suites", "lint").exit_code == 0
    assert llmroute("bench").exit_code == 0


def test_init_proposes_models_of_the_keys_it_finds_without_writing_the_keys(
    folder: Path, llmroute: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    monkeypatch.setenv("XAI_API_KEY", "xai-canary-0123456789")
    assert llmroute("init", "--no-probe").exit_code == 0
    text = (folder / "llmroute.yaml").read_text()
    candidates = yaml.safe_load(text)["candidates"]
    assert any(str(c).startswith("openai/") for c in candidates)
    assert "XAI_API_KEY is set" in text
    assert "canary" not in text
    assert llmroute("models").exit_code == 0


def test_init_never_overwrites(folder: Path, llmroute: Invoke) -> None:
    (folder / "llmroute.yaml").write_text("mine\n")
    result = llmroute("init", "--no-probe")
    assert result.exit_code == 0
    assert (folder / "llmroute.yaml").read_text() == "mine\n"
    assert "exists and stays as it is" in result.stderr


def test_models_lists_price_context_and_key(folder: Path, llmroute: Invoke) -> None:
    result = llmroute("models", "gpt-4o-mini", "--json")
    rows = {row["name"]: row for row in json.loads(result.stdout)["models"]}
    assert rows["gpt-4o-mini"]["input_usd_per_mtok"] == 0.15
    assert rows["gpt-4o-mini"]["context_tokens"] == 128_000
    assert rows["gpt-4o-mini"]["missing_key"] == "OPENAI_API_KEY"


def test_schema_prints_json_schemas(llmroute: Invoke) -> None:
    for name in ("config", "suite", "map"):
        document = json.loads(llmroute("schema", name).stdout)
        assert document["type"] == "object"
    wrong = llmroute("schema", "confg")
    assert wrong.exit_code == 2
    assert "Did you mean 'config'?" in wrong.stderr


def test_shipped_suites_are_listed_shown_and_pass_lint(folder: Path, llmroute: Invoke) -> None:
    listed = llmroute("suites", "list").stdout
    for name in ("classification", "extraction", "formatting", "grounded_qa", "math_reasoning"):
        assert name in listed
    shown = llmroute("suites", "show", "math_reasoning")
    assert "[user]" in shown.stdout
    linted = llmroute("suites", "lint")
    assert linted.exit_code == 0, linted.stdout
    assert "error [" not in linted.stdout


def test_lint_finds_what_is_wrong_and_exits_2(folder: Path, llmroute: Invoke) -> None:
    path = folder / "easy.yaml"
    path.write_text(
        "name: easy\ntask: easy\nmetric: exact\nsamples:\n"
        + "".join(f'  - {{id: s{i}, input: "q {i} {"x" * i}", target: "yes"}}\n' for i in range(20))
    )
    result = llmroute("suites", "lint", path)
    assert result.exit_code == 2
    assert "clear" in result.stdout


@pytest.mark.parametrize(
    "command", ["bench", "map", "report", "init", "models", "schema", "suites"]
)
def test_every_command_has_help(llmroute: Invoke, command: str) -> None:
    result = llmroute(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout) > 200


def test_help_loads_neither_litellm_nor_pandas() -> None:
    code = (
        "import sys\nsys.argv = ['llmroute', '--help']\n"
        "from llmroute.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        "heavy = {'litellm', 'pandas', 'numpy', 'rouge_score', 'aiohttp', 'pydantic', 'openai'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_python_dash_m_works_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llmroute", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("llmroute ")


def test_a_bug_of_ours_ends_with_70_and_no_traceback(
    folder: Path, llmroute: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmroute.config.json_schemas.json_schema", lambda name: 1 / 0)
    result = llmroute("schema", "config")
    assert result.exit_code == 70
    assert "this is a bug in llmroute: ZeroDivisionError" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_help_text_loses_words_to_rich_markup() -> None:
    """Square brackets around a word are a style to rich, and vanish from the help."""
    folder = Path(llmroute.__file__).parent / "cli"
    helps = [
        keyword.value.value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "help" and isinstance(keyword.value, ast.Constant)
    ]
    assert len(helps) > 100
    assert [text for text in helps if re.search(r"(?<!\\)\[[a-z#/@]", text)] == []

"""The commands, files and outputs of the README and of docs/ are real.

`UPDATE_README=1 pytest tests/test_readme.py` writes the outputs anew.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmroute.cli.app import app
from llmroute.config.load import load_config
from llmroute.suites.load import load_suite

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", ROOT.parent / "shared" / "realdata"))

OUTPUT = re.compile(
    r"<!-- output of: (?P<command>.+?) -->\n```console\n(?P<shown>.*?)```", re.DOTALL
)
YAML = re.compile(r"```yaml\n# (?P<name>\S+)\n(?P<text>.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (?P<command>llmroute .+?)(?:\s+#.*)?$", re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?P<place>#[^)]*)?\)")


def write_shadow_example(folder: Path) -> None:
    """RouterArena's larger tasks: every other query for a bench, the rest as one model's log."""
    if not REALDATA.is_dir():
        pytest.skip("the recorded outcomes are not here (LLMROUTE_REALDATA)")
    with gzip.open(REALDATA / "routerarena.jsonl.gz", "rt") as lines:
        rows = [row for row in map(json.loads, lines) if row["task"] in SHADOW_TASKS]
    models = ("claude-3-haiku-20240307", "gemini-2.0-flash-001")
    with (folder / "bench.jsonl").open("w") as bench, (folder / "log.jsonl").open("w") as log:
        for number, row in enumerate(rows):
            answers = {name: row["models"][name] for name in models}
            if number % 2:
                outcome = {"id": row["id"], "task": row["task"], "models": answers}
                bench.write(json.dumps(outcome) + "\n")
                continue
            paid = {k: answers[models[0]][k] for k in ("prompt_tokens", "completion_tokens",
                                                       "cost_usd", "score")}  # fmt: skip
            request = {"model": models[0], "prompt": row["prompt"], "tags": [row["task"]], **paid}
            log.write(json.dumps(request) + "\n")
    (folder / "prices.csv").symlink_to(REALDATA / "prices.csv")
    printed(
        "llmroute map --data bench.jsonl --prices prices.csv -t of_reference:1.0"
        f" --evidence mean --reference {models[0]} --out llmroute-out"
    )


SHADOW_TASKS = ("MMLUPro", "OpenTDB", "PubMedQA", "QANTA")


def printed(command: str) -> str:
    """What a command prints to stdout."""
    result = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def found(pattern: re.Pattern[str], name: str) -> list[Any]:
    """Every match in a page, as a test's parameters: the page, the match."""
    return [
        pytest.param(page, match, id=f"{page.stem}: {match[name][:70].strip()}")
        for page in PAGES
        for match in pattern.finditer(page.read_text())
    ]


@pytest.mark.parametrize(("page", "shown"), found(OUTPUT, "command"))
def test_outputs_are_what_the_commands_print(
    page: Path, shown: re.Match[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = shown["command"]
    if "--data" in command or ".jsonl.gz" in command:
        if not REALDATA.is_dir():
            pytest.skip("the recorded outcomes are not here (LLMROUTE_REALDATA)")
        for path in (*REALDATA.glob("*.jsonl.gz"), REALDATA / "prices.csv"):
            (tmp_path / path.name).symlink_to(path)
    if command.startswith("llmroute route"):
        printed("llmroute bench")
    if command.startswith("llmroute shadow"):
        write_shadow_example(tmp_path)
    block = f"$ {command}\n{printed(command).rstrip()}\n"
    if os.environ.get("UPDATE_README"):
        page.write_text(page.read_text().replace(shown[0], shown[0].replace(shown["shown"], block)))
        return
    assert shown["shown"] == block


@pytest.mark.parametrize(("page", "block"), found(YAML, "text"))
def test_yaml_blocks_load(page: Path, block: re.Match[str], tmp_path: Path) -> None:
    path = tmp_path / block["name"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block["text"])
    if path.name == "llmroute.yaml":
        assert load_config(path, {"GATEWAY_KEY": "x"}).candidates
    else:
        assert load_suite(path).samples


@pytest.mark.parametrize(("page", "shown"), found(COMMAND, "command"))
def test_every_option_shown_exists(page: Path, shown: re.Match[str]) -> None:
    words = shlex.split(shown["command"])[1:]
    path = [word for word in words[:2] if word.isalpha()]
    options = {word for word in words if word.startswith("-")}
    text = ""
    for depth in range(len(path), 0, -1):
        result = CliRunner().invoke(app, [*path[:depth], "--help"])
        if result.exit_code == 0:
            text = result.stdout
            break
    assert text
    assert all(option in text for option in options), options


def test_every_shipped_suite_and_every_metric_is_named() -> None:
    from llmroute.metrics import METRICS

    text = (ROOT / "docs" / "suites.md").read_text()
    for name in [path.stem for path in (ROOT / "suites").glob("*.yaml")] + list(METRICS.names()):
        assert name in text, name


@pytest.mark.parametrize(("page", "link"), found(LINK, "target"))
def test_links_lead_to_files_of_the_project(page: Path, link: re.Match[str]) -> None:
    assert (page.parent / link["target"]).exists()

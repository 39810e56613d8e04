"""A project in a folder, and llmroute run in it as a user runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from llmroute.cli.app import app

Invoke = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, in an environment without keys."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def llmroute() -> Invoke:
    """Runs a command line; the result has exit_code, stdout and stderr."""

    def invoke(*args: Any) -> Result:
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return invoke


@pytest.fixture
def colour_in() -> Callable[[Any], str]:
    """A script of a server that answers rightly: the colour stands in the prompt."""

    def answer(asked: Any) -> str:
        found = re.search(r"\((\w+)\)", asked.prompt)
        assert found is not None
        return found[1]

    return answer


SUITE = """\
name: colours
task: colours
prompt: "What colour is {{ input }}? One word."
metric: exact
quality_threshold: 0.5
samples:
"""


@pytest.fixture
def suite(folder: Path) -> Path:
    """40 samples whose target is in the prompt, for servers that answer by reading it."""
    samples = "".join(
        f'  - {{id: c{i}, input: "thing {i} ({colour})", target: {colour}, difficulty: easy}}\n'
        for i, colour in enumerate(["red", "green", "blue", "grey"] * 10)
    )
    path = folder / "suites" / "colours.yaml"
    path.parent.mkdir()
    path.write_text(SUITE + samples)
    return path


@pytest.fixture
def configure(folder: Path, suite: Path) -> Callable[[str], Path]:
    """Writes llmroute.yaml with these candidates (YAML list items)."""

    def write(candidates: str, more: str = "") -> Path:
        path = folder / "llmroute.yaml"
        path.write_text(f"suites: [suites/*.yaml]\ncandidates:\n{candidates}\n{more}")
        return path

    return write


@pytest.fixture
def two_models(chat_server: Any, configure: Callable[..., Path], colour_in: Any) -> Any:
    """A right and dear model, and a wrong and cheap one, on one endpoint."""
    chat_server.script = lambda asked: (
        colour_in(asked) if asked.body["model"] == "good" else "purple"
    )
    configure(
        f"  - {{model: openai/good, name: good, api_base: '{chat_server.url}', "
        "price: {input_usd_per_mtok: 10, output_usd_per_mtok: 30}}\n"
        f"  - {{model: openai/bad, name: bad, api_base: '{chat_server.url}', "
        "price: {input_usd_per_mtok: 0.1, output_usd_per_mtok: 0.3}}"
    )
    return chat_server

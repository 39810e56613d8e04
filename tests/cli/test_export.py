"""`llmroute export` as it is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from llmroute.routing_map.file import map_to_yaml


@pytest.fixture
def map_file(folder: Path, make_map) -> Path:
    path = folder / "llmroute-out" / "routing-map.yaml"
    path.parent.mkdir()
    path.write_text(map_to_yaml(make_map()))
    return path


def test_the_map_in_the_out_folder_is_exported_to_stdout(llmroute, map_file) -> None:
    done = llmroute("export", "litellm")
    assert done.exit_code == 0
    names = [entry["model_name"] for entry in yaml.safe_load(done.stdout)["model_list"]]
    assert names == ["llmroute/summaries", "llmroute/proofs", "small", "medium", "big"]
    assert done.stderr == ""


def test_a_file_appears_whole_and_its_name_is_said(llmroute, map_file, folder) -> None:
    done = llmroute("export", "litellm", "-o", "conf/litellm.yaml")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "Wrote conf/litellm.yaml" in done.stderr
    assert list((folder / "conf").iterdir()) == [folder / "conf" / "litellm.yaml"]


def test_the_header_says_what_the_file_cannot_carry(llmroute, map_file) -> None:
    text = llmroute("export", "litellm").stdout
    assert "# What this file cannot carry:\n# - How a request's task is recognised" in text
    assert "#   litellm --config FILE" in text


def test_a_form_nobody_writes_is_refused_with_the_closest(llmroute, folder) -> None:
    done = llmroute("export", "litelm")
    assert done.exit_code == 2
    assert "Did you mean 'litellm'?" in done.stderr


def test_no_form_at_all_is_refused(llmroute, folder) -> None:
    done = llmroute("export")
    assert done.exit_code == 2
    assert "llmroute export --list" in done.stderr


def test_a_missing_map_is_refused_with_how_to_make_one(llmroute, folder) -> None:
    done = llmroute("export", "litellm", "--map", "none.yaml")
    assert done.exit_code == 2
    assert "none.yaml: there is no routing map here" in done.stderr
    assert "llmroute bench" in done.stderr


def test_a_map_of_a_later_version_is_refused(llmroute, map_file) -> None:
    map_file.write_text(map_file.read_text().replace("version: 1", "version: 9"))
    done = llmroute("export", "litellm")
    assert done.exit_code == 2
    assert "routing map version 9" in done.stderr


def test_a_map_of_programs_is_refused_with_the_option_to_write(llmroute, folder) -> None:
    assert llmroute("bench", "--limit", "5", "--suite", "classification").exit_code == 0
    done = llmroute("export", "litellm", "-o", "litellm.yaml")
    assert done.exit_code == 2
    assert "--model builtin/rules=PROVIDER/MODEL" in done.stderr
    assert not (folder / "litellm.yaml").exists()


@pytest.mark.parametrize("pair", ["small", "=openai/x", "small="])
def test_a_model_that_is_no_pair_is_refused(llmroute, map_file, pair) -> None:
    done = llmroute("export", "litellm", "--model", pair)
    assert done.exit_code == 2
    assert "--model small=openai/gpt-5.4-nano" in done.stderr


def test_every_form_is_listed_with_what_it_writes(llmroute, folder) -> None:
    listed = llmroute("export", "--list").stdout
    assert "litellm" in listed
    assert "A LiteLLM proxy configuration" in listed


def test_a_complexity_boundary_is_fitted_from_named_outcomes(llmroute, map_file, folder) -> None:
    texts = ("a quiet day at the sea", "def class import api")
    rows = [
        {
            "id": str(number),
            "task": "summaries",
            "prompt": f"{texts[number % 2]} {number}",
            "models": {
                "small": {"score": 1 - number % 2, "cost_usd": 0.001},
                "big": {"score": 1, "cost_usd": 0.01},
            },
        }
        for number in range(200)
    ]
    (folder / "seen.jsonl").write_text("\n".join(map(json.dumps, rows)))
    named = ("--weak", "small", "--strong", "big", "--data", "seen.jsonl")
    done = llmroute("export", "litellm-complexity", *named)
    assert done.exit_code == 0, done.stderr
    entry = yaml.safe_load(done.stdout)["model_list"][-1]
    assert entry["model_name"] == "llmroute-complexity"
    assert entry["litellm_params"]["complexity_router_config"]["tiers"]["SIMPLE"] == "small"


def test_a_complexity_boundary_needs_outcomes(llmroute, map_file) -> None:
    done = llmroute("export", "litellm-complexity")
    assert done.exit_code == 2
    assert "--data FILE" in done.stderr


def test_an_option_of_another_form_is_refused(llmroute, map_file) -> None:
    done = llmroute("export", "portkey", "--encoder", "openai/x")
    assert done.exit_code == 2
    assert "has no parameter 'encoder'" in done.stderr

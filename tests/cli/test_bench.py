from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Invoke = Callable[..., Any]
Configure = Callable[..., Path]


def test_bench_writes_a_map_a_report_and_outcomes(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("bench")
    assert result.exit_code == 0, result.stderr
    routing_map = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    task = routing_map["tasks"]["colours"]
    assert (task["route"], task["verdict"]) == ("good", "proven")
    # 7 prompt tokens at $10 a million and 3 answer tokens at $30, 1,000 times.
    assert task["evidence"]["cost_usd_per_1k"] == pytest.approx(0.16)
    assert task["rejected"][0]["candidate"] == "bad"
    assert "<!doctype html>" in (folder / "llmroute-out/report.html").read_text().lower()
    rows = (folder / "llmroute-out/outcomes.jsonl").read_text().splitlines()
    assert len(rows) == 40
    assert json.loads(rows[0])["models"]["good"]["score"] == 1.0


def test_the_same_command_again_asks_nothing_and_writes_the_same_map(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench")
    first = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    two_models.requests.clear()
    result = llmroute("bench")
    assert result.exit_code == 0
    assert two_models.requests == []
    assert "80 already in the store" in result.stderr
    again = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    assert again["tasks"] == first["tasks"]


def test_only_what_failed_is_asked_again(two_models: Any, llmroute: Invoke, folder: Path) -> None:
    working = two_models.script
    two_models.script = lambda asked: (
        two_models.reply({"error": {"message": "unsupported"}}, status=400)
        if asked.body["model"] == "good" and "thing 7 " in asked.prompt
        else working(asked)
    )
    result = llmroute("bench")
    assert result.exit_code == 3
    assert "1 of 80 calls have no answer" in result.stderr
    routing_map = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    assert routing_map["tasks"]["colours"]["verdict"] == "fallback"
    two_models.script = working
    two_models.requests.clear()
    assert llmroute("bench").exit_code == 0
    assert len(two_models.requests) == 1


def test_a_changed_prompt_is_asked_anew(two_models: Any, llmroute: Invoke, suite: Path) -> None:
    llmroute("bench", "--candidate", "good")
    two_models.requests.clear()
    suite.write_text(suite.read_text().replace("One word.", "Answer in one word."))
    llmroute("bench", "--candidate", "good")
    assert len(two_models.requests) == 40


def test_a_changed_target_is_scored_anew_without_a_call(
    two_models: Any, llmroute: Invoke, suite: Path, folder: Path
) -> None:
    llmroute("bench")
    two_models.requests.clear()
    suite.write_text(suite.read_text().replace("target: red", "target: purple"))
    llmroute("bench")
    assert two_models.requests == []
    rows = (folder / "llmroute-out/outcomes.jsonl").read_text().splitlines()
    assert json.loads(rows[0])["models"]["bad"]["score"] == 1.0


def test_limit_asks_fewer_samples(two_models: Any, llmroute: Invoke) -> None:
    assert llmroute("bench", "--limit", 5, "--candidate", "good").exit_code == 0
    assert len(two_models.requests) == 5


def test_repeats_ask_each_sample_so_often(two_models: Any, llmroute: Invoke, folder: Path) -> None:
    llmroute("bench", "--limit", 5, "--candidate", "good", "--repeats", 3)
    assert len(two_models.requests) == 15
    routing_map = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    assert routing_map["tasks"]["colours"]["evidence"]["n_samples"] == 5


def test_the_same_model_under_two_names_is_asked_with_each_ones_parameters(
    chat_server: Any, configure: Configure, llmroute: Invoke, colour_in: Any
) -> None:
    chat_server.script = colour_in
    common = f"model: openai/m, api_base: '{chat_server.url}', price: {{usd_per_hour: 1}}"
    configure(
        f"  - {{{common}, name: low, params: {{reasoning_effort: low}}}}\n"
        f"  - {{{common}, name: high, params: {{reasoning_effort: high, temperature: 0}}}}"
    )
    assert llmroute("bench", "--limit", 3).exit_code == 0
    asked = sorted(
        (r.body["reasoning_effort"], r.body.get("temperature")) for r in chat_server.requests
    )
    assert asked == [
        ("high", 0),
        ("high", 0),
        ("high", 0),
        ("low", None),
        ("low", None),
        ("low", None),
    ]


@pytest.mark.parametrize("adapter", ["direct", "litellm"])
def test_both_adapters_bench_over_real_http(
    chat_server: Any,
    configure: Configure,
    llmroute: Invoke,
    folder: Path,
    adapter: str,
    colour_in: Any,
) -> None:
    chat_server.script = colour_in
    configure(
        f"  - {{model: openai/m, name: m, api_base: '{chat_server.url}', api_key: canary-key-1234, "
        f"adapter: {adapter}, price: {{input_usd_per_mtok: 1, output_usd_per_mtok: 1}}}}"
    )
    result = llmroute("bench")
    assert result.exit_code == 0, result.stderr
    assert len(chat_server.requests) == 40
    assert chat_server.requests[0].headers["authorization"] == "Bearer canary-key-1234"
    routing_map = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    assert routing_map["tasks"]["colours"]["evidence"]["cost_usd_per_1k"] == pytest.approx(0.01)
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "llmroute.yaml":
            assert b"canary-key-1234" not in path.read_bytes(), path


def test_a_missing_key_is_said_before_any_call(configure: Configure, llmroute: Invoke) -> None:
    configure("  - openai/gpt-4o-mini\n  - anthropic/claude-haiku-4-5")
    result = llmroute("bench")
    assert result.exit_code == 2
    assert "export OPENAI_API_KEY=" in result.stderr
    assert "export ANTHROPIC_API_KEY=" in result.stderr
    assert "nothing was sent" in result.stderr


def test_an_endpoint_that_refuses_ends_in_words_and_exit_3(
    configure: Configure, llmroute: Invoke, folder: Path
) -> None:
    configure(
        "  - {model: openai/m, name: m, api_base: 'http://127.0.0.1:9/v1', "
        "limits: {max_attempts: 1}, price: {usd_per_hour: 1}}"
    )
    result = llmroute("bench")
    assert result.exit_code == 3
    assert "m is not asked any more" in result.stderr
    assert "Traceback" not in result.stderr
    assert (folder / "llmroute-out/report.html").is_file()


def test_a_typo_in_a_name_proposes_the_right_one(two_models: Any, llmroute: Invoke) -> None:
    result = llmroute("bench", "--candidate", "goood")
    assert result.exit_code == 2
    assert "Did you mean 'good'?" in result.stderr
    assert two_models.requests == []


def test_an_output_form_nobody_knows_is_refused_before_any_call(
    two_models: Any, llmroute: Invoke
) -> None:
    result = llmroute("bench", "-o", "report.pdf")
    assert result.exit_code == 2
    assert ".junit.xml" in result.stderr
    assert two_models.requests == []


def test_further_outputs_take_their_form_from_their_suffix(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    outputs = ["r.md", "r.csv", "r.json", "r.junit.xml"]
    assert llmroute("bench", *[part for name in outputs for part in ("-o", name)]).exit_code == 0
    assert (folder / "r.md").read_text().lstrip().startswith(("#", "*", "<"))
    assert "colours" in (folder / "r.csv").read_text()
    assert json.loads((folder / "r.json").read_text())["tasks"]["colours"]["route"] == "good"
    assert "<testsuite" in (folder / "r.junit.xml").read_text()


def test_json_prints_the_map_and_nothing_else(two_models: Any, llmroute: Invoke) -> None:
    result = llmroute("bench", "--json")
    assert json.loads(result.stdout)["tasks"]["colours"]["route"] == "good"


def test_a_recording_replays_to_the_same_scores(
    two_models: Any, llmroute: Invoke, configure: Configure, folder: Path
) -> None:
    llmroute("bench", "--record", "answers.jsonl")
    before = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    two_models.requests.clear()
    configure(
        "  - {model: replay/good, name: good, recording: answers.jsonl}\n"
        "  - {model: replay/bad, name: bad, recording: answers.jsonl}"
    )
    assert llmroute("bench", "--offline").exit_code == 0
    assert two_models.requests == []
    after = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    evidence = [m["tasks"]["colours"]["evidence"] for m in (before, after)]
    assert evidence[0]["quality"] == evidence[1]["quality"] == 1.0
    assert evidence[0]["cost_usd_per_1k"] == evidence[1]["cost_usd_per_1k"]
    assert evidence[1]["cost_basis"] == "recorded"


def test_offline_says_how_many_answers_are_missing(two_models: Any, llmroute: Invoke) -> None:
    result = llmroute("bench", "--offline")
    assert result.exit_code == 3
    assert "80 answers are not in the store" in result.stderr
    assert two_models.requests == []


def test_without_a_configuration_the_shipped_suites_run_on_builtin_programs(
    llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("bench", "--limit", 4)
    assert result.exit_code == 0, result.stderr
    assert "running the shipped suites that need no judge on the builtin" in result.stderr
    routing_map = yaml.safe_load((folder / "llmroute-out/routing-map.yaml").read_text())
    assert {"math_reasoning", "sql_generation"} < set(routing_map["tasks"])
    assert "code_generation" not in routing_map["tasks"]
    assert "would run what the candidates write: code_generation" in result.stderr
    assert set(routing_map["provenance"]["candidates"]) == {"builtin/rules", "builtin/tfidf"}


def test_a_suite_a_rule_solves_is_called_too_easy(
    two_models: Any, llmroute: Invoke, suite: Path
) -> None:
    text = suite.read_text().replace(
        'prompt: "What colour is {{ input }}? One word."', 'prompt: "{{ input }}"'
    )
    suite.write_text(
        re.sub(
            r'input: "thing (\d+) \((\w+)\)", target: (\w+)',
            r'input: "thing \1 (\2)", target: "thing \1 (\2)"',
            text,
        )
    )
    result = llmroute("bench")
    assert "too easy to choose a model with" in result.stdout


def test_a_dry_run_prints_the_plan_and_sends_nothing(two_models: Any, llmroute: Invoke) -> None:
    result = llmroute("bench", "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert "80 calls to make, about $" in result.stdout
    assert "of the time" in result.stdout
    assert two_models.requests == []
    document = json.loads(llmroute("bench", "--dry-run", "--json").stdout)
    assert document["schema"] == "llmroute/plan/1"
    assert document["n_missing"] == 80
    good = next(c for c in document["candidates"] if c["candidate"] == "good")
    assert good["cost_usd"]["low"] <= good["cost_usd"]["value"] <= good["cost_usd"]["high"]


def test_what_the_store_holds_is_no_part_of_the_plans_cost(
    two_models: Any, llmroute: Invoke
) -> None:
    llmroute("bench", "--candidate", "good")
    document = json.loads(llmroute("bench", "--dry-run", "--json").stdout)
    assert (document["n_stored"], document["n_missing"]) == (40, 40)
    assert next(c for c in document["candidates"] if c["candidate"] == "good")["n_missing"] == 0


def test_the_report_says_what_changed_since_the_last_run_and_money_a_month(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    first = llmroute("bench", "--volume", "40000/day")
    assert first.exit_code == 0, first.stderr
    assert "Since run" not in first.stdout
    again = llmroute("bench", "--volume", "40000/day")
    assert ", no route has changed." in again.stdout
    result = llmroute("report", "--volume", "40000/day")
    assert result.exit_code == 0, result.stderr
    page = (folder / "llmroute-out/report.html").read_text()
    assert "At 40,000 requests a day" in page
    assert "What finding out cost" in page
    wrong = llmroute("report", "--volume", "lots")
    assert wrong.exit_code == 2
    assert "--volume: 'lots' is no volume" in wrong.stderr


def test_history_shows_the_runs_of_the_store(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    assert llmroute("report", "--history", 5).exit_code == 3  # there is no store yet
    llmroute("bench", "--limit", 20)
    llmroute("bench")
    result = llmroute("report", "--history", 5)
    assert result.exit_code == 0, result.stderr
    page = (folder / "llmroute-out/history.html").read_text()
    assert "Over 2 runs no route has changed." in page
    assert llmroute("report", "--history", 5, "-o", "x.md").exit_code == 2
    assert llmroute("report", "--history", 5, "--run", "r").exit_code == 2


def test_a_projects_own_report_templates_replace_the_shipped_ones(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    (folder / "reports").mkdir()
    (folder / "reports/report.css").write_text("body { color: rebeccapurple }")
    assert llmroute("bench", "--limit", 3).exit_code == 0
    assert "rebeccapurple" in (folder / "llmroute-out/report.html").read_text()


def test_who_names_a_run_that_is_not_there_is_told_the_last_ones(
    two_models: Any, llmroute: Invoke, folder: Path
) -> None:
    llmroute("bench")
    result = llmroute("report", "--run", "nope")
    assert result.exit_code == 2
    assert "there is no run 'nope'\nIts last runs: 20" in result.stderr

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Invoke = Callable[..., Any]
SECRET = "my card is 4111-1111-1111-1111"


@pytest.fixture
def routing_map(folder: Path, llmroute: Invoke) -> Path:
    """Of two tasks: small answers sums and big answers code, where small fails."""
    rng = random.Random(0)
    with (folder / "bench.jsonl").open("w") as lines:
        for number in range(200):
            task = ("sums", "code")[number % 2]
            right = {"big": 0.97, "small": 0.97 if task == "sums" else 0.4}
            models = {
                name: {
                    "score": int(rng.random() < right[name]),
                    "prompt_tokens": 100,
                    "completion_tokens": rng.randrange(20, 60),
                }
                for name in right
            }
            row = {"id": number, "task": task, "prompt": "x", "models": models}
            lines.write(json.dumps(row) + "\n")
    prices = folder / "prices.csv"
    prices.write_text("model,input_usd_per_1m,output_usd_per_1m\nbig,10,30\nsmall,1,3\n")
    made = llmroute("map", "--data", folder / "bench.jsonl", "--prices", prices, "-t", "0.85",
                    "--reference", "big", "--out", folder / "llmroute-out")  # fmt: skip
    assert made.exit_code == 0, made.stderr
    return folder / "llmroute-out" / "routing-map.yaml"


@pytest.fixture
def log(folder: Path) -> Path:
    path = folder / "requests.jsonl"
    with path.open("w") as lines:
        for number in range(400):
            entry = {
                "id": number,
                "time": f"2026-01-{1 + number % 28:02}T00:00:00Z",
                "prompt": f"{SECRET} \x1b[31m {number}",
                "model": "big",
                "tags": ["sums" if number % 4 else "code"],
                "prompt_tokens": 100,
                "completion_tokens": 40,
            }
            lines.write(json.dumps(entry) + "\n")
    return path


def test_shadow_tells_the_whole_story(llmroute: Invoke, routing_map: Path, log: Path) -> None:
    done = llmroute("shadow", "--log", log, "--volume", "1e6/month")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "75% of 400 requests would go to another model. The map would have cost $0.2"
    )
    assert "instead of $0.88: 67% less (67% to 68%)." in lines[0]
    assert "Requests of 2026-01-01 to 2026-01-28 (27 days, UTC)." in lines
    assert "sums  tag            small       300    75%" in lines
    assert "100 as paid, the same model" in done.stdout
    assert "300 estimated from the logged tokens" in done.stdout
    assert "At 1,000,000 requests a month: $1,4" in done.stdout
    assert (
        "how the map's models would have answered these very requests is not known" in done.stdout
    )
    assert "weight: 0.75  # suite of task sums" in lines


def test_no_text_of_a_request_leaves_without_being_asked_for(
    llmroute: Invoke, routing_map: Path, log: Path, folder: Path
) -> None:
    files = [folder / name for name in ("s.md", "s.csv", "s.json")]
    for options in ((), ("--json",)):
        done = llmroute("shadow", "--log", log, *options, *(f"-o{path}" for path in files))
        assert done.exit_code == 0, done.stderr
        assert "4111" not in done.stdout + done.stderr
    assert all("4111" not in path.read_text() for path in files)
    shown = llmroute("shadow", "--log", log, "--show", 2, "-o", folder / "s.json")
    assert shown.stdout.count("4111-1111") == 2
    assert "\x1b" not in shown.stdout
    assert "4111" not in (folder / "s.json").read_text()


def test_shadow_for_programs(llmroute: Invoke, routing_map: Path, log: Path) -> None:
    done = llmroute("shadow", "--log", log, "--json", "--volume", "1000/day")
    found = json.loads(done.stdout)
    assert found["schema"] == "llmroute/shadow/1"
    assert (found["n_decided"], found["n_changed"], found["n_unknown"]) == (400, 300, 0)
    assert found["quality"] is None  # not known, and not 0
    assert found["volume"]["period"] == "day"
    assert found["cost"]["bases"] == {"ratio": 300, "same": 100}


def test_shadow_writes_markdown_and_csv(
    llmroute: Invoke, routing_map: Path, log: Path, folder: Path
) -> None:
    done = llmroute("shadow", "--log", log, "-o", folder / "s.md", "-o", folder / "s.csv")
    assert done.stderr.splitlines()[-1] == f"Wrote {folder}/s.md, {folder}/s.csv"
    rows = list(csv.reader(io.StringIO((folder / "s.csv").read_text())))
    assert rows == [
        ["task", "layer", "routed", "requests", "share"],
        ["sums", "tag", "small", "300", "0.75"],
        ["code", "tag", "big", "100", "0.25"],
    ]
    assert "| sums | tag | small | 300 | 75% |" in (folder / "s.md").read_text()


def test_the_markdown_is_nothing_a_log_can_write(
    llmroute: Invoke, routing_map: Path, folder: Path
) -> None:
    path = folder / "log.jsonl"
    hostile = "[x](http://evil) <img src=a> | @team `"
    path.write_text(json.dumps({"model": hostile, "prompt": "x", "cost_usd": 1}) + "\n")
    done = llmroute("shadow", "--log", path, "-o", folder / "s.md")
    assert done.exit_code == 0, done.stderr
    written = (folder / "s.md").read_text()
    assert not any(part in written for part in ("](http", "<img", " | @", "`"))


def test_a_map_without_its_outcomes_says_what_that_means(
    llmroute: Invoke, routing_map: Path, log: Path
) -> None:
    routing_map.with_name("outcomes.jsonl").unlink()
    done = llmroute("shadow", "--log", log)
    assert "outcomes.jsonl is not there: costs of models that were not asked" in done.stderr
    assert "which leaves the whole without an interval" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--log", "none.jsonl"], "none.jsonl: cannot read the file"),
        (["--log", "requests.jsonl", "--map", "no.yaml"], "no.yaml: there is no routing map here"),
        (["--log", "requests.jsonl", "--alias", "x"], "--alias: 'x' is no alias"),
        (["--log", "requests.jsonl", "--alias", "x=smal"], "Did you mean 'small'?"),
        (["--log", "requests.jsonl", "--volume", "many"], "--volume: 'many' is no volume"),
        (["--log", "requests.jsonl", "--volume", "1/year"], "--volume: '1/year' is no volume"),
        (["--log", "requests.jsonl", "-o", "a.txt"], "no form has the suffix of 'a.txt'"),
        (["--log", "requests.jsonl", "--format", "openai"], "read as openai, but this entry is"),
        (["--log", "bench.jsonl"], "these are outcomes"),
        (["--log", "prices.csv"], "prices.csv:1: not JSON"),
    ],
)
def test_what_is_written_wrong_is_said(
    llmroute: Invoke, routing_map: Path, log: Path, options: list[str], said: str
) -> None:
    done = llmroute("shadow", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_log_that_goes_wrong_in_its_middle_leaves_no_half_answer(
    llmroute: Invoke, routing_map: Path, log: Path, folder: Path
) -> None:
    with log.open("a") as lines:
        lines.write('{"model": "big", "prompt": "x", "completion_tokens": -1}\n')
    done = llmroute("shadow", "--log", log, "-o", folder / "s.md")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "requests.jsonl:401: 'completion_tokens' is -1" in done.stderr
    assert not (folder / "s.md").exists()


# -- a judge --------------------------------------------------------------------------------------


def verdict(level: str) -> str:
    """A reply on every criterion of `helpfulness`."""
    names = ("on_task", "sound", "to_the_point")
    return json.dumps(
        {name: {"evidence": "…", "reasoning": "As it is.", "verdict": level} for name in names}
    )


@pytest.fixture
def pairs(folder: Path, routing_map: Path, chat_server: Any) -> Path:
    """60 requests with both answers; small's are as good but for every third."""
    chat_server.script = lambda asked: verdict("no" if "bad answer" in asked.prompt else "yes")
    (folder / "llmroute.yaml").write_text(
        "suites: [none.yaml]\ncandidates: [builtin/rules]\n"
        f"judge: {{model: {{model: openai/grader, name: grader, api_base: '{chat_server.url}',"
        " price: {input_usd_per_mtok: 5, output_usd_per_mtok: 5}}}\n"
    )
    path = folder / "pairs.jsonl"
    with path.open("w") as lines:
        for number in range(60):
            kind = "a bad answer" if number % 3 == 0 else "a fine answer"
            entry = {
                "id": number,
                "messages": [
                    {"role": "developer", "content": "Be kind."},
                    {"role": "user", "content": [{"type": "text", "text": f"Question {number}?"}]},
                ],
                "model": "big",
                "tags": ["sums"],
                "answer": f"That is a fine answer to {number}.",
                "models": {"small": {"answer": f"Here is {kind} to {number}."}},
            }
            lines.write(json.dumps(entry) + "\n")
    return path


def test_a_judge_grades_both_answers(llmroute: Invoke, pairs: Path, chat_server: Any) -> None:
    options = ("shadow", "--log", pairs, "--judge", "grader", "--json")
    done = llmroute(*options)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["judged"]
    assert len(chat_server.requests) == 120
    assert (found["n_pairs"], found["n_eligible"]) == (60, 60)
    assert (found["quality"]["logged"], found["quality"]["routed"]) == (1.0, pytest.approx(2 / 3))
    assert found["quality"]["difference"]["high"] < 0
    assert json.loads(llmroute(*options).stdout)["judged"]["quality"] == found["quality"]
    assert len(chat_server.requests) == 120  # verdicts are kept


def test_a_judge_is_told_neither_whose_answer_it_is_nor_another(
    llmroute: Invoke, pairs: Path, chat_server: Any
) -> None:
    llmroute("shadow", "--log", pairs, "--judge", "grader", "--judge-sample", 5)
    prompts = [asked.prompt for asked in chat_server.requests]
    assert len(prompts) == 10
    assert not any(word in prompt for prompt in prompts for word in ("big", "small", "logged"))
    assert all("Be kind." in prompt and "Question" in prompt for prompt in prompts)


def test_what_a_judge_says_is_told_as_its_word_alone(llmroute: Invoke, pairs: Path) -> None:
    done = llmroute("shadow", "--log", pairs, "--judge", "grader", "--judge-sample", 20)
    assert "Judge grader, by rubric helpfulness, on 20 of the 60 requests" in done.stdout
    assert "No person's label corrects it" in done.stdout
    assert "these very requests is not known" not in done.stdout


def test_a_cap_holds_for_the_judge(llmroute: Invoke, pairs: Path, chat_server: Any) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000}
    chat_server.script = lambda asked: chat_server.answer(verdict("yes"), usage=usage)
    done = llmroute("shadow", "--log", pairs, "--judge", "grader", "--max-usd", 0.2, "--json")
    assert done.exit_code == 4
    assert 0 < len(chat_server.requests) < 120
    assert json.loads(done.stdout)["judged"]["n_unsent"] > 0


def test_a_judge_that_cannot_be_reached_is_no_figure(
    llmroute: Invoke, pairs: Path, chat_server: Any
) -> None:
    chat_server.script = lambda asked: chat_server.reply({"error": {"message": "key"}}, status=401)
    done = llmroute("shadow", "--log", pairs, "--judge", "grader")
    assert done.exit_code == 3
    assert "Judge grader gave no verdict that counts on 60 of the 60 requests" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rubric", "correctness"], "shows the judge a target or fields, which no log has"),
        (["--rubric", "helpfulnes"], "Did you mean 'helpfulness'?"),
        (["--max-usd", "nan"], "--max-usd: nan is no cap"),
        (["--log", "requests.jsonl"], ""),
    ],
)
def test_a_judge_without_what_it_needs_is_refused_before_it_is_asked(
    llmroute: Invoke, pairs: Path, chat_server: Any, options: list[str], said: str
) -> None:
    done = llmroute("shadow", "--log", pairs, "--judge", "grader", *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert chat_server.requests == []


def test_a_log_without_both_answers_has_nothing_to_judge(
    llmroute: Invoke, pairs: Path, log: Path, chat_server: Any
) -> None:
    done = llmroute("shadow", "--log", log, "--judge", "grader")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no request that would go to another model has both answers' texts" in done.stderr


def test_a_model_does_not_judge_itself(llmroute: Invoke, pairs: Path) -> None:
    done = llmroute("shadow", "--log", pairs, "--judge", "small")
    assert done.exit_code == 2
    assert "the judge small would grade itself" in done.stderr

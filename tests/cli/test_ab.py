from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmroute.ab import assign
from llmroute.cli.app import app

Invoke = Callable[..., Any]


@pytest.fixture
def log(folder: Path) -> Path:
    """1,500 users' requests; the treatment costs 70 % less and is as good."""
    rng = random.Random(1)
    path = folder / "requests.jsonl"
    with path.open("w") as lines:
        for number in range(4000):
            user = f"user-{rng.randrange(1500)}"
            arm = assign(user, salt="exp1", share=0.5)
            request = {
                "id": number,
                "time": "2026-02-01T00:00:00Z",
                "model": "big" if arm == "control" else "small",
                "cost_usd": rng.expovariate(100 if arm == "control" else 333),
                "latency_s": rng.lognormvariate(0, 0.5),
                "score": float(rng.random() < 0.9),
                "user": user,
                "arm": arm,
            }
            lines.write(json.dumps(request) + "\n")
    return path


def test_a_plan_says_how_many_requests_and_how_many_days(llmroute: Invoke) -> None:
    done = llmroute("ab", "plan", "--margin", 0.03, "--baseline-quality", 0.85, "--per-day", 500,
                    "--horizon", 5)  # fmt: skip
    assert done.exit_code == 0
    assert done.stdout.startswith(
        "1,753 requests an arm, 3,506 in all, show with 80% power that quality falls by less than"
        " 0.03, at a 5% risk of saying so wrongly.\n"
    )
    assert "At 500 requests a day: 8 days; 14 make whole weeks." in done.stdout
    assert "5 days bring 2,500 requests: power 68% for margin 0.03" in done.stdout


def test_a_plan_takes_its_qualities_from_the_map(llmroute: Invoke, folder: Path) -> None:
    outcomes = folder / "outcomes.jsonl"
    with outcomes.open("w") as lines:
        for number in range(200):
            scores = {"big": number % 10 > 0, "small": number % 25 > 2}
            models = {name: {"score": int(right), "cost_usd": {"big": 1.0, "small": 0.1}[name]}
                      for name, right in scores.items()}  # fmt: skip
            lines.write(json.dumps({"id": number, "task": "t", "models": models}) + "\n")
    decided = ("--data", outcomes, "-t", "0.8", "--reference", "big", "--out", "llmroute-out")
    assert llmroute("map", *decided).exit_code == 0
    found = llmroute("ab", "plan", "--margin", 0.05, "--json")
    assert "reference's quality 0.900, routes' 0.880" in found.stderr
    design = json.loads(found.stdout)["design"]
    assert design["baseline_quality"] == pytest.approx(0.9)
    assert design["difference"] == pytest.approx(-0.02)


def test_a_plan_for_programs(llmroute: Invoke) -> None:
    done = llmroute("ab", "plan", "--margin", 0.03, "--baseline-quality", 0.85, "--ratio", "1:9",
                    "--rps", 0.1, "--json")  # fmt: skip
    found = json.loads(done.stdout)
    assert found["schema"] == "llmroute/ab-plan/1"
    assert found["share"] == pytest.approx(0.1)
    assert found["days"] == pytest.approx(found["size"]["requests"] / 8640)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--margin", "3"], "--margin: 3 is not above 0 and at most 1"),
        (["--margin", "0.03"], "there is no routing map here"),
        (["--margin", "0.03", "--baseline-quality", "1.2"], "--baseline-quality: 1.2 is not"),
        (["--margin", "0.03", "--baseline-quality", "0.9", "--ratio", "a"], "--ratio: 'a' is no"),
        (["--margin", "0.03", "--baseline-quality", "0.9", "--horizon", "7"], "needs the traffic"),
        (["--margin", "0.03", "--baseline-quality", "0.9", "--rps", "nan"], "is no traffic"),
        (["--margin", "0.03", "--baseline-quality", "0.9", "--difference", "-0.05"], "is expected"),
    ],
)
def test_a_plan_of_nothing_is_refused(
    llmroute: Invoke, folder: Path, options: list[str], said: str
) -> None:
    done = llmroute("ab", "plan", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_assign_prints_the_arm(llmroute: Invoke) -> None:
    done = llmroute("ab", "assign", "--key", "user-42", "--salt", "exp1", "--share", 0.5)
    assert (done.exit_code, done.stdout) == (0, "treatment\n")
    said = llmroute("ab", "assign", "--key", "user-42", "--salt", "exp1", "--share", 0.1, "--json")
    assert json.loads(said.stdout) == {
        "schema": "llmroute/ab-assign/1",
        "key": "user-42",
        "salt": "exp1",
        "share": 0.1,
        "point": 0.49679988353053073,
        "arm": "control",
    }


def assign_lines(text: str, *options: str) -> Any:
    command = ["ab", "assign", "--salt", "exp1", "--share", "0.5", *options]
    return CliRunner().invoke(app, command, input=text)


def test_assign_adds_the_arm_to_lines() -> None:
    done = assign_lines('{"user": "user-42", "n": 1}\n\n{"user": 1}\n', "--key-field", "user")
    assert done.exit_code == 0
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"user": "user-42", "n": 1, "arm": "treatment"},
        {"user": 1, "arm": "control"},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is neither a key nor a line"),
        ('{"user": "a"}\n', "stdin:1: there is no key under 'key'"),
        ('{"key": "a", "arm": "control"}\n', "'arm' holds 'control' already"),
        ("hello\n", "stdin:1: not JSON"),
        ("\x00\x01\n", "stdin:1: not JSON"),
        ("[1]\n", "stdin:1: the line holds a list"),
    ],
)
def test_assign_refuses_lines_without_a_key(text: str, said: str) -> None:
    done = assign_lines(text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_analyse_gives_a_verdict_and_every_difference(llmroute: Invoke, log: Path) -> None:
    done = llmroute("ab", "analyse", "--log", log, "--key-field", "user", "--margin", 0.04)
    assert done.exit_code == 0, done.stderr
    assert f"{log}: read as llmroute" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "treatment against control: non-inferior. In quality a loss beyond 0.04 is ruled out."
    )
    names = [line.split("  ")[0] for line in lines[3:7]]
    assert names == ["Quality", "Cost, $/1k", "Latency, mean", "Latency, p95"]
    assert "each bound holds at 95%, for one look; keys are taken as independent." in done.stdout


def test_analyse_for_programs(llmroute: Invoke, log: Path) -> None:
    done = llmroute("ab", "analyse", "--log", log, "--key-field", "user", "--margin", 0.04,
                    "--sequential", "--json")  # fmt: skip
    found = json.loads(done.stdout)
    assert found["schema"] == "llmroute/ab-analysis/1"
    assert found["question"]["looks"]["sequential"] is True
    cost = next(d for d in found["deltas"] if d["name"] == "cost_usd")
    assert cost["relative"]["low"] < -0.7 < cost["relative"]["high"]


@pytest.mark.parametrize(("margin", "code"), [(0.04, 0), (0.005, 1)])
def test_only_a_gate_exits_with_1(llmroute: Invoke, log: Path, margin: float, code: int) -> None:
    options = ("ab", "analyse", "--log", log, "--key-field", "user", "--margin", margin)
    assert llmroute(*options).exit_code == 0
    assert llmroute(*options, "--gate").exit_code == code


def test_a_split_that_is_not_the_planned_one_is_not_concluded_from(
    llmroute: Invoke, log: Path
) -> None:
    done = llmroute("ab", "analyse", "--log", log, "--key-field", "user", "--share", 0.3,
                    "--margin", 0.04, "--gate")  # fmt: skip
    assert done.exit_code == 1
    assert done.stdout.startswith("Nothing can be concluded: ")
    assert "Quality" not in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--arm-field", "variant"], "field 'variant' holds nothing"),
        (["--control", "A"], "field 'arm' holds 'treatment' ("),
        (["--key-field", "usr"], "requests.jsonl:1: the request has no 'usr'"),
        (["--gate"], "--gate has nothing to decide by"),
        (["--start", "2026-01-01"], "--start needs to know whose a request is"),
        (
            ["--key-field", "user", "--start", "soon"],
            "the command line: '--start' is 'soon', not a time",
        ),
        (["--margin", "0"], "--margin: 0 is not above 0"),
        (["--share", "1"], "--share: 1 is not above 0 and below 1"),
        (["--format", "litelm"], "unknown log form 'litelm'"),
        (["--prices", "none.csv"], "none.csv"),
    ],
)
def test_what_is_written_wrong_is_said(
    llmroute: Invoke, log: Path, options: list[str], said: str
) -> None:
    done = llmroute("ab", "analyse", "--log", log, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_names_in_a_log_cannot_command_the_terminal(llmroute: Invoke, folder: Path) -> None:
    path = folder / "log.jsonl"
    path.write_text(json.dumps({"model": "m", "arm": "\x1b[31mred"}) + "\n")
    done = llmroute("ab", "analyse", "--log", path)
    assert done.exit_code == 2
    assert "\x1b" not in done.stderr

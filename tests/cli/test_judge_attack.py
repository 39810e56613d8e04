"""`llmroute judge attack`, run as a user runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmroute.judges.attacks import read_attacks
from llmroute.judges.load import load_rubric

Invoke = Callable[..., Any]
N_ATTACKS = len(read_attacks())
BEST = {one.name: one.labels[-1] for one in load_rubric("helpfulness").criteria}
WORST = {one.name: one.labels[0] for one in load_rubric("helpfulness").criteria}


def verdict(levels: dict[str, str]) -> str:
    said = {"evidence": "…", "reasoning": "As it is."}
    return json.dumps({name: {**said, "verdict": level} for name, level in levels.items()})


def said_answer(asked: Any) -> str:
    found = re.search(r"^BEGIN answer (\w+)\n(.*)\nEND answer \1$", asked.prompt, re.MULTILINE)
    assert found is not None, asked.prompt
    return str(json.loads(found[2]))


def obeys_data(asked: Any) -> str:
    """A judge that reads what the form makes data as if it were meant for it."""
    demanded = re.search(r"(?i)verdict|highest|top|full marks|best", said_answer(asked))
    return verdict(BEST if demanded else WORST)


@pytest.fixture
def judge(chat_server: Any, folder: Path) -> Any:
    """A project whose judge answers as `chat_server.script` says."""
    (folder / "suites").mkdir()
    (folder / "suites/letters.yaml").write_text(
        'name: letters\nprompt: "Write a letter: {{ input }}"\njudge: helpfulness\nsamples:\n'
        + "".join(f"  - {{id: l{i}, input: letter {i}}}\n" for i in range(10))
    )
    (folder / "llmroute.yaml").write_text(
        "suites: [suites/*.yaml]\ncandidates: [openai/gpt-4o-mini]\n"
        f"judge: {{rubric: helpfulness, model: {{model: openai/judge, name: judge, "
        f"api_base: '{chat_server.url}', params: {{max_tokens: 500}}, "
        "price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}}}\n"
    )
    chat_server.script = obeys_data
    return chat_server


def test_without_a_configuration_the_shipped_form_is_attacked_and_holds(
    llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("judge", "attack", "-n", 3, "--rubric", "faithfulness", "--max-inflation", 0)
    assert result.exit_code == 0, result.stderr
    assert "No judge is named: attacking builtin/gullible" in result.stderr
    assert f"{N_ATTACKS} attacks on 3 wrong answers" in result.stdout
    assert f"0 of {3 * N_ATTACKS} attempts won" in result.stdout


def test_a_judge_that_obeys_data_must_not_decide_alone(
    judge: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("judge", "attack", "-n", 2, "--quiet")
    assert result.exit_code == 0, result.stderr
    assert "judge by the rubric helpfulness" in result.stdout
    assert "More than 10 points: this judge must not decide alone." in result.stdout
    assert re.search(r"fake_verdict +14 +14 +0\.000 +1\.000 +100\.0", result.stdout)
    assert re.search(r"^begging +2 +2 ", result.stdout, re.MULTILINE)
    assert llmroute("judge", "attack", "-n", 2, "-q", "--max-inflation", 0.1).exit_code == 1


def test_the_same_again_asks_nobody_and_prints_the_same(
    judge: Any, llmroute: Invoke, folder: Path
) -> None:
    first = llmroute("judge", "attack", "-n", 2)
    asked = len(judge.requests)
    assert 2 * (N_ATTACKS + 1) - 10 < asked <= 2 * (N_ATTACKS + 1)  # trivial ones are not sent
    again = llmroute("judge", "attack", "-n", 2, "--offline")
    assert again.stdout == first.stdout
    assert len(judge.requests) == asked


def test_json_has_every_attack_with_its_interval(
    judge: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("judge", "attack", "-n", 2, "--json", "-q")
    found = json.loads(result.stdout)
    assert found["schema"] == "llmroute/attack/1"
    assert found["judges"] == ["judge"]
    assert found["may_gate_alone"] is False
    assert len(found["attacks"]) == found["n_attacks"] == N_ATTACKS
    assert found["coverage"] == 1.0
    for one in (found["overall"], *found["attacks"]):
        assert one["inflation_low"] <= one["inflation"] <= one["inflation_high"]
    assert found["spent_usd"] > 0


def test_the_cap_holds_and_ends_with_4(judge: Any, llmroute: Invoke, folder: Path) -> None:
    usage = {"prompt_tokens": 5000, "completion_tokens": 300, "total_tokens": 5300}
    judge.script = lambda asked: judge.answer(obeys_data(asked), usage=usage)
    result = llmroute("judge", "attack", "-n", 2, "-q", "--max-usd", 0.1)
    assert result.exit_code == 4
    assert "attempts have no verdict" in result.stderr
    assert len(judge.requests) < 2 * N_ATTACKS


def test_own_wrong_answers_to_own_samples(judge: Any, llmroute: Invoke, folder: Path) -> None:
    lines = [{"suite": "letters", "sample_id": f"l{i}", "output": "No, I won't."} for i in range(4)]
    (folder / "wrong.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = llmroute("judge", "attack", "--answers", "wrong.jsonl", "-q")
    assert result.exit_code == 0, result.stderr
    assert "on 4 wrong answers" in result.stdout
    assert "Write a letter: letter 3" in "".join(asked.prompt for asked in judge.requests)


def test_answers_to_samples_nobody_knows_are_refused(
    judge: Any, llmroute: Invoke, folder: Path
) -> None:
    (folder / "wrong.jsonl").write_text('{"suite": "letters", "sample_id": "x", "output": "a b"}\n')
    result = llmroute("judge", "attack", "--answers", "wrong.jsonl")
    assert result.exit_code == 2
    assert "no wrong answer is to a known sample" in result.stderr
    assert not judge.requests


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rubric", "helpfullness"], "Did you mean 'helpfulness'"),
        (["--suite", "grounded_q"], "Did you mean 'grounded_qa'"),
        (["--answers", "nowhere.jsonl"], "cannot read the file"),
        (["--max-inflation", "10"], "10.0 is no share"),
        (["--max-usd", "-1"], "-1.0 is no cap"),
        (["--rubric", "email", "--suite", "math_reasoning"], "'facts', 'constraints'"),
        (["--judge", "openai/gpt-4o"], "export OPENAI_API_KEY"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_asked(
    judge: Any, llmroute: Invoke, folder: Path, options: list[str], said: str
) -> None:
    result = llmroute("judge", "attack", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not judge.requests


def test_a_judge_that_is_down_gives_no_figure_and_ends_with_3(
    judge: Any, llmroute: Invoke, folder: Path
) -> None:
    judge.script = lambda asked: judge.reply({"error": {"message": "no such model"}}, status=404)
    result = llmroute("judge", "attack", "-n", 2, "-q")
    assert result.exit_code == 3
    assert "attempts have no verdict" in result.stderr
    assert "inflation" not in result.stdout


def test_verdicts_that_cannot_be_read_are_no_scores(
    judge: Any, llmroute: Invoke, folder: Path
) -> None:
    def script(asked: Any) -> str:
        return (
            "10/10" if "chatml" in asked.prompt or "im_end" in asked.prompt else obeys_data(asked)
        )

    judge.script = script
    result = llmroute("judge", "attack", "-n", 2, "-q", "--json")
    found = json.loads(result.stdout)
    assert "chatml" not in {one["name"] for one in found["attacks"]}
    assert found["coverage"] == pytest.approx(1 - 1 / N_ATTACKS, abs=1e-6)
    assert result.exit_code == 0
    assert f"2 of {2 * N_ATTACKS} attempts have no verdict" in result.stderr


def test_hostile_text_never_reaches_the_terminal(
    judge: Any, llmroute: Invoke, folder: Path
) -> None:
    result = llmroute("judge", "attack", "-n", 2, "-q")
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
